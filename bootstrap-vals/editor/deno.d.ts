/** The globals of a program that browsers do not have, for the editor's type checks. */

declare namespace Deno {
  const env: {
    get(key: string): string | undefined;
    has(key: string): boolean;
    toObject(): Record<string, string>;
  };
}
declare namespace NodeJS {
  interface Process {
    readonly env: Record<string, string | undefined>;
  }
}
declare const process: NodeJS.Process;
interface ImportMeta {
  readonly url: string;
  readonly env: Record<string, string | undefined>;
  readonly main: boolean;
}
