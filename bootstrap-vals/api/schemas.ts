/** The named schemas of the API: what the functions of shapes.ts make. */

import { arrayOf, boolean, integer, mapOf, nullable, object, oneOf, ref, text, time, uri, uuid, type Schema } from "../lib/schema.ts";
import { LIMIT_NAMES } from "../model/instances.ts";
import { FILE_TYPES } from "../model/names.ts";
import { SCOPES } from "../model/scopes.ts";
import { cronSchemas } from "./cron.ts";
import { emailSchemas } from "./email.ts";
import { runSchemas } from "./runs.ts";
import { systemSchemas } from "./system-files.ts";

export const privacy = oneOf("public", "unlisted", "private");
export const fileType = oneOf(...FILE_TYPES);
/** Parameters of every list that is read by offset. */
export const pageQuery: Record<string, Schema> = {
  "limit?": { type: "integer", minimum: 1, maximum: 100 }, "offset?": { type: "integer", minimum: 0 },
};
export const renaming: Schema = object({ "name?": nullable(text) });
const author = object({ type: oneOf("user", "org"), id: uuid, username: nullable(text) });
const user = {
  id: uuid, type: oneOf("user", "org"), username: nullable(text), bio: nullable(text), profileImageUrl: nullable(uri), url: uri,
  links: object({ self: uri }),
};
const val = {
  id: uuid, name: text, createdAt: time, privacy, description: nullable(text), imageUrl: nullable(uri), version: integer, author,
  links: object({ self: uri, html: uri }),
};
const file = {
  id: uuid, name: text, path: text, type: oneOf("directory", ...FILE_TYPES), version: integer, updatedAt: time,
  links: object({ self: uri, html: uri, module: uri, "endpoint?": uri, "email?": text }),
};

/** What a host grants a town at most. */
export const limits: Schema = object(Object.fromEntries(LIMIT_NAMES.map((name) => [`${name}?`, nullable(integer)])));
const instance = {
  id: uuid, name: text, author: text, privacy, createdAt: time, suspendedAt: nullable(time), limits, url: uri,
  links: object({ self: uri, html: uri, logs: uri }),
};

export const schemas: Record<string, Schema> = {
  Error: object({ message: text, code: text, "stack?": nullable(text) }),
  User: object(user),
  Me: object({ ...user, tier: nullable(oneOf("free", "pro")), email: nullable(text), "role?": oneOf("owner", "member") }),
  Val: object(val),
  ValWithFiles: object({ ...val, files: arrayOf(ref("File")), diagnostics: arrayOf(ref("Diagnostic")) }),
  File: object(file),
  FileWithSchedule: object({ ...file, "schedule?": ref("Schedule") }),
  SavedFile: object({ ...file, diagnostics: arrayOf(ref("Diagnostic")) }),
  Branch: object({
    id: uuid, name: text, version: integer, createdAt: time, updatedAt: time, forkedBranchId: nullable(uuid),
    links: object({ self: uri, html: uri }),
  }),
  Diagnostic: object({ path: text, line: integer, column: integer, message: text, "suggestion?": text, "upgradable?": boolean }),
  Variable: object({ key: text, description: nullable(text), createdAt: time, updatedAt: time }),
  Group: object({ id: uuid, name: text, createdAt: time, links: object({ self: uri }) }),
  Token: object({ id: uuid, name: text, scopes: arrayOf(oneOf("*", ...SCOPES)), createdAt: time, expiresAt: nullable(time) }),
  Invitation: object({ id: uuid, createdAt: time, expiresAt: time }),
  Settings: object({
    title: text, signUp: oneOf("open", "invitation", "closed"), logDays: integer, fileBytes: integer, valBytes: integer, valFiles: integer,
  }),
  Version: object({ version: integer, author: nullable(text), message: nullable(text), createdAt: time }),
  FileVersion: object({
    version: integer, path: text, type: text, size: integer, removed: boolean, author: nullable(text), message: nullable(text),
    createdAt: time,
  }),
  Hunk: object({ oldStart: integer, oldLines: integer, newStart: integer, newLines: integer, lines: arrayOf(text) }),
  FileChange: object({
    change: oneOf("added", "removed", "modified", "moved"), path: text, oldPath: nullable(text), type: text,
    hunks: nullable({ type: "array", items: ref("Hunk") }),
  }),
  DeletedVal: object({ id: uuid, name: text, deletedAt: time, destroyedAt: time }),
  Found: object({ val: ref("Val"), path: nullable(text), excerpt: nullable(text) }),
  Template: object({ name: text, description: text, files: arrayOf(object({ path: text, type: fileType })) }),
  // What Val Town's older API calls a val: one file of code.
  BasicVal: object({
    id: uuid, name: text, version: integer, code: nullable(text), public: boolean, createdAt: time, updatedAt: time, privacy,
    type: oneOf("interval", "http", "express", "email", "script", "rpc", "httpnext"), url: uri,
    links: object({ self: uri, versions: uri, module: uri, "endpoint?": uri }),
    author: nullable(object({ id: uuid, username: nullable(text) })),
  }),
  ...runSchemas,
  ...cronSchemas,
  ...emailSchemas,
  Instance: object(instance),
  InstanceWithUsage: object({
    ...instance,
    usage: object({
      storageBytes: integer, storageBytesMax: integer, isolates: integer, runs: integer, cpuMs: integer, runsKept: integer,
      lastActivityAt: nullable(time),
    }),
  }),
  NewInstance: object({ val: ref("ValWithFiles"), url: uri, "token?": text }),
  ...systemSchemas,
  Variables: mapOf(text),
};
