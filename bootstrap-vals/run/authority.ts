/**
 * Which modules of a val's program have its authority, and which may be imported by whom. The author's own have it,
 * everybody else's have none unless an importing line of the author's hands it over; the kernel sees to that.
 */

import type { Module } from "town:kernel";
import type { Town } from "../lib/town.ts";
import type { Tree } from "../model/files.ts";
import { analyse, keyOf, type Analysis } from "../modules/analysis.ts";
import type { Graph } from "../modules/graph.ts";
import { hiddenKeys } from "../modules/hidden.ts";
import type { Endpoint } from "./endpoint.ts";

// `/v/{user}/{val}@...`, `npm:/{package}@{version}`, `https://{host}`: within it, authority that was handed over is passed on.
const GROUP = /^(\/v\/[^/]+\/[^/]+|(?:npm|jsr):\/?(?:@[^/]+\/)?[^/]+|https?:\/\/[^/]+)\//;

export type Trust = (key: string) => Pick<Module, "trusted" | "group" | "private">;

/** What each module of a graph is, by its key. */
export function trustIn(endpoint: Pick<Endpoint, "username">, graph: Graph): Trust {
  const isOwn = (key: string) => key.startsWith("./") || key.startsWith(`/v/${endpoint.username}/`);
  // A graph is closed with the rights of whoever saved it, so others' modules have edges only to what everybody may
  // import; the rest of the author's is there for the author's alone.
  const shared = new Set<string>();
  for (const key in graph.modules) {
    if (isOwn(key)) continue;
    for (const edge of graph.modules[key]?.[3] ?? []) shared.add(edge);
  }
  return (key) => {
    const group = GROUP.exec(key)?.[1];
    if (isOwn(key)) return { trusted: true, private: !shared.has(key) };
    return group === undefined ? {} : { group };
  };
}

/** Takes out what the author may not see: a library's own private vals are there when it is called as an API, not here. */
export async function hide(town: Town, endpoint: Endpoint, graph: Graph): Promise<void> {
  for (const key of await hiddenKeys(town, endpoint, graph)) delete graph.modules[key];
}

/** A line of the author's own that hands the val's authority to code of others. */
export interface Handover {
  path: string;
  line: number;
  specifier: string;
}

/** All of them in a val's files. */
export async function handovers(town: Town, tree: Tree): Promise<Handover[]> {
  const entries = [...tree.values()];
  const analyses = await analyse(town, entries);
  return entries.flatMap((entry) => (analyses.get(keyOf(entry))?.imports ?? [])
    .filter(({ attributes }) => attributes.authority === "caller")
    .map(({ specifier, line }) => ({ path: entry.path, line, specifier })));
}

export interface ModuleAuthority {
  module: string;
  authority: boolean;
  /** The author's line that gives it to code of others. */
  handedOverBy: { path: string; line: number } | null;
}

/** Every module that a val's files reach, once with authority and once without where it is met both ways. */
export function authorities(val: { username: string }, graph: Graph, tree: Tree, analyses: Map<string, Analysis>): ModuleAuthority[] {
  const trust = trustIn(val, graph);
  const handed = new Map<string, { path: string; line: number }>();
  for (const entry of tree.values()) {
    for (const use of analyses.get(keyOf(entry))?.imports ?? []) {
      const target = graph.modules[`./${entry.path}`]?.[5]?.[use.specifier];
      if (target !== undefined && use.attributes.authority === "caller") handed.set(`./${entry.path} ${target}`, { path: entry.path, line: use.line });
    }
  }
  const met = new Map<string, ModuleAuthority>();
  const waiting: [key: string, authority: boolean, by: ModuleAuthority["handedOverBy"]][] = [];
  for (const entry of tree.values()) if (entry.dialect !== null) waiting.push([`./${entry.path}`, true, null]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [key, authority, by] = next;
    if (met.has(`${authority} ${key}`)) continue;
    met.set(`${authority} ${key}`, { module: key, authority, handedOverBy: by });
    for (const edge of graph.modules[key]?.[3] ?? []) {
      const { trusted, group } = trust(edge);
      const line = handed.get(`${key} ${edge}`) ?? null;
      const passes = trusted === true || edge.startsWith("town:") || line !== null || (group !== undefined && group === trust(key).group);
      waiting.push([edge, authority && passes, authority && trusted !== true ? line ?? by : null]);
    }
  }
  return [...met.values()].sort((a, b) => (a.module < b.module ? -1 : 1));
}
