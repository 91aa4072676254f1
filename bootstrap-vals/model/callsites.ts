/** Broken calls over all vals of an account, and the version of a val in which they are calls as APIs. */

import { HttpError } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { analyse } from "../modules/analysis.ts";
import { brokenCalls, textOf, type CallSite } from "../modules/callsites.ts";
import { closeOver } from "../modules/graph.ts";
import { upgraded } from "../modules/upgrade.ts";
import { changeFile, readTree, type Tree } from "./files.ts";
import { VAL, type Val } from "./vals.ts";
import { save, type Saved } from "./versions.ts";

// Looked through at a time: each is closed anew, with what others' vals are by now.
const VALS_AT_ONCE = 100;

export interface BrokenVal {
  val: Val;
  tree: Tree;
  sites: CallSite[];
}

/** The vals of an account that import those of others and call what is not theirs to use. `next` is where to go on. */
export async function listBrokenCalls(town: Town, ownerId: string, after = ""): Promise<{ broken: BrokenVal[]; next?: string }> {
  const vals = await all<Val>(
    town.storage,
    `${VAL} WHERE v.owner_id = :owner_id AND EXISTS (
       SELECT 1 FROM val_reference r JOIN val t ON t.id = r.to_id WHERE r.from_id = v.id AND t.owner_id <> :owner_id)
     AND v.id > :after ORDER BY v.id LIMIT :limit`,
    { owner_id: ownerId, after, limit: VALS_AT_ONCE },
  );
  const broken: BrokenVal[] = [];
  for (const val of vals) {
    const found = await readBrokenCalls(town, val);
    if (found.sites.length > 0) broken.push(found);
  }
  return vals.length === VALS_AT_ONCE ? { broken, next: (vals[vals.length - 1] as Val).id } : { broken };
}

export async function readBrokenCalls(town: Town, val: Val): Promise<BrokenVal> {
  const tree = await readTree(town, val);
  return { val, tree, sites: await sitesOf(town, val, tree) };
}

/** Changes every broken call of a val that can be changed without a person, in a version of its own. */
export async function upgradeCalls(town: Town, val: Val, authorId: string, expected?: number): Promise<Saved & { changed: number }> {
  let changed = 0;
  const saved = await save(town, val, authorId, async (tree) => {
    changed = 0;
    for (const [path, { text, count }] of await upgradesOf(town, { val, tree, sites: await sitesOf(town, val, tree) })) {
      await changeFile(tree, path, { content: text });
      changed += count;
    }
    if (changed === 0) throw new HttpError(422, "not_upgradable", "No call here can be changed without a person");
  }, { expected, message: "Call other people's vals as APIs" });
  return { ...saved, changed };
}

/** What files are to become, by path. */
export async function upgradesOf(town: Town, { tree, sites }: BrokenVal): Promise<Map<string, { text: string; before: string; count: number }>> {
  const texts = new Map<string, { text: string; before: string; count: number }>();
  for (const [path, own] of Map.groupBy(sites, (site) => site.path)) {
    const entry = tree.get(path);
    if (entry === undefined) continue;
    const before = await textOf(town, entry);
    const change = await upgraded(town, before, entry, own);
    if (change !== undefined) texts.set(path, { ...change, before });
  }
  return texts;
}

async function sitesOf(town: Town, val: Val, tree: Tree): Promise<CallSite[]> {
  const analyses = await analyse(town, [...tree.values()]);
  const { graph } = await closeOver(town, val, tree, analyses);
  return brokenCalls(town, val, tree, analyses, graph);
}
