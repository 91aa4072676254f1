/** Which modules of a graph are other people's private ones: there when those run as themselves, and not here. */

import { objects } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Graph } from "./graph.ts";

const HIDDEN = `SELECT j.value AS val FROM json_each(:vals) j
  JOIN account a ON a.username = substr(j.value, 1, instr(j.value, '/') - 1)
  JOIN val v ON v.owner_id = a.id AND v.name = substr(j.value, instr(j.value, '/') + 1)
  WHERE v.privacy = 'private' AND v.owner_id <> :owner_id`;

/** The keys of a graph that its owner may not see. */
export async function hiddenKeys(town: Town, owner: { username: string; owner_id: string }, graph: Graph): Promise<string[]> {
  const keys = new Map<string, string[]>();
  for (const key in graph.modules) {
    const [, , username, pinned] = key.split("/");
    if (!key.startsWith("/v/") || username === owner.username) continue;
    const val = `${username}/${pinned?.split("@")[0]}`;
    keys.set(val, [...(keys.get(val) ?? []), key]);
  }
  if (keys.size === 0) return [];
  const args = { vals: JSON.stringify([...keys.keys()]), owner_id: owner.owner_id };
  const found = objects<{ val: string }>(await town.storage.execute({ sql: HIDDEN, args }));
  return found.flatMap(({ val }) => keys.get(val) ?? []);
}
