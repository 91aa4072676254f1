/** Environment variables over the API: names and descriptions come out, values only go in. */

import { json, noContent, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { changeableVal } from "../model/access.ts";
import { addVariable, changeVariable, listVariables, removeVariable, type Variable } from "../model/environment.ts";
import { iso, page, readQuery } from "./shapes.ts";

export const environmentRoutes: Route[] = [
  ["GET", "/api/v2/vals/:id/environment_variables", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string, "val:read");
    const query = readQuery(town.arrival);
    const variables = await listVariables(town, val, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, variables.map(variableShape));
  }],
  ["POST", "/api/v2/vals/:id/environment_variables", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const body = await readJson(request);
    const wish = { key: stringOf(body, "key"), value: stringOf(body, "value"), description: optionalString(body, "description") };
    return json(variableShape(await addVariable(town, val, wish)), 201);
  }],
  ["PUT", "/api/v2/vals/:id/environment_variables/:key", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const body = await readJson(request);
    const wish = { key: params.key as string, value: stringOf(body, "value"), description: optionalString(body, "description") };
    return json(variableShape(await changeVariable(town, val, wish)));
  }],
  ["DELETE", "/api/v2/vals/:id/environment_variables/:key", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    await removeVariable(town, val, params.key as string);
    return noContent();
  }],
];

function variableShape(variable: Variable) {
  return {
    key: variable.key, description: variable.description,
    createdAt: iso(variable.created_at), updatedAt: iso(variable.updated_at),
  };
}
