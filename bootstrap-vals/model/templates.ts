/** What a val may begin as: the folders of `templates/` in the image, which the owner may override and add to. */

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

const FOLDER = "templates/";
// A file says by its name what triggers it, as Val Town's command line tool guesses it.
const TRIGGERS: [pattern: RegExp, type: FileType][] = [[/(^|[./-])cron[./-]/, "interval"], [/(^|[./-])email[./-]/, "email"], [/(^|\/)main[.]/, "http"]];

export async function listTemplates(town: Town): Promise<Template[]> {
  const folders = new Map<string, Template>();
  for (const { path } of (await town.system?.list()) ?? []) {
    const [name, ...rest] = path.startsWith(FOLDER) ? path.slice(FOLDER.length).split("/") : [];
    if (name === undefined || rest.length === 0) continue;
    const template = folders.get(name) ?? { name, description: "", files: [] };
    const inside = rest.join("/");
    template.files.push({ path: inside, type: typeOf(inside) });
    if (template.description === "") {
      const source = (await town.system?.read(path))?.source;
      template.description = /^\/\*\*\s*([^*]+?)\s*\*\//.exec(String(source))?.[1] ?? "";
    }
    folders.set(name, template);
  }
  return [...folders.values()];
}

/** The files of a template, as the first version of a val. */
export async function treeOfTemplate(town: Town, name: string): Promise<Tree> {
  const template = (await listTemplates(town)).find((other) => other.name === name);
  if (template === undefined) throw notFound("Template");
  const tree: Tree = new Map();
  for (const { path, type } of template.files) {
    const file = await town.system?.read(`${FOLDER}${name}/${path}`);
    if (file !== undefined) await addFile(tree, path, type, file.source as string | Uint8Array<ArrayBuffer>);
  }
  return tree;
}

function typeOf(path: string): FileType {
  if (dialectOf(path) === null) return "file";
  return TRIGGERS.find(([pattern]) => pattern.test(path))?.[1] ?? "script";
}
