/** What a template may import as text. */
declare module "*.html" {
  const text: string;
  export default text;
}
