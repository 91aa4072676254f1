/** The past of a val over the API: versions, differences, the history of a file, bringing a version back. */

import { badRequest, expectedVersion, json, notFound, optionalString, readJson } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, integer, object, pageOf, ref, text, uuid } from "../lib/schema.ts";
import { changeableVal, visibleVal } from "../model/access.ts";
import { diffVals, diffVersions, listFileVersions, restoreVersion } from "../model/history.ts";
import { originalOf } from "../model/remix.ts";
import { listVersions } from "../model/versions.ts";
import { maySeeOriginal, onBranch, pathOf, savedVal, versionOf } from "./parameters.ts";
import { pageQuery } from "./schemas.ts";
import { integerOf, iso, page, readQuery } from "./shapes.ts";

const read = { access: "reader", scope: "val:read" } as const;
const branch = { "branch_id?": uuid };
const changes = { 200: object({ data: arrayOf(ref("FileChange")) }) };

export const historyRoutes: Route[] = [
  ["GET", "/api/town/vals/:id/versions", async (request, params, town) => {
    const query = readQuery(town.arrival);
    const val = await onBranch(town, await visibleVal(town, request, params.id as string), query.params);
    const versions = await listVersions(town, val, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, versions.map(({ number, author, message, created_at }) =>
      ({ version: number, author, message, createdAt: iso(created_at) })));
  }, { ...read, summary: "Versions of a val, newest first", query: { ...branch, ...pageQuery }, answers: { 200: pageOf(ref("Version")) } }],
  ["GET", "/api/town/vals/:id/diff", async (request, params, town) => {
    const { params: query } = readQuery(town.arrival);
    const val = await onBranch(town, await visibleVal(town, request, params.id as string), query);
    const to = versionOf(val, query, "to");
    const from = integerOf(query, "from", 0, Number.MAX_SAFE_INTEGER) ?? Math.max(0, to - 1);
    if (from > val.version) throw notFound("Version");
    return json({ data: await diffVersions(town, val, from, to) });
  }, {
    ...read, summary: "What differs between two versions: the newest and the one before it, unless told",
    query: { "from?": integer, "to?": integer, ...branch }, answers: changes,
  }],
  ["GET", "/api/town/vals/:id/diff-with-original", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    const original = await originalOf(town, val);
    if (original === undefined || !(await maySeeOriginal(town, request, original))) throw notFound("Original");
    return json({ data: await diffVals(town, original, val) });
  }, { ...read, summary: "What differs from the val that this one is a copy of, as both are now", answers: changes }],
  ["GET", "/api/town/vals/:id/file-versions", async (request, params, town) => {
    const query = readQuery(town.arrival);
    const val = await onBranch(town, await visibleVal(town, request, params.id as string), query.params);
    const wish = { limit: query.limit + 1, offset: query.offset };
    const versions = await listFileVersions(town, val, pathOf(query.params), wish);
    return page(town.arrival, query, versions.map(({ created_at, ...version }) => ({ ...version, createdAt: iso(created_at) })));
  }, {
    ...read, summary: "The versions that changed a file, through renames", query: { path: text, ...branch, ...pageQuery },
    answers: { 200: pageOf(ref("FileVersion")) },
  }],
  ["POST", "/api/town/vals/:id/restore", async (request, params, town) => {
    const { val: main, asker } = await changeableVal(town, request, params.id as string);
    const val = await onBranch(town, main, readQuery(town.arrival).params);
    const body = await readJson(request);
    const { version } = body;
    if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 0) throw badRequest('"version" must be an integer from 0');
    const wish = { version, path: optionalString(body, "path"), expected: expectedVersion(request) };
    return savedVal(town, await restoreVersion(town, val, asker.id, wish), 200);
  }, {
    access: "author", scope: "val:write", summary: "Makes an old version, or one file of it, the newest again", query: branch,
    body: object({ version: integer, "path?": text }), answers: { 200: ref("ValWithFiles") },
  }],
];
