/** Which vals import which others: written with every save, so that a val knows who would notice. */

import type { Statement } from "town:kernel";
import { all, type Arguments } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Graph } from "../modules/graph.ts";
import { VAL, type Val } from "./vals.ts";

const PINNED = /^\/v\/([^/]+)\/([^/@]+)@\d+-/;

/** The statements that remember what the newest version of a val imports. */
export function referenceStatements(valId: string, version: number, graph: Graph): Statement[] {
  const names = new Map<string, [username: string, name: string]>();
  for (const [key, [, , , edges]] of Object.entries(graph.modules)) {
    if (!key.startsWith("./")) continue;
    for (const edge of edges) {
      const parts = PINNED.exec(edge);
      if (parts !== null) names.set(`${parts[1]}/${parts[2]}`, [parts[1] as string, parts[2] as string]);
    }
  }
  return [
    { sql: "DELETE FROM val_reference WHERE from_id = :id", args: { id: valId } },
    {
      sql: `INSERT OR IGNORE INTO val_reference (from_id, to_id, version, from_made)
        SELECT :id, v.id, :version, (SELECT created_at FROM val WHERE id = :id) FROM json_each(:names) j JOIN account a ON a.username = j.value ->> 0
        JOIN val v ON v.owner_id = a.id AND v.name = j.value ->> 1 WHERE v.id != :id`,
      args: { id: valId, version, names: JSON.stringify([...names.values()]) },
    },
  ];
}

/** The vals that import a val, as far as the asker may know of them; newest first. */
export async function listUsers(
  town: Town,
  val: Val,
  wish: { asker?: string | undefined; offset: number; limit: number },
): Promise<Val[]> {
  const args: Arguments = { id: val.id, asker: wish.asker, offset: wish.offset, limit: wish.limit };
  const seen = "(v.privacy = 'public' OR v.owner_id = :asker)";
  return all<Val>(
    town.storage,
    `${VAL} JOIN val_reference r ON r.from_id = v.id WHERE r.to_id = :id AND ${seen}
     ORDER BY r.from_made DESC, r.from_id DESC LIMIT :limit OFFSET :offset`,
    args,
  );
}

/** Copies of a val that others may know of; newest first. */
export async function listRemixes(
  town: Town,
  val: Val,
  wish: { asker?: string | undefined; offset: number; limit: number },
): Promise<Val[]> {
  return all<Val>(
    town.storage,
    `${VAL} WHERE v.remixed_from = :id AND (v.privacy = 'public' OR v.owner_id = :asker)
     ORDER BY v.created_at DESC, v.id DESC LIMIT :limit OFFSET :offset`,
    { id: val.id, asker: wish.asker, offset: wish.offset, limit: wish.limit },
  );
}
