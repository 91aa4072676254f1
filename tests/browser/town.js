// A town of its own for a test file: the real binary on a free port, with a temporary folder, ended by its process id.
import { spawn } from "node:child_process";
import dns from "node:dns";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

// Names below localhost are this machine's, as in browsers; Node asks the system, which may know none.
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith(".localhost") ? "localhost" : name, ...rest);

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const START_MS = 60_000;
// Longer than a town waits for answers under way.
const STOP_MS = 60_000;

export const OWNER = "alice";
export const TOKEN = "a-token-for-tests-only";
/** How many towns are around the one under test, each a val of the one before: scripts/test says 1 and 3 too. */
export const DEPTH = Number(process.env.TOWN_TEST_DEPTH ?? 0);
const TOWN_SOURCE = 'export { default } from "town:system/main.ts";\n';

/** Starts a town, and as many inside as `DEPTH` says; the innermost one is what is tested. Without `owner` it waits for somebody to set it up, and `setup` is the link it printed. */
export async function startTown({ owner = true, variables = {} } = {}) {
  const binary = process.env.TOWN_BINARY ?? path.join(ROOT, "target/debug/town");
  if (!existsSync(binary)) throw new Error(`${binary} is missing: cargo build, or name another one in TOWN_BINARY`);
  const data = await mkdtemp(path.join(tmpdir(), "town-browser-"));
  const folder = process.env.TOWN_TEST_VALS === undefined ? [] : ["--bootstrap-vals", process.env.TOWN_TEST_VALS];
  const owned = { TOWN_OWNER: OWNER, TOWN_TOKEN: TOKEN };
  const env = { ...process.env, ...variables, ...(owner || DEPTH > 0 ? owned : {}) };
  const child = spawn(binary, ["--data", data, "--listen", "127.0.0.1:0", ...folder], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = { text: "" };
  const waiting = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      said.text += text;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise((done) => child.once("exit", (_code, signal) => done(signal)));
  const find = (pattern) => new Promise((done, failed) => {
    const limit = setTimeout(() => {
      child.kill("SIGTERM");
      failed(new Error(`The town did not say ${pattern}:\n${said.text}`));
    }, START_MS);
    const look = () => {
      const match = pattern.exec(said.text);
      if (match === null) return;
      clearTimeout(limit);
      done(match);
    };
    waiting.push(look);
    look();
  });
  let url = (await find(/ready at (http:\S+?)\/?\s/))[1];
  let setup = owner || DEPTH > 0 ? undefined : (await find(/(http:\S+\/setup\?token=\w+)/))[1];
  for (let depth = 1; depth <= DEPTH; depth++) {
    const isOwned = owner || depth < DEPTH;
    const settings = Object.entries(variables).filter(([key]) => /^TOWN_(NPM_REGISTRY|MODULE_MIRROR)$/.test(key));
    const inner = await townInside(url, `town${depth}`, { ...Object.fromEntries(settings), ...(isOwned ? owned : {}) });
    if (!isOwned) setup = await setupLink(url, inner.id);
    url = inner.url;
  }
  return {
    url, setup, host: new URL(url).host,
    said: () => said.text,
    api: (method, address, body) => ask(url, method, address, body),
    async stop() {
      child.kill("SIGTERM");
      const limit = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      const signal = await ended;
      clearTimeout(limit);
      await rm(data, { recursive: true, force: true });
      if (signal === "SIGKILL") throw new Error(`The town did not end within ${STOP_MS} ms:\n${said.text}`);
    },
  };
}

/** A val that is a town, with these variables, and that it has begun. */
async function townInside(url, name, variables) {
  const files = [{ path: "main.ts", type: "http", content: TOWN_SOURCE }];
  const val = await ask(url, "POST", "/api/town/vals", { name, privacy: "unlisted", files });
  for (const [key, value] of Object.entries(variables)) {
    await ask(url, "POST", `/api/v2/vals/${val.id}/environment_variables`, { key, value });
  }
  const inner = val.files[0].links.endpoint.replace(/\/$/, "");
  const response = await fetch(`${inner}/signin`);
  if (!response.ok) throw new Error(`${inner}: ${response.status} ${await response.text()}`);
  return { id: val.id, url: inner };
}

/** The link that a town without an owner has written into the log of the val that it is. */
async function setupLink(url, id) {
  for (const end = Date.now() + START_MS; Date.now() < end;) {
    const { data } = await ask(url, "GET", `/api/town/vals/${id}/logs`);
    const link = data.map(({ text }) => /(http:\S+\/setup\?token=\w+)/.exec(text)?.[1]).find((found) => found !== undefined);
    if (link !== undefined) return link;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`The log of ${id} has no link`);
}

async function ask(url, method, address, body) {
  const response = await fetch(url + address, {
    method, headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** A val of `OWNER` with one HTTP file, or with those given. */
export function makeVal(town, name, files, privacy = "public") {
  const list = typeof files === "string" ? [{ path: "main.ts", type: "http", content: files }] : files;
  return town.api("POST", "/api/town/vals", { name, privacy, files: list });
}
