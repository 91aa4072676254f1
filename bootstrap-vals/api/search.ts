/** Searching what the asker may see: in a form of its own, and in Val Town's. */

import { badRequest } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { pageOf, ref, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf } from "../model/access.ts";
import { readContent, readTree } from "../model/files.ts";
import { entryOf } from "../model/names.ts";
import { searchVals, type Found } from "../model/search.ts";
import type { Val } from "../model/vals.ts";
import { pinnedPath } from "../modules/reference.ts";
import { pageQuery } from "./schemas.ts";
import { endpointUrl, iso, page, readQuery, valPage, valShape, type Query } from "./shapes.ts";

const about = { access: "anybody", scope: "val:read", query: { query: { ...text, minLength: 1, maxLength: 512 }, ...pageQuery } } as const;

export const searchRoutes: Route[] = [
  ["GET", "/api/town/search", async (request, _params, town) => {
    const query = readQuery(town.arrival);
    const found = await search(town, request, query);
    return page(town.arrival, query, found.map(({ val, path, excerpt }) => ({ val: valShape(town.arrival, val), path, excerpt })));
  }, { ...about, summary: "Finds vals by words in names, descriptions and files", answers: { 200: pageOf(ref("Found")) } }],
  ["GET", "/api/v1/search/vals", async (request, _params, town) => {
    const query = readQuery(town.arrival);
    const found = await search(town, request, query);
    const shapes = [];
    for (const { val } of found) shapes.push(await basicShape(town, val));
    return page(town.arrival, query, shapes);
  }, { ...about, summary: "Finds vals, each as its main file", answers: { 200: pageOf(ref("BasicVal")) } }],
];

function search(town: Town, request: Request, query: Query): Promise<Found[]> {
  const words = query.params.get("query");
  if (words === null || words === "") throw badRequest('"query" is missing');
  return askerOf(town, request, "val:read").then((asker) =>
    searchVals(town, words, { asker: asker?.id, limit: query.limit + 1, offset: query.offset }));
}

async function basicShape(town: Town, val: Val) {
  const { arrival } = town;
  const tree = await readTree(town, val);
  const entry = entryOf(tree.values());
  const self = `${arrival.base}/api/v2/vals/${val.id}`;
  const links: Record<string, string> = {
    self, versions: `${arrival.base}/api/town/vals/${val.id}/versions`,
    module: arrival.base + pinnedPath(val, val.version, entry?.path ?? ""),
  };
  if (entry?.type === "http") links.endpoint = endpointUrl(arrival, val, tree, entry);
  return {
    id: val.id, name: val.name, version: val.version, code: entry?.hash ? await readContent(town, entry.hash) : null,
    public: val.privacy === "public", createdAt: iso(val.created_at), updatedAt: iso(val.updated_at), privacy: val.privacy,
    type: entry === undefined || entry.type === "file" || entry.type === "directory" ? "script" : entry.type,
    url: valPage(arrival, val), links, author: { id: val.owner_id, username: val.username },
  };
}
