/** The description of the API in the form of OpenAPI 3.1, made from the table of routes that also answers. */

import { json } from "../lib/http.ts";
import type { Arrival } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import { ref, type About, type Schema } from "../lib/schema.ts";
import { SCOPES } from "../model/scopes.ts";
import { schemas } from "./schemas.ts";

const JSON_TYPE = "application/json";

export function openapi(arrival: Arrival, routes: Route[]): Response {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [method, pattern, , about] of routes) {
    if (about === undefined) continue;
    const path = pattern.replace(/:(\w+)/g, "{$1}").replace(/\*$/, "{rest}").slice("/api".length);
    (paths[path] ??= {})[method.toLowerCase()] = operation(method, path, about);
  }
  return json({
    openapi: "3.1.0",
    info: { title: "Val Town Town", version: "1", description: "The API of a town. `/v1` and `/v2` follow Val Town's own." },
    servers: [{ url: `${arrival.base}/api` }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: `An API token. Its scopes: ${SCOPES.join(", ")}, or * for all.` },
      },
    },
  });
}

function operation(method: string, path: string, about: About) {
  const { summary, access, scope, query = {}, body, answers } = about;
  const open = access === "anybody" || access === "reader";
  const token = { token: scope === undefined ? [] : [scope] };
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-zA-Z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? "").toUpperCase())}`,
    summary,
    // Who may: what the table of routes says, for those who check it.
    "x-access": access,
    security: open ? [{}, token] : [token],
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body === undefined ? {} : { requestBody: { required: body === "bytes" || needsBody(body), content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      default: response(ref("Error"), "What went wrong"),
    },
  };
}

function needsBody(body: Schema): boolean {
  return Array.isArray(body.required) && body.required.length > 0;
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name, in: "path", required: true, schema: { type: "string", minLength: 1 },
  }));
}

function queryParameters(query: Record<string, Schema>) {
  return Object.entries(query).map(([name, schema]) => ({
    name: name.replace(/\?$/, ""), in: "query", required: !name.endsWith("?"), schema,
  }));
}

function response(answer: Schema | "bytes" | null, description = "Done") {
  return answer === null ? { description } : { description, content: contentOf(answer) };
}

function contentOf(body: Schema | "bytes") {
  return body === "bytes" ? { "*/*": {} } : { [JSON_TYPE]: { schema: body } };
}
