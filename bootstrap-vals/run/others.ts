/** What data vals of other people are to a program in the language of `@user.val`: the values of their last runs, for everybody. */

import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { keepRun } from "./data.ts";
import { isJson, VALUE } from "./effects.ts";
import { endpointToCall, type Endpoint } from "./endpoint.ts";

/** The JSON of a data val that never ran; undefined of one that is none. */
export type Evaluate = (endpoint: Endpoint) => Promise<string | undefined>;

// A program that refers to more of other people's is a mistake.
const VALS_MAX = 100;
const REFERRED = `SELECT group_concat(DISTINCT m.key) AS keys FROM version v, json_each(v.graph, '$.modules') m
  WHERE v.branch_id = :branch_id AND v.number = :version AND m.key LIKE '/v/%' AND substr(m.key, 1, length(:own)) <> :own`;
const VALUES = `SELECT a.username, v.name, d.json, CASE WHEN length(c.text) < 262144 THEN c.text END AS text
  FROM json_each(:names) j JOIN account a ON a.username = j.value ->> 0 JOIN val v ON v.owner_id = a.id AND v.name = j.value ->> 1
  JOIN branch b ON b.id = v.branch_id LEFT JOIN data_value d ON d.val_id = v.id AND d.version = b.version
  LEFT JOIN version_file f ON f.branch_id = v.branch_id AND f.until IS NULL AND f.path = 'main.ts' LEFT JOIN content c ON c.hash = f.hash
  WHERE v.privacy <> 'private' AND v.owner_id <> :owner_id`;

interface Row {
  username: string;
  name: string;
  json: string | null;
  text: unknown;
}

/** As JSON by `user.name`, of every val of others that the program's graph has. */
export async function valuesOfOthers(town: Town, endpoint: Endpoint, evaluate: Evaluate): Promise<Record<string, string>> {
  const args = { branch_id: endpoint.branch_id, version: endpoint.version, own: `/v/${endpoint.username}/` };
  const row = await first<{ keys: string | null }>(town.storage, REFERRED, args);
  const names = new Map<string, string[]>();
  for (const key of row?.keys?.split(",") ?? []) {
    const [, , username = "", pinned = ""] = key.split("/");
    names.set(`${username}/${pinned.split("@")[0]}`, [username, pinned.split("@")[0] as string]);
  }
  if (names.size === 0) return {};
  const list = JSON.stringify([...names.values()].slice(0, VALS_MAX));
  const values: Record<string, string> = {};
  for (const { username, name, json, text } of await all<Row>(town.storage, VALUES, { names: list, owner_id: endpoint.owner_id })) {
    const value = assigned(text) ?? json ?? (await found(town, username, name, evaluate));
    if (value !== "") values[`${username}.${name}`] = value;
  }
  return values;
}

/** What was assigned to a val, whose text is its value then. */
function assigned(text: unknown): string | undefined {
  const json = typeof text === "string" ? VALUE.exec(text)?.[1] : undefined;
  return json !== undefined && isJson(json) ? json : undefined;
}

async function found(town: Town, username: string, name: string, evaluate: Evaluate): Promise<string> {
  const endpoint = await endpointToCall(town, username, name);
  if (endpoint === undefined) return "";
  const json = await evaluate(endpoint);
  // Whatever is no data is not asked again before it is another version.
  if (json === undefined) await keepRun(town, endpoint, "");
  return json ?? "";
}
