// Every method of the SDK against a town that it takes for Val Town.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import ValTown from "@valtown/sdk";
import { startTown, TOKEN } from "./town.mjs";

let town;
let client;
let me;

before(async () => {
  town = await startTown();
  client = new ValTown({ baseURL: `${town.base}/api`, bearerToken: TOKEN, maxRetries: 0 });
  me = await client.me.profile.retrieve();
});
after(() => town.stop());

async function made(name, wish = {}) {
  return client.vals.create({ name, privacy: "public", ...wish });
}

async function listed(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

test("accounts are found by token, name and id", async () => {
  assert.equal(me.username, "alice");
  assert.equal(me.type, "user");
  const { id } = me;
  assert.equal((await client.alias.username.retrieve("alice")).id, id);
  assert.equal((await client.users.retrieve(id)).username, "alice");
  assert.deepEqual(await listed(client.orgs.list({ limit: 10, offset: 0 })), []);
  await assert.rejects(client.alias.username.retrieve("nobody"), ValTown.NotFoundError);
});

test("vals are made, found, listed page by page and deleted", async () => {
  const val = await made("first", { privacy: "unlisted", description: "About it" });
  assert.deepEqual([val.name, val.privacy, val.description, val.author.username], ["first", "unlisted", "About it", "alice"]);
  assert.deepEqual(await client.vals.retrieve(val.id), val);
  assert.equal((await client.alias.username.valName.retrieve("alice", "first")).id, val.id);
  for (let number = 0; number < 5; number++) await made(`page${number}`);
  const pages = await listed(client.vals.list({ limit: 2, user_id: me.id }));
  assert.deepEqual(pages.map(({ name }) => name), ["page4", "page3", "page2", "page1", "page0", "first"]);
  const own = await listed(client.me.vals.list({ limit: 4, offset: 0 }));
  assert.equal(own.length, 6);
  await client.vals.delete(val.id);
  await assert.rejects(client.vals.retrieve(val.id), ValTown.NotFoundError);
  await assert.rejects(made("page1"), ValTown.ConflictError);
  await assert.rejects(made("no name"), ValTown.BadRequestError);
});

test("files are made, read, changed, moved, listed and deleted", async () => {
  const { id } = await made("files");
  const code = "export default () => new Response('from the SDK')";
  const file = await client.vals.files.create(id, { path: "main.ts", type: "http", content: code });
  assert.deepEqual([file.path, file.type, file.version], ["main.ts", "http", 1]);
  assert.ok(file.links.endpoint);
  await client.vals.files.create(id, { path: "folder", type: "directory" });
  const content = await client.vals.files.getContent(id, { path: "main.ts" });
  assert.equal(await content.text(), code);
  const answer = await fetch(`${town.base}/run/alice/files`);
  assert.equal(await answer.text(), "from the SDK");
  const moved = await client.vals.files.update(id, { path: "main.ts", name: "moved.ts", parent_path: "folder", content: "export {}" });
  assert.equal(moved.path, "folder/moved.ts");
  const all = await listed(client.vals.files.retrieve(id, { path: "", recursive: true, limit: 1, offset: 0 }));
  assert.deepEqual(all.map(({ path }) => path), ["folder", "folder/moved.ts"]);
  assert.equal((await client.files.retrieve(file.id)).path, "folder/moved.ts");
  const old = await client.vals.files.getContent(id, { path: "main.ts", version: 1 });
  assert.equal(await old.text(), code);
  await assert.rejects(client.vals.files.getContent(id, { path: "folder/moved.ts", "If-Match": '"1"' }), { status: 412 });
  await assert.rejects(client.vals.files.delete(id, { path: "folder", recursive: false }), ValTown.BadRequestError);
  await client.vals.files.delete(id, { path: "folder", recursive: true });
  assert.deepEqual(await listed(client.vals.files.retrieve(id, { path: "", recursive: true, limit: 10, offset: 0 })), []);
});

test("branches are made, saved to, listed and deleted", async () => {
  const { id } = await made("branches");
  await client.vals.files.create(id, { path: "a.txt", type: "file", content: "main" });
  const branch = await client.vals.branches.create(id, { name: "other" });
  await client.vals.files.update(id, { path: "a.txt", branch_id: branch.id, content: "other" });
  const content = async (options) => (await client.vals.files.getContent(id, { path: "a.txt", ...options })).text();
  assert.deepEqual([await content({}), await content({ branch_id: branch.id })], ["main", "other"]);
  assert.equal((await client.vals.branches.retrieve(id, branch.id)).version, 1);
  const all = await listed(client.vals.branches.list(id, { limit: 1, offset: 0 }));
  assert.deepEqual(all.map(({ name }) => name), ["main", "other"]);
  await client.vals.branches.delete(id, branch.id);
  await assert.rejects(client.vals.branches.retrieve(id, branch.id), ValTown.NotFoundError);
});

test("environment variables are set and listed without their values", async () => {
  const { id } = await made("variables");
  const { environmentVariables } = client.vals;
  const set = await environmentVariables.create(id, { key: "KEY", value: "hidden", description: "What for" });
  assert.deepEqual([set.key, set.description], ["KEY", "What for"]);
  await environmentVariables.update(id, "KEY", { value: "hidden too" });
  const all = await listed(environmentVariables.list(id, { limit: 10, offset: 0 }));
  assert.deepEqual(all.map(({ key }) => key), ["KEY"]);
  assert.ok(!JSON.stringify(all).includes("hidden"));
  await environmentVariables.delete(id, "KEY");
  assert.deepEqual(await listed(environmentVariables.list(id, { limit: 10, offset: 0 })), []);
});

test("vals are searched", async () => {
  const { id } = await made("haystack");
  await client.vals.files.create(id, { path: "main.ts", type: "script", content: "export const needle = 1;" });
  const found = await listed(client.search.vals.list({ query: "needle", limit: 5, offset: 0 }));
  assert.deepEqual(found.map(({ name, code }) => [name, code]), [["haystack", "export const needle = 1;"]]);
});

test("traces and logs are read", async () => {
  const { id } = await made("told");
  const code = "export default () => { console.log('a line of log'); return new Response('') }";
  const file = await client.vals.files.create(id, { path: "main.ts", type: "http", content: code });
  await fetch(`${town.base}/run/alice/told`);
  let logs = [];
  const wish = { limit: 10, direction: "desc", file_id: file.id };
  for (const until = Date.now() + 30_000; logs.length === 0 && Date.now() < until;) {
    ({ data: logs } = await client.telemetry.logs.list({ ...wish, end: new Date().toISOString() }));
  }
  assert.equal(logs[0].body.stringValue, "a line of log");
  const { data: traces } = await client.telemetry.traces.list({ ...wish, order_by: "start_time", end: new Date().toISOString() });
  assert.equal(traces[0].traceId, logs[0].traceId);
});

test("mail is taken", async () => {
  const answer = await client.emails.send({ subject: "Hello", text: "to myself", to: "alice@example.com" });
  assert.ok(answer.message);
});

test("a token that is none is refused", async () => {
  const stranger = new ValTown({ baseURL: `${town.base}/api`, bearerToken: "none", maxRetries: 0 });
  await assert.rejects(stranger.me.profile.retrieve(), ValTown.AuthenticationError);
});
