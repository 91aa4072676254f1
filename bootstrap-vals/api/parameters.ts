/** What several routes read out of a request or write into an answer in the same way. */

import { badRequest, json, notFound } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, maySee } from "../model/access.ts";
import type { Tree } from "../model/files.ts";
import { findValOnBranch, type Val } from "../model/vals.ts";
import type { Saved } from "../model/versions.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { fileShape, integerOf, valShape } from "./shapes.ts";

export function pathOf(params: URLSearchParams): string {
  const path = params.get("path");
  if (path === null) throw badRequest('"path" is missing');
  return path;
}

/** The version that a parameter names, else the newest. */
export function versionOf(val: Val, params: URLSearchParams, key = "version"): number {
  const version = integerOf(params, key, 0, Number.MAX_SAFE_INTEGER) ?? val.version;
  if (version > val.version) throw notFound("Version");
  return version;
}

/** The val as it is on the branch that the request names, by id. */
export async function onBranch(town: Town, val: Val, params: URLSearchParams): Promise<Val> {
  const id = params.get("branch_id");
  if (id === null || id === "" || id === val.branch_id) return val;
  const found = await findValOnBranch(town, val.id, id);
  if (found === undefined) throw notFound("Branch");
  return found;
}

export async function maySeeOriginal(town: Town, request: Request, original: Val): Promise<boolean> {
  return maySee(await askerOf(town, request, "val:read"), original);
}

/** A val with all its files and what is wrong with them. */
export function valWithFiles(town: Town, val: Val, tree: Tree, diagnostics: Diagnostic[]) {
  const files = [...tree.values()].filter((entry) => entry.type !== "directory");
  return {
    ...valShape(town.arrival, val),
    files: files.map((entry) => fileShape(town.arrival, val, tree, entry)),
    diagnostics,
  };
}

export function savedVal(town: Town, saved: Saved, status: number): Response {
  const { val, tree, diagnostics } = saved;
  return json(valWithFiles(town, val, tree, diagnostics), status, { etag: `"${val.version}"` });
}
