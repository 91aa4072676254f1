/**
 * A val as an API, on its own side: the main module of the program in which `/api/v1/run` and `/api/v1/express` call it.
 * Arguments come as JSON and results leave as JSON, so nothing of one person's process is ever in another's.
 */

import type { Effects, State } from "./at.ts";
import { expressHandler, type ExpressHandler } from "./express.ts";

/** How a call ended, where the val's own code did not throw. */
export type Called = { json: string; isData?: boolean; effects?: Effects } | { fault: string };

/** What lib/at.ts has for vals in the language of `@user.val`: assignments and mails of a run, which its end carries out. */
export interface At {
  begin(state: State): void;
  finish(): Effects;
}
/** By which header an answer carries them. */
export const EFFECTS = "x-town-effects";

export interface Callable {
  run(args: string | null, state?: State): Promise<Called>;
  /** The value of a val that is data; a fault where it is none. Calls nothing. */
  value(state?: State): Promise<Called>;
  fetch(request: Request): Promise<Response>;
}

const NOTHING: State = { own: {}, others: {} };

/** The program of a val's exports, by the export rule. */
export function callable(exports: Record<string, unknown>, at?: At): Callable {
  const names = Object.keys(exports).filter((name) => name !== "$at");
  const name = names.includes("default") ? "default" : names.length === 1 ? (names[0] as string) : undefined;
  const value = name === undefined ? undefined : exports[name];
  const fault = name === undefined ? `Vals require a default export, or exactly one named export. This val exports: ${names.join(", ") || "nothing"}` : undefined;
  return {
    async run(args, state = NOTHING) {
      if (fault !== undefined) return { fault };
      at?.begin(state);
      let json: string;
      if (typeof value === "function") json = jsonOf(await value(...(args === null ? [] : (JSON.parse(args) as unknown[]))));
      else if (args === null || args === "[]") json = jsonOf(await value);
      else return { fault: "The first export of this val is not a function and cannot be run with args" };
      const isData = typeof value !== "function";
      return at === undefined ? { json, isData } : { json, isData, effects: at.finish() };
    },
    async value(state = NOTHING) {
      if (fault !== undefined || typeof value === "function") return { fault: fault ?? "It is a function" };
      at?.begin(state);
      const json = jsonOf(await value);
      return at === undefined ? { json, isData: true } : { json, isData: true, effects: at.finish() };
    },
    async fetch(request) {
      if (typeof value !== "function") throw new TypeError(fault ?? "The export of this val is not a function and cannot answer requests");
      const state = request.headers.get(EFFECTS);
      at?.begin(state === null ? NOTHING : (JSON.parse(decodeURIComponent(state)) as State));
      const response = await expressHandler(value as ExpressHandler)(request);
      if (at === undefined) return response;
      const headers = new Headers(response.headers);
      headers.set(EFFECTS, encodeURIComponent(JSON.stringify(at.finish())));
      return new Response(response.body, { status: response.status, headers });
    },
  };
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
