/** What a val imports from elsewhere: listing it, and asking again for what is there now. */

import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { anything, arrayOf, integer, mapOf, object, ref, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal, visibleVal } from "../model/access.ts";
import { save } from "../model/versions.ts";
import { denoLock, forget, lockedModules, readGraph } from "../modules/lock.ts";

const listed = { version: integer, data: arrayOf(object({ specifier: text, type: text, hash: text, bytes: integer })) };

export const moduleListRoutes: Route[] = [
  ["GET", "/api/town/vals/:id/modules", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    return json({ version: val.version, data: await lockedModules(town, await readGraph(town, val)) });
  }, { summary: "What the val imports from elsewhere", access: "reader", scope: "val:read", answers: { 200: object(listed) } }],
  ["GET", "/api/town/vals/:id/deno.lock", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    return json(await denoLock(town, await readGraph(town, val)));
  }, { summary: "The same as a lock file of Deno", access: "reader", scope: "val:read", answers: { 200: mapOf(anything) } }],
  ["POST", "/api/town/vals/:id/modules", update, {
    summary: "A new version with what is elsewhere now", access: "author", scope: "val:write",
    answers: { 200: object({ ...listed, diagnostics: arrayOf(ref("Diagnostic")) }) },
  }],
];

/** A new version of the same files, with what their imports lead to now. */
async function update(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val, asker } = await changeableVal(town, request, params.id as string);
  await forget(town, await readGraph(town, val));
  const saved = await save(town, val, asker.id, () => undefined, { always: true, message: "Update what is imported from elsewhere" });
  const data = await lockedModules(town, await readGraph(town, saved.val));
  return json({ version: saved.val.version, data, diagnostics: saved.diagnostics });
}
