/**
 * What a val may begin as: the folders of `templates/` in the image, and the starters of the standard library, `std/*Starter`.
 * The owner of a town may override them and add to them.
 */

import { notFound } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { addFile, type Tree } from "./files.ts";
import { dialectOf, type FileType } from "./names.ts";

export interface Template {
  name: string;
  /** The first sentence of its main file. */
  description: string;
  files: { path: string; type: FileType }[];
}

const FOLDERS = /^(templates\/|std\/(?=[^/]+Starter\/))([^/]+)\/(.+)$/;
// A file says by its name what triggers it, as Val Town's command line tool guesses it.
const TRIGGERS: [pattern: RegExp, type: FileType][] = [
  [/(^|[./-])cron[./-]/, "interval"], [/(^|[./-])email[./-]/, "email"], [/(^|\/)main[.]|^backend\/index[.]/, "http"],
];

export async function listTemplates(town: Town): Promise<Template[]> {
  const folders = [...(await foldersOf(town)).values()].sort((a, b) => Number(isStarter(a)) - Number(isStarter(b)));
  return folders.map(({ name, description, files }) => ({ name, description, files }));
}

async function foldersOf(town: Town): Promise<Map<string, Template & { folder: string }>> {
  const folders = new Map<string, Template & { folder: string }>();
  for (const { path } of (await town.system?.list()) ?? []) {
    const [, parent, name, inside] = FOLDERS.exec(path) ?? [];
    if (parent === undefined || name === undefined || inside === undefined) continue;
    const template = folders.get(name) ?? { name, description: "", files: [], folder: `${parent}${name}/` };
    template.files.push({ path: inside, type: typeOf(template.folder, inside) });
    if (template.description === "") {
      const source = (await town.system?.read(path))?.source;
      template.description = /^\/\*\*\s*([^*]+?)\s*\*\//.exec(String(source))?.[1] ?? "";
    }
    folders.set(name, template);
  }
  return folders;
}

/** The small ones come first. */
function isStarter({ folder }: { folder: string }): boolean {
  return folder.startsWith("std/");
}

/** The files of a template, as the first version of a val. */
export async function treeOfTemplate(town: Town, name: string): Promise<Tree> {
  const template = (await foldersOf(town)).get(name);
  if (template === undefined) throw notFound("Template");
  return readFolder(town, template.folder);
}

/** The files of a folder of the image, which ends in a slash. */
export async function readFolder(town: Town, folder: string): Promise<Tree> {
  const tree: Tree = new Map();
  for (const { path } of (await town.system?.list()) ?? []) {
    const file = path.startsWith(folder) ? await town.system?.read(path) : undefined;
    const inside = path.slice(folder.length);
    if (file !== undefined) await addFile(tree, inside, typeOf(folder, inside), file.source as string | Uint8Array<ArrayBuffer>);
  }
  return tree;
}

/** A library has no triggers, whatever its files are called. */
function typeOf(folder: string, path: string): FileType {
  if (dialectOf(path) === null) return "file";
  if (!FOLDERS.test(folder + path)) return "script";
  return TRIGGERS.find(([pattern]) => pattern.test(path))?.[1] ?? "script";
}
