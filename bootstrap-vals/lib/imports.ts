/**
 * What a file of the image imports, as it is written in the image and as a val writes it, which is elsewhere: relative
 * paths there, `town:system/...` here for what the val does not have itself. One is made of the other and back, exactly.
 */

const SCHEME = "town:system/";
// A statement begins its line, or its last line is `} from "..."`; elsewhere it may be the text of another program.
const IMPORT = /^((?:import|export)\b[^"'`\n]*|\} from )"([^"\n]+)"/gm;

/** As in a val that has the files `present`. */
export function asInVal(path: string, text: string, present: ReadonlySet<string>): string {
  const folder = path.split("/").slice(0, -1);
  return text.replace(IMPORT, (whole, lead: string, specifier: string) => {
    if (!/^\.{1,2}\//.test(specifier)) return whole;
    const target = absolute(folder, specifier);
    return present.has(target) ? whole : `${lead}"${SCHEME}${target}"`;
  });
}

/** As in the image. */
export function asInImage(path: string, text: string): string {
  const folder = path.split("/").slice(0, -1);
  return text.replace(IMPORT, (whole, lead: string, specifier: string) =>
    specifier.startsWith(SCHEME) ? `${lead}"${relative(folder, specifier.slice(SCHEME.length))}"` : whole);
}

function absolute(folder: string[], specifier: string): string {
  const segments = [...folder];
  for (const part of specifier.split("/")) {
    if (part === "..") segments.pop();
    else if (part !== ".") segments.push(part);
  }
  return segments.join("/");
}

function relative(folder: string[], target: string): string {
  const parts = target.split("/");
  let shared = 0;
  while (shared < folder.length && shared < parts.length - 1 && folder[shared] === parts[shared]) shared++;
  const up = "../".repeat(folder.length - shared);
  return (up === "" ? "./" : up) + parts.slice(shared).join("/");
}
