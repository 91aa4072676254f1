/**
 * Names of modules of this instance: `/v/{user}/{val}[@{version}[-{branch}]][/{path}][?v=N]`, `@{branch}` for the newest
 * of a branch, and relative specifiers.
 */

import { decode } from "../lib/router.ts";
import { ownOrigin, type Arrival } from "../lib/mount.ts";

export interface Reference {
  username: string;
  name: string;
  /** Undefined: the newest. */
  version: number | undefined;
  branch: string;
  /** Undefined: the val's main file. */
  path: string | undefined;
}

// `name`, `name@7`, `name@7-branch`, `name@branch`.
const PINNED = /^([^@]+)(?:@(?:(\d+)(?:-(.+))?|([^\d].*)))?$/;

/** Reads a path of the module host; undefined when it is none. */
export function parseReference(path: string, search: string): Reference | undefined {
  const [, v, username, pinned, ...rest] = path.split("/");
  const parts = PINNED.exec(decode(pinned ?? ""));
  if (v !== "v" || username === undefined || username === "" || parts === null) return undefined;
  const legacy = /[?&]v=(\d+)(?:&|$)/.exec(search)?.[1];
  const version = parts[2] ?? legacy;
  const file = decode(rest.join("/"));
  return {
    username: decode(username), name: parts[1] as string, version: version === undefined ? undefined : Number(version),
    branch: parts[3] ?? parts[4] ?? "main", path: file === "" ? undefined : file,
  };
}

/** The pinned path of a module: what stays the same for ever. */
export function pinnedPath(val: { username: string; name: string; branch: string }, version: number, path: string): string {
  return `/v/${val.username}/${val.name}@${version}-${val.branch}/${path}`;
}

/** Whether a specifier names a module of this instance, in any of the ways one may write that, and which. */
export function parseSpecifier(arrival: Arrival, specifier: string): Reference | undefined {
  for (const origin of ["https://esm.town", ownOrigin(arrival), arrival.base, ""]) {
    if (!specifier.startsWith(`${origin}/v/`)) continue;
    const local = specifier.slice(origin.length);
    const query = local.indexOf("?");
    return query < 0 ? parseReference(local, "") : parseReference(local.slice(0, query), local.slice(query));
  }
  return undefined;
}

/** The path a relative specifier names from a file's path; undefined when it leaves the val. */
export function resolveRelative(from: string, specifier: string): string | undefined {
  const segments = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (segments.pop() === undefined) return undefined;
    } else if (part !== ".") segments.push(part);
  }
  return segments.join("/");
}
