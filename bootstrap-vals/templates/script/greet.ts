/** A module for other vals to import. */
export function greet(name: string): string {
  return `Hello, ${name}`;
}
