// The API as a careless client asks it: every operation of its own description, with what the description says, with what it
// does not, and with texts that break things. Whatever comes, the answer is the client's mistake or a success, never ours.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { makeVal, startTown, TOKEN } from "./town.js";

const SEED = Number(process.env.TOWN_TEST_SEED ?? 1);
const REQUESTS = Number(process.env.TOWN_TEST_REQUESTS ?? 400);
// What would end the run: the account that asks, streams that never end, towns and copies of them by the hundred.
const LEFT_OUT = /^(DELETE \/town\/me|POST \/town\/(sign-out|sign-up|me|reload|instances)|\w+ \/town\/(system|instances|export|import)|GET .*\/stream|POST .*\/run)/;
const DEPTH_MAX = 4;
const AT_ONCE = 4;

const TEXTS = [
  "", "a", "main.ts", "\0", "\ud800", "ü€😀", "x".repeat(5_000), "../..", "'; DROP TABLE val; --", "%", "-1", "99999999999999999999", "NaN", "null",
  "2026-01-01T00:00:00Z", "http", "public", "0", "1", "alice", "asked", "main", "* * * * *", "every 5 minutes", "a@b.c", "<script>", " ",
];
const ANYTHING = [...TEXTS, null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, [], {}, [null], [{}], [[["x"]]], { a: { b: [1, "\0"] } }, "x".repeat(100_000)];

let town;
let val;

before(async () => {
  town = await startTown();
  val = await makeVal(town, "asked", "export default () => new Response('x');\n");
});
after(() => town?.stop());

const RUNS_CODE = /\/(eval|run|express)\b/;

/** The same numbers for the same seed. */
function randomOf(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 0x7fff_ffff;
}

test("no request that the description allows, or nearly allows, is answered with a fault of ours", async () => {
  const spec = await (await fetch(`${town.url}/api/openapi.json`)).json();
  const random = randomOf(SEED);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const resolve = (schema) => (schema?.$ref === undefined ? schema ?? {} : resolve(schema.$ref.split("/").slice(1).reduce((at, key) => at[key], spec)));
  const make = (given, depth = 0) => {
    const schema = resolve(given);
    if (depth > DEPTH_MAX || random() < 0.15) return pick(ANYTHING);
    if (schema.enum !== undefined) return pick(schema.enum);
    if (schema.const !== undefined) return schema.const;
    const choice = schema.oneOf ?? schema.anyOf;
    if (choice !== undefined) return make(pick(choice), depth);
    switch (Array.isArray(schema.type) ? pick(schema.type) : schema.type) {
      case "object": return Object.fromEntries(Object.entries(schema.properties ?? {}).filter(() => random() < 0.75).map(([key, member]) => [key, make(member, depth + 1)]));
      case "array": return Array.from({ length: Math.floor(random() * 4) }, () => make(schema.items, depth + 1));
      case "integer": case "number": return pick([0, 1, 2, -1, 1e9, 1.5, 2 ** 53]);
      case "boolean": return random() < 0.5;
      case "null": return null;
      default: return schema.format === "uuid" ? pick([val.id, "00000000-0000-0000-0000-000000000000", "x"]) : pick(TEXTS);
    }
  };
  const operations = Object.entries(spec.paths).flatMap(([path, item]) => Object.entries(item)
    .filter(([method]) => /^(get|put|post|delete|patch)$/.test(method))
    .map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, operation, shared: item.parameters ?? [] })))
    .filter(({ name }) => !LEFT_OUT.test(name));
  assert.ok(operations.length > 60, "the description has them all");
  const base = new URL(spec.servers[0].url).pathname;
  const file = val.files[0].id;
  // What is asked comes from the seed alone, so that it does not matter which answer comes first.
  const requests = [];
  for (let count = 0; count < REQUESTS; count++) {
    const { name, method, path, operation, shared } = operations[count % operations.length];
    const known = path.includes("/files/{") ? file : val.id;
    let address = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(random() < 0.6 ? known : pick(TEXTS).toWellFormed()));
    // What all others ask about stays.
    if (method === "DELETE") address = address.replace(known, "00000000-0000-0000-0000-000000000000");
    const query = new URLSearchParams();
    for (const parameter of [...shared, ...(operation.parameters ?? [])].map(resolve)) {
      if (parameter.in === "query" && random() < 0.6) query.append(parameter.name, String(make(parameter.schema)).toWellFormed().slice(0, 2_000));
    }
    const headers = { authorization: `Bearer ${TOKEN}` };
    let body;
    if (operation.requestBody !== undefined) {
      const [[type, media]] = Object.entries(resolve(operation.requestBody).content);
      headers["content-type"] = type;
      body = random() < 0.05 ? pick(["", "{", "[]", "null", '{"a":']) : type.includes("json") ? JSON.stringify(make(media.schema)) : pick(TEXTS);
    }
    requests.push({ name, address: `${address}?${query}`, method, headers, body });
  }
  const send = async ({ name, address, method, headers, body }) => {
    const response = await fetch(`${town.url}${base}${address}`, { method, headers, body, redirect: "manual" });
    const text = await response.text();
    // What is asked to run is not ours, and 502 says that it has failed.
    const isTheirs = response.status === 502 && RUNS_CODE.test(name);
    assert.ok(response.status < 500 || isTheirs, `${name}: ${address} with ${body?.slice(0, 500)} was answered ${response.status} ${text.slice(0, 300)} (seed ${SEED})`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = requests.shift(); next !== undefined; next = requests.shift()) await send(next);
  }));
  assert.equal((await fetch(`${town.url}/run/alice/asked`)).status, 200, "the town is as well as before");
});
