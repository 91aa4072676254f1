/**
 * API Mode over HTTP: `/api/v1/run`, `/express` and `/eval`, and the routes of version 0. Whoever may see a val may call
 * it; it runs with its author's rights, and its runs are its author's to see.
 */

import { EFFECTS } from "../lib/called.ts";
import { badRequest, HttpError, json, notFound, readJson } from "../lib/http.ts";
import type { Params, Route } from "../lib/router.ts";
import { anything, object, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, maySee } from "../model/access.ts";
import { findVal } from "../model/vals.ts";
import { argumentsOf, argumentsOfBody, asCaller, callIsolate, callVal, listOf, serveVal } from "../run/call.ts";
import { endpointToCall, type Endpoint } from "../run/endpoint.ts";
import { evaluation, CODE_CHARACTERS_MAX } from "../run/eval.ts";

const open = { access: "anybody", scope: "val:read" } as const;
const failures = { 400: anything, 404: anything, 502: anything };
const run = { ...open, query: { "args?": text }, answers: { 200: anything, ...failures } };
const express = { ...open, answers: { 200: "bytes", ...failures } } as const;
const evaluated = { ...open, answers: { 200: anything, 400: anything, 502: anything } };

export const callRoutes: Route[] = [
  ["GET", "/api/v1/run/:val", (request, params, town) => runVal(request, params, town, argumentsOf(queryOf(town, "args"))), { ...run, summary: "Calls a val" }],
  ["POST", "/api/v1/run/:val", async (request, params, town) => runVal(request, params, town, argumentsOfBody(await request.text())), {
    ...run, summary: "Calls a val, with arguments as `[...]` or `{ \"args\": [...] }`", body: anything,
  }],
  ["GET", "/api/v1/express/*", expressVal, { ...express, summary: "Lets a val answer as an Express handler" }],
  ["POST", "/api/v1/express/*", expressVal, { ...express, summary: "The same, with a body", body: "bytes" }],
  ["GET", "/api/v1/eval/:code", async (request, params, town) =>
    jsonText(await evaluate(request, town, params.code as string, argumentsOf(queryOf(town, "args")))),
  { ...evaluated, query: { "args?": text }, summary: "Evaluates an expression, with no authority over anything" }],
  ["POST", "/api/v1/eval", async (request, _params, town) => {
    const { code, args } = await readJson(request);
    if (typeof code !== "string") throw badRequest('"code" must be a string');
    return jsonText(await evaluate(request, town, code, args === undefined ? null : listOf(args)));
  }, { ...evaluated, body: object({ code: text, "args?": { type: "array" } }), summary: "The same, of code that an address does not hold" }],
  ["GET", "/api/eval/:code", async (request, params, town) => {
    const value = await evaluate(request, town, params.code as string, null);
    return json({ value: JSON.parse(value) as unknown });
  }, { ...open, summary: "As version 0 had it", answers: { 200: object({ value: anything }), 400: anything, 502: anything } }],
  ["GET", "/api/express/*", expressLibrary, { ...express, summary: "As version 0 had it: the handler has no authority" }],
  ["POST", "/api/express/*", expressLibrary, { ...express, summary: "The same, with a body", body: "bytes" }],
];

async function runVal(request: Request, params: Params, town: Town, args: string | null): Promise<Response> {
  const { endpoint, isAuthor } = await called(request, town, params.val as string);
  return jsonText(await callVal(town, endpoint, args, isAuthor));
}

async function expressVal(request: Request, params: Params, town: Town): Promise<Response> {
  const { name, path } = partsOf(params.rest as string);
  const { endpoint, isAuthor } = await called(request, town, name);
  try {
    return fenced(await serveVal(town, endpoint, addressOf(town, path), withoutCredentials(request)));
  } catch (error) {
    throw asCaller(error, isAuthor);
  }
}

/** The handler as a library: whoever asks has nothing here that it could use. */
async function expressLibrary(request: Request, params: Params, town: Town): Promise<Response> {
  const { name, path } = partsOf(params.rest as string);
  const { endpoint } = await called(request, town, name);
  const code = `import * as exports from "/v/${endpoint.username}/${endpoint.name}";
export default async (...all) => (exports.default ?? Object.values(exports)[0])(...all);`;
  const isolate = await evaluation(town, undefined, code);
  try {
    return fenced(await isolate.fetch(addressOf(town, path), withoutCredentials(request)));
  } catch (error) {
    throw asCaller(error, false);
  }
}

async function evaluate(request: Request, town: Town, code: string, args: string | null): Promise<string> {
  if (code.length > CODE_CHARACTERS_MAX) throw new HttpError(413, "too_large", `The code is longer than ${CODE_CHARACTERS_MAX} characters`);
  const asker = await askerOf(town, request, "val:read");
  return callIsolate(await evaluation(town, asker, code), args, true);
}

/** `user.val`, `@user.val`, `user/val`: a val that whoever asks may see. */
async function called(request: Request, town: Town, name: string): Promise<{ endpoint: Endpoint; isAuthor: boolean }> {
  const parts = /^@?([^./]+)[./]([^/]+)$/.exec(name);
  const asker = await askerOf(town, request, "val:read");
  const endpoint = parts === null ? undefined : await endpointToCall(town, parts[1] as string, parts[2] as string);
  const val = endpoint && (await findVal(town, endpoint.val_id));
  if (endpoint === undefined || val === undefined || !maySee(asker, val)) throw notFound("Val");
  return { endpoint, isAuthor: asker?.id === val.owner_id };
}

function partsOf(rest: string): { name: string; path: string } {
  const slash = rest.indexOf("/");
  return slash < 0 ? { name: rest, path: "/" } : { name: rest.slice(0, slash), path: rest.slice(slash) };
}

function addressOf(town: Town, path: string): string {
  return town.arrival.base + path + town.arrival.search;
}

/** A val is shown neither the session of the pages nor a token of theirs. */
function withoutCredentials(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  headers.delete("authorization");
  return new Request(request, { headers });
}

/** These share the host of the pages, and must not share their origin. */
function fenced(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.delete("set-cookie");
  headers.delete(EFFECTS);
  headers.set("content-security-policy", "sandbox allow-forms allow-scripts allow-popups allow-modals allow-downloads");
  if (!headers.has("access-control-allow-origin")) headers.set("access-control-allow-origin", "*");
  return new Response(response.body, { status: response.status, headers });
}

function queryOf(town: Town, name: string): string | null {
  return new URLSearchParams(town.arrival.search).get(name);
}

function jsonText(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json", "cache-control": "no-store", "access-control-allow-origin": "*" } });
}
