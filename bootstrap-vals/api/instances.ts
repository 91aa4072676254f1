/** Towns inside this one over the API, and this one as a file. */

import { randomSecret } from "../lib/crypto.ts";
import { badRequest, HttpError, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { boolean, integer, nullable, object, pageOf, ref, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { maySee, requireAsker, requireOwner } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { exportInstance, exportTown, settle } from "../model/carrying.ts";
import { copyTree } from "../model/branches.ts";
import { deleteVal } from "../model/deletion.ts";
import { addFile, readTree, type Tree } from "../model/files.ts";
import {
  checkLimits, createInstance, findInstance, fromArchive, fromInstance, limitInstance, listInstances, resume, suspend, usageOf,
  type Instance, type InstanceWish,
} from "../model/instances.ts";
import { checkDescription, checkValName, entryOf } from "../model/names.ts";
import { fromFork, isFork } from "../model/seeding.ts";
import { checkPrivacy, findVal, findValByName, type Val } from "../model/vals.ts";
import { endpointOfVal } from "../run/endpoint.ts";
import { valWithFiles } from "./parameters.ts";
import { limits, pageQuery, privacy } from "./schemas.ts";
import { fileShape, iso, page, readQuery, valPage } from "./shapes.ts";

const host = { access: "account", scope: "val:write" } as const;
const wish = { name: text, "privacy?": privacy, "description?": nullable(text), "suspended?": boolean, "limits?": nullable(limits) };
const made = { 201: ref("NewInstance") };
/** The words come in a header: bodies of requests are kept in records of runs. */
const PASSPHRASE_HEADER = "archive-passphrase";

export const instancesRoutes: Route[] = [
  ["GET", "/api/town/instances", list, {
    summary: "Your towns inside this one; for its owner all of them", access: "account", scope: "val:read", query: pageQuery,
    answers: { 200: pageOf(ref("Instance")) },
  }],
  ["POST", "/api/town/instances", create, {
    ...host, summary: "Makes a val that is a town, of the image or of a val `from` (`user/name` or its id), with a token of its new owner",
    body: object({ ...wish, "main?": text, "from?": text }), answers: made,
  }],
  ["POST", "/api/town/instances/import", importInstance, {
    ...host, summary: "Makes a town of an archive; the header archive-passphrase opens the secret in it",
    query: { name: text, "privacy?": privacy, "description?": text, "suspended?": text }, body: "bytes", answers: made,
  }],
  ["GET", "/api/town/instances/:instance", async (request, params, town) => {
    const { instance } = await hosted(town, request, params);
    const used = await usageOf(town, instance, (await endpointOfVal(town, instance.val.id))?.programId);
    const { lastActivityAt, ...counts } = used;
    return json({ ...instanceShape(town, instance), usage: { ...counts, lastActivityAt: lastActivityAt && iso(lastActivityAt) } });
  }, { summary: "A town inside this one and what it uses", access: "account", scope: "val:read", answers: { 200: ref("InstanceWithUsage") } }],
  ["PATCH", "/api/town/instances/:instance", change, {
    ...host, summary: "Suspends or resumes a town, or sets its limits",
    body: object({ "suspended?": boolean, "limits?": nullable(limits) }), answers: { 200: ref("Instance") },
  }],
  ["DELETE", "/api/town/instances/:instance", async (request, params, town) => {
    const { instance } = await hosted(town, request, params);
    await deleteVal(town, instance.val);
    return noContent();
  }, { ...host, summary: "Deletes a town; its author can bring it back for thirty days", answers: { 204: null } }],
  ["POST", "/api/town/instances/:instance/clone", clone, {
    ...host, summary: "Makes a copy of a town as it is now, while it goes on", body: object(wish), answers: made,
  }],
  ["GET", "/api/town/instances/:instance/export", async (request, params, town) => {
    const { instance } = await hosted(town, request, params, true);
    return exportInstance(town, instance.val, passphraseOf(request));
  }, {
    summary: "A town as an archive; with the header archive-passphrase its secret is in it, sealed", access: "account",
    scope: "val:write", answers: { 200: "bytes" },
  }],
  ["GET", "/api/town/export", async (request, _params, town) => {
    await requireOwner(town, request);
    return exportTown(town, passphraseOf(request));
  }, {
    summary: "This town as an archive; with the header archive-passphrase its secret is in it, sealed", access: "owner",
    scope: "town:write", answers: { 200: "bytes" },
  }],
  ["GET", "/api/town/usage", async (request, _params, town) => {
    await requireOwner(town, request);
    const { bytes, bytesBelow, bytesMax } = await town.storage.usage();
    return json({ storageBytes: bytes + bytesBelow, storageBytesMax: bytesMax, limits: ownLimits(town) });
  }, {
    summary: "What this town uses, and what its host grants it", access: "owner", scope: "town:write",
    answers: { 200: object({ storageBytes: integer, storageBytesMax: integer, limits }) },
  }],
];

/** What the host of this town grants it, as far as it said so. */
export function ownLimits(town: Town): Record<string, number> {
  const { TOWN_LIMITS: given } = town.env;
  return typeof given === "string" ? (JSON.parse(given) as Record<string, number>) : {};
}

async function list(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:read");
  const query = readQuery(town.arrival);
  const range = { limit: query.limit + 1, offset: query.offset };
  const instances = await listInstances(town, asker.role === "owner" ? range : { ...range, owner: asker.id });
  return page(town.arrival, query, instances.map((instance) => instanceShape(town, instance)));
}

async function create(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const { fill, ...tree } = await originOf(town, asker, optionalString(body, "main"), optionalString(body, "from"));
  const token = `town_${randomSecret()}`;
  const env = { TOWN_OWNER: asker.username, TOWN_TOKEN: token };
  return answer(town, await createInstance(town, asker, { ...wishOf(body), ...tree, env }, fill), token);
}

interface Origin {
  tree?: Tree;
  remixedFrom?: string;
  fill?: ReturnType<typeof fromFork>;
}

/**
 * What a new town is made of: a main file that is given, a val that its maker may see, or the image. Of a fork of the
 * platform it gets what the fork changes, over the image; of any other val the files.
 */
async function originOf(town: Town, asker: Asker, main?: string, from?: string): Promise<Origin> {
  if (main !== undefined) {
    const tree: Tree = new Map();
    await addFile(tree, "main.ts", "http", main);
    return { tree };
  }
  if (from === undefined) return {};
  const [username = "", name] = from.split("/");
  const val = name === undefined ? await findVal(town, from) : await findValByName(town, username, name);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  const tree = copyTree(await readTree(town, val));
  const isProgram = [...tree.values()].some((entry) => entry.type === "http");
  if (!isProgram && (await isFork(town, val))) return { fill: fromFork(town, val, asker.username) };
  return { tree, remixedFrom: val.id };
}

async function clone(request: Request, params: { instance?: string }, town: Town): Promise<Response> {
  const { instance, asker } = await hosted(town, request, params, true);
  const body = await readJson(request);
  const { val } = instance;
  const tree = copyTree(await readTree(town, val));
  const wish = { ...wishOf(body), tree, remixedFrom: val.id };
  // A copy is not a way around the limits of its original.
  if (instance.limited_by_owner) wish.limits = instance.limits;
  return answer(town, await createInstance(town, asker, wish, fromInstance(town, val)));
}

async function importInstance(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const query = new URLSearchParams(town.arrival.search);
  const words = Object.fromEntries(["name", "privacy", "description"].map((key) => [key, query.get(key)]));
  const wish = { ...wishOf(words), suspended: query.get("suspended") === "true" };
  return answer(town, await createInstance(town, asker, wish, fromArchive(town, request, passphraseOf(request))));
}

async function change(request: Request, params: { instance?: string }, town: Town): Promise<Response> {
  const { instance, asker } = await hosted(town, request, params);
  const body = await readJson(request);
  if (body.limits !== undefined) {
    await limitInstance(town, instance, body.limits, asker.role === "owner" && instance.val.owner_id !== asker.id);
  }
  if (typeof body.suspended === "boolean") {
    if (body.suspended) await suspend(town, instance, (await endpointOfVal(town, instance.val.id))?.programId);
    else await resume(town, instance.val.id);
  } else if (body.suspended !== undefined) throw badRequest('"suspended" must be true or false');
  return json(instanceShape(town, (await findInstance(town, instance.val.id)) as Instance));
}

/**
 * A town that the asker hosts: its author, or the owner of this town, who runs what all use. The owner may watch, limit,
 * suspend and delete it; a copy of what is in it is for its author alone.
 */
async function hosted(
  town: Town, request: Request, params: { instance?: string }, authorOnly = false,
): Promise<{ instance: Instance; asker: Asker }> {
  const asker = await requireAsker(town, request, request.method === "GET" && !authorOnly ? "val:read" : "val:write");
  const instance = await findInstance(town, params.instance as string);
  const isAuthor = instance?.val.owner_id === asker.id;
  if (instance === undefined || !(isAuthor || asker.role === "owner" || maySee(asker, instance.val))) throw notFound("Town");
  if (!isAuthor && (authorOnly || asker.role !== "owner")) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  return { instance, asker };
}

function wishOf(body: Record<string, unknown>): Omit<InstanceWish, "tree"> {
  return {
    name: checkValName(stringOf(body, "name")),
    privacy: checkPrivacy(optionalString(body, "privacy") ?? "public"),
    description: checkDescription(optionalString(body, "description")),
    suspended: body.suspended === true,
    limits: checkLimits(body.limits),
  };
}

async function answer(town: Town, made: Awaited<ReturnType<typeof createInstance>>, token?: string): Promise<Response> {
  const { val, tree, diagnostics } = made;
  await settle(town, val);
  const url = urlOf(town, val, tree);
  return json({ val: valWithFiles(town, val, tree, diagnostics), url, ...(token === undefined ? {} : { token }) }, 201);
}

function urlOf(town: Town, val: Val, tree: Tree): string {
  const main = entryOf([...tree.values()].filter((entry) => entry.type === "http"));
  if (main === undefined) throw badRequest("A town needs a file of type http");
  return fileShape(town.arrival, val, tree, main).links.endpoint as string;
}

function passphraseOf(request: Request): string | undefined {
  return request.headers.get(PASSPHRASE_HEADER) ?? undefined;
}

function instanceShape(town: Town, instance: Instance) {
  const { val, suspended_at, limits } = instance;
  const { arrival } = town;
  const label = `${val.username}--${val.name}`.toLowerCase();
  const self = `${arrival.base}/api/town/instances/${val.id}`;
  return {
    id: val.id, name: val.name, author: val.username, privacy: val.privacy, createdAt: iso(val.created_at),
    suspendedAt: suspended_at && iso(suspended_at), limits,
    url: arrival.byHost ? `${arrival.protocol}://${label}.${arrival.host}` : `${arrival.base}/run/${val.username}/${val.name}`,
    links: { self, html: valPage(arrival, val), logs: `${arrival.base}/api/town/vals/${val.id}/logs` },
  };
}
