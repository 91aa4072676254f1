/** What a template may import as text. */
declare module "*.html" {
  const text: string;
  export default text;
}
/** The program of a town, which a template hands on as it is. */
declare module "town:system/main.ts" {
  const town: unknown;
  export default town;
}
