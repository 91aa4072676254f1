/** Environment variables over the API: names and descriptions come out, values only go in. */

import { json, noContent, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, object, pageOf, ref, text } from "../lib/schema.ts";
import { changeableVal } from "../model/access.ts";
import {
  addVariable, changeVariable, listVariables, parseEnvFile, removeVariable, setVariables, type Variable, type VariableWish,
} from "../model/environment.ts";
import { pageQuery } from "./schemas.ts";
import { iso, page, readQuery } from "./shapes.ts";

const write = { access: "author", scope: "val:write" } as const;
const given = { value: text, "description?": text };

export const environmentRoutes: Route[] = [
  ["GET", "/api/v2/vals/:id/environment_variables", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string, "val:read");
    const query = readQuery(town.arrival);
    const variables = await listVariables(town, val, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, variables.map(variableShape));
  }, {
    summary: "The names of a val's environment variables", access: "author", scope: "val:read", query: pageQuery,
    answers: { 200: pageOf(ref("Variable")) },
  }],
  ["POST", "/api/v2/vals/:id/environment_variables", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const body = await readJson(request);
    const wish = { key: stringOf(body, "key"), value: stringOf(body, "value"), description: optionalString(body, "description") };
    return json(variableShape(await addVariable(town, val, wish)), 201);
  }, { ...write, summary: "Adds an environment variable", body: object({ key: text, ...given }), answers: { 201: ref("Variable") } }],
  ["PUT", "/api/v2/vals/:id/environment_variables/:key", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    return json(variableShape(await changeVariable(town, val, await variableWish(request, params.key as string))));
  }, { ...write, summary: "Changes an environment variable", body: object(given), answers: { 200: ref("Variable") } }],
  ["DELETE", "/api/v2/vals/:id/environment_variables/:key", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    await removeVariable(town, val, params.key as string);
    return noContent();
  }, { ...write, summary: "Removes an environment variable", answers: { 204: null } }],
  ["POST", "/api/town/vals/:id/env-file", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const variables = parseEnvFile(stringOf(await readJson(request), "text"));
    await setVariables(town, val, Object.entries(variables).map(([key, value]) => ({ key, value })));
    return json({ keys: Object.keys(variables) });
  }, {
    ...write, summary: "Sets every variable that the text of a .env file names", body: object({ text }),
    answers: { 200: object({ keys: arrayOf(text) }) },
  }],
];

export async function variableWish(request: Request, key: string): Promise<VariableWish> {
  const body = await readJson(request);
  return { key, value: stringOf(body, "value"), description: optionalString(body, "description") };
}

export function variableShape(variable: Variable) {
  return {
    key: variable.key, description: variable.description,
    createdAt: iso(variable.created_at), updatedAt: iso(variable.updated_at),
  };
}
