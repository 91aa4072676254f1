/** Search over names, descriptions and code. */

import { html } from "../lib/html.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import { searchVals, type Found } from "../model/search.ts";
import { offsetOf } from "./home.ts";
import { askerBySession, pageOf } from "./layout.ts";
import { empty, valList, valPath } from "./pieces.ts";

const FOUND_MAX = 30;

export const searchRoutes: Route[] = [
  ["GET", "/search", async (request, _params, town) => {
    const asker = await askerBySession(town, request);
    const query = (new URLSearchParams(town.arrival.search).get("q") ?? "").trim();
    const offset = offsetOf(town.arrival);
    const found = query === "" ? [] : await searchVals(town, query, { asker: asker?.id, offset, limit: FOUND_MAX + 1 });
    const byVal = new Map(found.slice(0, FOUND_MAX).map((one) => [one.val.id, one]));
    return pageOf(request, town, {
      title: query === "" ? "Search" : `${query} · Search`,
      asker,
      query,
      made: ["pages/search.ts"],
      body: html`<h1>${query === "" ? "Search" : html`Vals with <q>${query}</q>`}</h1>
        ${query === "" ? empty("Type what you look for above: a name, words of a description, or code.")
          : byVal.size === 0 ? empty("Nothing was found. Each word must occur, also as the beginning of a longer one.")
          : valList(town.arrival, [...byVal.values()].map(({ val }) => val), {
            author: true,
            about: (val) => {
              const { path, excerpt } = byVal.get((val as unknown as Found["val"]).id) as Found;
              return html`${val.description === null ? null : html`<span class="about">${val.description}</span>`}
                ${path === null || typeof excerpt !== "string" ? null : html`<span class="about"><a href="${href(town.arrival, valPath(val, `code/${path}`))}">${path}</a>
                <code>${excerpt.replace(/\s+/g, " ")}</code></span>`}`;
            },
          })}
        ${found.length > FOUND_MAX ? html`<p><a class="button" href="?q=${encodeURIComponent(query)}&amp;offset=${offset + FOUND_MAX}">More</a></p>` : null}`,
    });
  }],
];
