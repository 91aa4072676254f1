/**
 * Evaluations: code that is in no val, run once. It has no authority over anything, whoever asks; who asks decides which
 * vals it may import, and whether it may use the network.
 */

import type { Isolate, Program } from "town:kernel";
import { uuid } from "../lib/crypto.ts";
import { badRequest } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import type { Entry, Tree } from "../model/files.ts";
import type { Val } from "../model/vals.ts";
import { analyse, keyOf } from "../modules/analysis.ts";
import { EVALUATION } from "../model/runs.ts";
import { closeOver } from "../modules/graph.ts";
import { translate } from "../modules/at.ts";
import { modulesOf } from "./program.ts";

/** As Val Town had it. */
export const CODE_CHARACTERS_MAX = 8192;
/** For anybody at all: enough for an expression. */
const LIMITS_OF_ANYBODY = { deadlineMs: 10_000, cpuMs: 1_000, memoryMb: 64, isolates: 1 };

const PATH = "main.tsx";
// What a list of runs has room for.
const CODE_SHOWN_MAX = 120;

/** An isolate for one use: `run` of lib/called.ts, or a request. Rejects with a 400 where the code is none. */
export async function evaluation(town: Town, asker: { id: string; username: string } | undefined, code: string): Promise<Isolate> {
  const source = await moduleOf(town, code);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(source));
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const entry: Entry = { file_id: hash, path: PATH, type: "script", dialect: "tsx", hash, size: source.length, updated_at: 0, text: source };
  const tree: Tree = new Map([[PATH, entry]]);
  const analyses = await analyse(town, [entry]);
  const val: Val = {
    id: hash, name: "evaluation", privacy: "private", description: null, image_url: null, owner_id: asker?.id ?? "",
    username: asker?.username ?? "", branch_id: "", branch: "main", version: 0, env_revision: 0, created_at: 0, updated_at: 0, remixed_from: null,
  };
  const { graph, diagnostics } = await closeOver(town, val, tree, analyses);
  const fault = diagnostics[0];
  if (fault !== undefined) throw badRequest(`${fault.message} (line ${fault.line})`);
  const exports = analyses.get(keyOf(entry))?.exports ?? [];
  const { main, modules } = await modulesOf(town, {
    ...val, val_id: val.id, file_id: hash, path: PATH, type: "script", exports, isolation: "shared", is_town: 0, isCalled: true,
    programId: "", revision: 0, label: "",
  }, graph, { [hash]: source });
  const program: Program = { main, modules, env: {} };
  if (asker !== undefined) program.recordId = recordIdOf(asker, code);
  return town.loader.load(asker === undefined ? { ...program, limits: LIMITS_OF_ANYBODY } : { ...program, outbound: { private: true } });
}

/**
 * As programs of vals are known, so that its record is whoever's who asked; its beginning stands where they have a path.
 * Nobody is told of what nobody in particular has asked for.
 */
function recordIdOf(asker: { id: string }, code: string): string {
  const shown = encodeURIComponent(code.slice(0, CODE_SHOWN_MAX).toWellFormed());
  return `${uuid()}@0/${shown}?env=0&owner=${asker.id}&type=${EVALUATION}`;
}

/** The code as a module: an expression, else a module as it is, else statements that may return something. */
async function moduleOf(town: Town, code: string): Promise<string> {
  if ((await translate(town, code)) !== undefined) return code;
  const attempts = [`export default (${code}\n);`, code, `export default await (async () => {${code}\n})();`];
  let fault: SyntaxError | undefined;
  for (const source of attempts) {
    try {
      const { exports } = await town.loader.compile(source, { type: "tsx", specifier: PATH });
      if (exports.length > 0) return source;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      fault = error;
    }
  }
  throw badRequest(fault === undefined ? "The code has no value" : `SyntaxError: ${fault.message}`);
}
