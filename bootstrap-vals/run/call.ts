/** Vals as APIs: a val's main file, called in a process of its author's with arguments and results as JSON. */

import type { Isolate, Outcome } from "town:kernel";
import { badRequest, HttpError } from "../lib/http.ts";
import type { Effects } from "../lib/at.ts";
import { EFFECTS, type Called } from "../lib/called.ts";
import type { Town } from "../lib/town.ts";
import { MARK } from "../modules/at.ts";
import { isKept, keepRun } from "./data.ts";
import { carryOut, stateOf } from "./effects.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Evaluate } from "./others.ts";
import { isolateOf } from "./program.ts";
import { visitorError } from "./serve.ts";
import { programIdWith } from "./triggers.ts";

// The longest list of arguments that still fits, escaped twice, into one frame to the process.
const ARGUMENTS_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Calls the export of a val's main file. `args` is a JSON array, or null where none were given. Answers JSON. */
export async function callVal(town: Town, endpoint: Endpoint, args: string | null, seesErrors: boolean): Promise<string> {
  const state = await stateOf(town, endpoint, evaluation(town, endpoint));
  // What is known to be data is drawn anew by its own run, and not taken from a process that has evaluated it.
  const isAgain = isOld(endpoint) && (await isKept(town, endpoint));
  const { isolate: _, ...known } = { ...endpoint, state };
  const isolate = isolateOf(town, isAgain ? { ...known, programId: programIdWith(known.programId, `run=${crypto.randomUUID()}`) } : known);
  const called = await answered(isolate.call("run", [args, state]) as Promise<Called>, seesErrors);
  if (isAgain) await isolate.cancel();
  if (called.effects !== undefined) await carryOut(town, endpoint, called.effects);
  if (called.isData && isOld(endpoint)) await keepRun(town, endpoint, called.json);
  return called.json;
}

// A script without exports is a value too, if one without references.
function isOld(endpoint: Endpoint): boolean {
  return endpoint.exports.includes(MARK) || (endpoint.type === "script" && endpoint.exports.length === 0);
}

/**
 * Finds out what others' data vals are: each is run as its author's, in its author's log, and its value kept. A function is
 * not called. Vals that refer to each other in a circle have no values.
 */
function evaluation(town: Town, asker: Endpoint, busy = new Set([asker.val_id])): Evaluate {
  return async (endpoint) => {
    if (busy.has(endpoint.val_id) || !isOld(endpoint)) return undefined;
    busy.add(endpoint.val_id);
    try {
      const state = await stateOf(town, endpoint, evaluation(town, endpoint, busy));
      const called = (await isolateOf(town, { ...endpoint, state }).call("value", [state])) as Called;
      if ("fault" in called) return undefined;
      if (called.effects !== undefined) await carryOut(town, endpoint, called.effects);
      await keepRun(town, endpoint, called.json);
      return called.json;
    } catch {
      // Its author's log says what went wrong; until it is saved or run anew it has no value.
      return undefined;
    }
  };
}

/** The same as an Express handler. */
export async function serveVal(town: Town, endpoint: Endpoint, url: string, request: Request): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set(EFFECTS, encodeURIComponent(JSON.stringify(await stateOf(town, endpoint, evaluation(town, endpoint)))));
  const response = await isolateOf(town, endpoint).fetch(url, new Request(request, { headers }));
  const effects = response.headers.get(EFFECTS);
  if (effects !== null && endpoint.exports.includes(MARK)) await carryOut(town, endpoint, JSON.parse(decodeURIComponent(effects)) as Effects);
  return response;
}

/** The same of any isolate whose program is that of lib/called.ts. */
export async function callIsolate(isolate: Isolate, args: string | null, seesErrors: boolean): Promise<string> {
  return (await answered(isolate.call("run", [args]) as Promise<Called>, seesErrors)).json;
}

async function answered(call: Promise<Called>, seesErrors: boolean): Promise<Extract<Called, { json: string }>> {
  let called: Called;
  try {
    called = await call;
  } catch (error) {
    throw asCaller(error, seesErrors);
  }
  if ("fault" in called) throw badRequest(called.fault);
  return called;
}

/**
 * What a caller is told of a run that failed: 502 where the val's own code did. Its message is for whoever may see the
 * val's runs; others get the words that every visitor does.
 */
export function asCaller(error: unknown, seesErrors: boolean): unknown {
  const { outcome, message } = error as { outcome?: Outcome; message?: string };
  const worded = visitorError(error);
  if (outcome === undefined || !(worded instanceof HttpError)) return error;
  const status = worded.status === 500 ? 502 : worded.status;
  return new HttpError(status, worded.code, seesErrors ? String(message) : worded.message, worded.headers);
}

/** Arguments as they come in an address, or undefined where none do. */
export function argumentsOf(text: string | null): string | null {
  if (text === null) return null;
  return listOf(parsed(text, "`args` is not JSON"));
}

/** Arguments as they come in a body: `[...]`, or `{ "args": [...] }`; no body is none. */
export function argumentsOfBody(text: string): string | null {
  if (text === "") return null;
  const body = parsed(text, "The body is not JSON");
  if (Array.isArray(body)) return listOf(body);
  if (typeof body !== "object" || body === null) throw badRequest('The body is [...] or { "args": [...] }');
  const { args } = body as { args?: unknown };
  return args === undefined ? null : listOf(args);
}

export function listOf(args: unknown): string {
  if (!Array.isArray(args)) throw badRequest("`args` is a list, even of one argument");
  const text = JSON.stringify(args);
  if (text.length > ARGUMENTS_CHARACTERS_MAX) throw new HttpError(413, "too_large", `\`args\` is longer than ${ARGUMENTS_CHARACTERS_MAX} characters`);
  return text;
}

function parsed(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(message);
  }
}
