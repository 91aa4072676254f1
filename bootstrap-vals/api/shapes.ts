/** The shapes in which the API shows vals, files, branches and accounts, as Val Town's API does, and its lists. */

import { badRequest, json } from "../lib/http.ts";
import type { Arrival } from "../lib/mount.ts";
import type { Account } from "../model/accounts.ts";
import type { Branch } from "../model/branches.ts";
import type { Entry, Tree } from "../model/files.ts";
import { entryOf } from "../model/names.ts";
import { isStandard } from "../model/standard.ts";
import { mailAddress } from "../model/mail.ts";
import type { Val } from "../model/vals.ts";
import { pinnedPath } from "../modules/reference.ts";
import { labelOf } from "../run/endpoint.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

export function valShape(arrival: Arrival, val: Val) {
  return {
    id: val.id,
    name: val.name,
    createdAt: iso(val.created_at),
    privacy: val.privacy,
    description: val.description,
    imageUrl: val.image_url,
    version: val.version,
    author: { type: "user", id: val.owner_id, username: val.username },
    links: { self: `${arrival.base}/api/v2/vals/${val.id}`, html: valPage(arrival, val) },
  };
}

export function branchShape(arrival: Arrival, val: { id: string; username: string; name: string }, branch: Branch) {
  return {
    id: branch.id,
    name: branch.name,
    version: branch.version,
    createdAt: iso(branch.created_at),
    updatedAt: iso(branch.updated_at),
    forkedBranchId: branch.forked_branch_id,
    links: {
      self: `${arrival.base}/api/v2/vals/${val.id}/branches/${branch.id}`,
      html: `${valPage(arrival, val)}/code${branchQuery(branch.name)}`,
    },
  };
}

/** What a page's address has at its end for another branch than main. */
export function branchQuery(branch: string): string {
  return branch === "main" ? "" : `?branch=${encodeURIComponent(branch)}`;
}

export function fileShape(arrival: Arrival, val: Val, tree: Tree, entry: Entry, version = val.version) {
  const links: Record<string, string> = {
    self: `${arrival.base}/api/v2/files/${entry.file_id}`,
    html: `${valPage(arrival, val)}/code/${entry.path}${branchQuery(val.branch)}`,
    module: arrival.base + pinnedPath(val, version, entry.path),
  };
  // A starter runs as a copy.
  const runs = !isStandard(val);
  if (entry.type === "http" && runs) links.endpoint = endpointUrl(arrival, val, tree, entry);
  if (entry.type === "email" && runs) {
    const emails = [...tree.values()].filter((other) => other.type === "email");
    links.email = mailAddress(arrival, val, entry.file_id, entryOf(emails)?.file_id === entry.file_id);
  }
  return {
    id: entry.file_id,
    name: entry.path.slice(entry.path.lastIndexOf("/") + 1),
    path: entry.path,
    type: entry.type,
    version,
    updatedAt: iso(entry.updated_at),
    links,
  };
}

export function accountShape(arrival: Arrival, account: Account) {
  return {
    id: account.id,
    type: "user",
    username: account.username,
    bio: account.bio,
    profileImageUrl: account.image_url,
    url: `${arrival.base}/@${account.username}`,
    links: { self: `${arrival.base}/api/v1/users/${account.id}` },
  };
}

/** An account as it sees itself, or as the owner of the town sees it. */
export function meShape(arrival: Arrival, account: Account) {
  return { ...accountShape(arrival, account), tier: "pro", email: account.email, role: account.role };
}

/** The public address of an HTTP file: a host of its own, or a path where there are no names below ours. */
export function endpointUrl(arrival: Arrival, val: Val, tree: Tree, entry: Entry): string {
  const http = [...tree.values()].filter((other) => other.type === "http");
  const label = labelOf(val, entry.file_id, val.branch === "main" && entryOf(http)?.file_id === entry.file_id);
  if (arrival.byHost) return `${arrival.protocol}://${label}.${arrival.host}`;
  const [, name = ""] = label.split("--", 2);
  const isNamed = label === `${val.username}--${val.name}`.toLowerCase();
  return `${arrival.base}/run/${val.username}/${isNamed ? val.name : name}`;
}

export function valPage(arrival: Arrival, val: { username: string; name: string }): string {
  return `${arrival.base}/@${val.username}/${val.name}`;
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}

// ---- Lists --------------------------------------------------------------------------------------

export interface Query {
  params: URLSearchParams;
  limit: number;
  offset: number;
}

export function readQuery(arrival: Arrival): Query {
  const params = new URLSearchParams(arrival.search);
  return {
    params,
    limit: integerOf(params, "limit", 1, LIMIT_MAX) ?? LIMIT_DEFAULT,
    offset: integerOf(params, "offset", 0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}

export function integerOf(params: URLSearchParams, key: string, min: number, max: number): number | undefined {
  const text = params.get(key);
  if (text === null || text === "") return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw badRequest(`"${key}" must be an integer from ${min} to ${max}`);
  return value;
}

export function booleanOf(params: URLSearchParams, key: string): boolean {
  const text = params.get(key) ?? "false";
  if (text !== "true" && text !== "false") throw badRequest(`"${key}" must be true or false`);
  return text === "true";
}

/** A page of a list read by offset. `items` has one more than the limit when there is a next page. */
export function page<T>(arrival: Arrival, query: Query, items: T[]): Response {
  const at = (offset: number) => linkWith(arrival, query, { limit: query.limit, offset });
  const links: Record<string, string> = { self: linkWith(arrival, query, {}) };
  if (items.length > query.limit) links.next = at(query.offset + query.limit);
  if (query.offset > 0) links.prev = at(Math.max(0, query.offset - query.limit));
  return json({ data: items.slice(0, query.limit), links });
}

/** This request's own address with other parameters. */
export function linkWith(arrival: Arrival, query: Query, changes: Record<string, string | number>): string {
  const params = new URLSearchParams(query.params);
  for (const [key, value] of Object.entries(changes)) params.set(key, String(value));
  const search = params.toString();
  return `${arrival.base}${arrival.path}${search === "" ? "" : `?${search}`}`;
}
