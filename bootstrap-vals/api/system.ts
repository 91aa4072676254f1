/**
 * Changing the platform from inside: fork its files, try the fork in a town that is thrown away, install a version of it,
 * see what differs and what came from where, go back, and take along what a newer image has changed.
 */

import { diffLines } from "../lib/diff.ts";
import { badRequest, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, nullable, object, oneOf, pageOf, ref, text, time, uri } from "../lib/schema.ts";
import { systemOf, type Town } from "../lib/town.ts";
import { maySee, requireAsker, requireOwner } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { fork } from "../model/forks.ts";
import {
  causeOf, changesBack, changesOf, imageText, install, movedOverrides, takeMerges, type Cause,
} from "../model/system.ts";
import { searchSystem } from "../model/system-search.ts";
import { findTrial, listTrials, throwAway, tryOut } from "../model/trials.ts";
import { checkPrivacy, findVal, findValByName, type Val } from "../model/vals.ts";
import { valWithFiles } from "./parameters.ts";
import { refused } from "./system-files.ts";
import { fileShape, integerOf, iso, valPage } from "./shapes.ts";

const owner = { access: "owner", scope: "town:write" } as const;
const account = { access: "account", scope: "val:write" } as const;
const paths = { type: "array", items: text };
/** A val by its id or `author/name`, pinned to a version, and which of its files. */
const source = { val: text, "version?": integer, "paths?": paths, "force?": boolean };
const HISTORY_LISTED_MAX = 100;
const MATCHES_MAX = 500;

export const systemRoutes: Route[] = [
  ["POST", "/api/town/system/forks", makeFork, {
    ...account, summary: "Makes a val of files of the platform: of those named, or of all", answers: { 201: ref("ValWithFiles") },
    body: object({ "paths?": paths, "name?": text, "privacy?": oneOf("public", "unlisted", "private") }),
  }],
  ["POST", "/api/town/system/trials", makeTrial, {
    ...account, summary: "Makes a town that runs a version of a fork and is thrown away after a day; for the owner with a `snapshot` of this one's data", body: object({ ...source, "snapshot?": boolean }),
    answers: { 201: object({ val: ref("ValWithFiles"), url: uri, token: text, expiresAt: time, files: paths }) },
  }],
  ["GET", "/api/town/system/trials", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const rows = await listTrials(town, asker.id);
    return json({ data: rows.map((row) => ({
      id: row.val_id, name: row.name, of: { id: row.of_id, name: row.of_name, version: row.version }, expiresAt: iso(row.expires_at), snapshot: row.snapshot === 1,
      url: valPage(town.arrival, { username: row.username, name: row.name }),
    })) });
  }, { access: "account", scope: "val:read", summary: "Your trials", answers: { 200: object({ data: arrayOf(ref("Trial")) }) } }],
  ["DELETE", "/api/town/system/trials/:trial", async (request, params, town) => {
    const asker = await requireAsker(town, request, "val:write");
    const trial = await findTrial(town, params.trial as string);
    const val = trial && (await findVal(town, trial.val_id));
    if (val === undefined || val.owner_id !== asker.id) throw notFound("Trial");
    await throwAway(town, val);
    return noContent();
  }, { ...account, summary: "Throws a trial away with all its data", answers: { 204: null } }],
  ["POST", "/api/town/system/install", installVal, {
    ...owner, summary: "Lets a version of a val take the place of the image's files, if with them the platform loads and answers",
    body: object(source), answers: { 200: object({ version: integer, files: arrayOf(object({ path: text, act: oneOf("write", "restore") })) }) },
  }],
  ["GET", "/api/town/system/differences", differences, {
    ...owner, summary: "What differs from the image, line by line",
    answers: { 200: object({ data: arrayOf(object({
      path: text, from: oneOf("override", "added"), moved: boolean, cause: nullable({ anyOf: [ref("Cause")] }), hunks: arrayOf(ref("Hunk")),
    })) }) },
  }],
  ["GET", "/api/town/system/history", history, {
    ...owner, summary: "What was overridden and restored, the latest first", query: { "path?": text, "before?": integer, "limit?": integer },
    answers: { 200: pageOf(ref("SystemChange")) },
  }],
  ["POST", "/api/town/system/rollback", rollBack, {
    ...owner, summary: "Brings back the files, or one of them, as they were before a change", body: object({ before: integer, "path?": text }),
    answers: { 200: object({ files: arrayOf(object({ path: text, act: oneOf("write", "restore") })) }) },
  }],
  ["GET", "/api/town/system/merges", async (request, _params, town) => {
    await requireOwner(town, request);
    return json({ data: await movedOverrides(town) });
  }, {
    ...owner, summary: "Overrides that were made from another image than that of now, merged with it",
    answers: { 200: object({ data: arrayOf(ref("Moved")) }) },
  }],
  ["POST", "/api/town/system/merges", async (request, _params, town) => {
    const asker = await requireOwner(town, request);
    const wanted = pathsOf(await readJson(request));
    return attempt(async () => json(await takeMerges(town, asker.username, wanted)));
  }, {
    ...owner, summary: "Takes what the image has changed into overrides, where that needs no choice", body: object({ "paths?": paths }),
    answers: { 200: object({ merged: paths, conflicts: paths }) },
  }],
  ["GET", "/api/town/system/search", async (request, _params, town) => {
    await requireAsker(town, request, "val:read");
    const params = new URLSearchParams(town.arrival.search);
    const wanted = (params.get("q") ?? "").trim();
    if (wanted === "") throw badRequest('"q" is missing: the text to look for');
    const limit = integerOf(params, "limit", 1, MATCHES_MAX) ?? MATCHES_MAX;
    return json({ data: await searchSystem(systemOf(town), wanted, limit) });
  }, {
    access: "account", scope: "val:read", summary: "Lines of the platform's files that have a text, whatever its case",
    query: { q: text, "limit?": integer }, answers: { 200: object({ data: arrayOf(object({ path: text, line: integer, text })) }) },
  }],
  ["GET", "/api/town/system/health", async (request, _params, town) => {
    await requireOwner(town, request);
    const health = await systemOf(town).health();
    const dated = <T extends { since: number }>(told: T | null) => told && { ...told, since: iso(told.since) };
    return json({ ...health, fares: dated(health.fares), counts: dated(health.counts) });
  }, { ...owner, summary: "How the platform fares since it was changed", answers: { 200: ref("Health") } }],
];

async function makeFork(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const privacy = checkPrivacy(optionalString(body, "privacy") ?? "public");
  const made = await fork(town, asker, { paths: pathsOf(body), name: optionalString(body, "name"), privacy });
  return json(valWithFiles(town, made.val, made.tree, made.diagnostics), 201);
}

async function makeTrial(request: Request, _params: unknown, town: Town): Promise<Response> {
  const body = await readJson(request);
  const snapshot = flagOf(body, "snapshot");
  // Everybody's data, to be seen by the one who has it anyway.
  const asker = snapshot ? await requireOwner(town, request) : await requireAsker(town, request, "val:write");
  const { val, choice } = await sourceOf(town, asker, body);
  return attempt(async () => {
    const { version } = choice;
    const changes = await changesOf(town, val, choice);
    const trial = await tryOut(town, asker, { of: val, version, changes, cause: causeBy(asker, val, version), snapshot });
    return json({
      val: valWithFiles(town, trial.val, trial.tree, []), url: fileShape(town.arrival, trial.val, trial.tree, trial.main).links.endpoint,
      token: trial.token, expiresAt: iso(trial.expiresAt), files: changes.map(({ path }) => path),
    }, 201);
  });
}

async function installVal(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireOwner(town, request);
  const { val, choice } = await sourceOf(town, asker, await readJson(request));
  return attempt(async () => {
    const changes = await changesOf(town, val, choice);
    await install(town, changes, causeBy(asker, val, choice.version));
    return json({ version: choice.version, files: changes.map(actOf) });
  });
}

async function differences(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  const system = systemOf(town);
  const changed = (await system.list()).filter((file) => file.from !== "image");
  return json({ data: await Promise.all(changed.map(async ({ path, from, moved, note }) => {
    const file = await system.read(path);
    const hunks = diffLines((await imageText(system, path)) ?? "", String(file?.source ?? ""));
    return { path, from, moved: moved === true, cause: causeOf(note), hunks };
  })) });
}

async function history(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  const params = new URLSearchParams(town.arrival.search);
  const limit = integerOf(params, "limit", 1, HISTORY_LISTED_MAX) ?? HISTORY_LISTED_MAX;
  const before = integerOf(params, "before", 1, Number.MAX_SAFE_INTEGER);
  const path = params.get("path");
  const found = await systemOf(town).history({
    limit: limit + 1, ...(before === undefined ? {} : { before }), ...(path === null ? {} : { path }),
  });
  const shown = found.slice(0, limit);
  const at = (number?: number) => {
    const next = new URLSearchParams(params);
    if (number !== undefined) next.set("before", String(number));
    return `${town.arrival.base}${town.arrival.path}${next.size === 0 ? "" : `?${next}`}`;
  };
  return json({
    data: shown.map(({ number, path, at, note, source }) => ({
      number, path, at: iso(at), cause: causeOf(note), digest: source, act: source === null ? "restore" : "write",
    })),
    links: { self: at(), ...(found.length > limit ? { next: at(shown[limit - 1]?.number) } : {}) },
  });
}

async function rollBack(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireOwner(town, request);
  const body = await readJson(request);
  if (!Number.isSafeInteger(body.before)) throw badRequest('"before" must be the number of a change');
  return attempt(async () => {
    const changes = await changesBack(town, body.before as number, optionalString(body, "path"));
    await install(town, changes, { by: asker.username, act: "rollback" });
    return json({ files: changes.map(actOf) });
  });
}

// ---- Parts ----------------------------------------------------------------------------------------

async function attempt(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    return refused(error);
  }
}

async function sourceOf(town: Town, asker: Asker, body: Record<string, unknown>) {
  const name = stringOf(body, "val");
  const [username = "", valName = ""] = name.replace(/^@/, "").split("/");
  const val = name.includes("/") ? await findValByName(town, username, valName) : await findVal(town, name);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  const version = body.version ?? val.version;
  if (!Number.isSafeInteger(version) || (version as number) < 0) throw badRequest('"version" must be a version of the val');
  return { val, choice: { version: version as number, paths: pathsOf(body), force: flagOf(body, "force") } };
}

function flagOf(body: Record<string, unknown>, name: string): boolean {
  const { [name]: flag = false } = body;
  if (typeof flag !== "boolean") throw badRequest(`"${name}" must be true or false`);
  return flag;
}

function pathsOf(body: Record<string, unknown>): string[] | undefined {
  const { paths: list } = body;
  if (list === undefined) return undefined;
  if (!Array.isArray(list) || list.some((path) => typeof path !== "string")) throw badRequest('"paths" must be a list of strings');
  return list as string[];
}

export function causeBy(asker: Asker, val: Val, version: number): Cause {
  return { by: asker.username, val: `${val.username}/${val.name}`, valId: val.id, version };
}

function actOf({ path, source }: { path: string; source: string | null }) {
  return { path, act: source === null ? "restore" : "write" };
}
