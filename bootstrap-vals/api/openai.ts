/** The OpenAI API for vals without a key of their own: handed on to the endpoint that the town's owner has set. */

import { HttpError } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { anything, mapOf } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { requireAsker } from "../model/access.ts";

const ENDPOINT_DEFAULT = "https://api.openai.com/v1";
// What the client libraries ask for; nothing that manages the owner's account there.
const PATHS = /^(chat\/completions|responses|embeddings|models(\/[\w.:-]+)?)$/;

const about = { access: "account", scope: "val:read", answers: { 200: "bytes" } } as const;

export const openaiRoutes: Route[] = [
  ["GET", "/api/v1/openai/*", proxy, { ...about, summary: "The models of the town's provider" }],
  ["POST", "/api/v1/openai/*", proxy, { ...about, summary: "Asks a model of the town's provider, as OpenAI's API has it", body: mapOf(anything) }],
];

async function proxy(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  await requireAsker(town, request, "val:read");
  const { TOWN_OPENAI_KEY: key, TOWN_OPENAI_URL: url } = town.env;
  if (typeof key !== "string" || key === "") {
    throw new HttpError(404, "not_set_up", "The owner of this town has set no OpenAI key: TOWN_OPENAI_KEY, and TOWN_OPENAI_URL for another provider");
  }
  const path = params.rest as string;
  if (!PATHS.test(path)) throw new HttpError(404, "not_found", `/${path} is not offered here`);
  const base = typeof url === "string" && url !== "" ? url.replace(/\/+$/, "") : ENDPOINT_DEFAULT;
  const headers: Record<string, string> = { authorization: `Bearer ${key}` };
  const type = request.headers.get("content-type");
  if (type !== null) headers["content-type"] = type;
  const answer = await fetch(`${base}/${path}`, { method: request.method, headers, body: request.body });
  return new Response(answer.body, {
    status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "application/json", "cache-control": "no-store" },
  });
}
