/**
 * What stands between the platform and a file that is run by its trigger: the main module of its program, which gives the
 * author's function what its trigger says and keeps what it returns.
 */

import type { FileType } from "../model/names.ts";

/** The program id of a file, from which records of its runs know what they are of. */
export function programIdOf(
  file: {
    val_id: string; owner_id: string; branch_id: string; branch: string; version: number; path: string; env_revision: number;
    type: FileType;
  },
): string {
  const type = file.type === "http" ? "" : `&type=${file.type}`;
  const branch = file.branch === "main" ? "" : `&branch=${file.branch_id}`;
  return `${file.val_id}@${file.version}/${file.path}?env=${file.env_revision}&owner=${file.owner_id}${type}${branch}`;
}

/** The id of another program of the same file. What it is of is read from the end of the id, so this is not there. */
export function programIdWith(programId: string, part: string): string {
  return programId.replace(/&owner=[^&]*/, `$&&${part}`);
}

/** The main module for a file whose function is exported by that name; undefined where the file itself will do. */
export function mainOfTrigger(type: FileType, name: string, specifier: string): string | undefined {
  const wrap = WRAPPERS[type];
  if (wrap === undefined) return undefined;
  return `import { ${name} as handler } from ${JSON.stringify(specifier)};
if (typeof handler !== "function") throw new TypeError("A file of type ${type} exports a function");
${wrap}`;
}

/**
 * The main module for a script that is run by hand: evaluating the file is the run, and then its default function, where
 * there is one. What that returns is told as text.
 */
export function mainOfScript(specifier: string): string {
  return `import * as script from ${JSON.stringify(specifier)};
export default async () => {
  const value = typeof script.default === "function" ? await script.default() : script.default;
  return value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value, null, 2);
};
`;
}

const WRAPPERS: Partial<Record<FileType, string>> = {
  // A mail is parsed here, in the process of the val that it is for, and not where the platform runs.
  email: `import { emailOf, summaryOf } from "town:system/lib/letter.ts";
export default {
  async fetch(request) {
    const email = await emailOf(request);
    await handler(email);
    return Response.json(summaryOf(email));
  },
};
`,
  interval: "export default async (interval) => { await handler(interval); };\n",
};
