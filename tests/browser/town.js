// A town of its own for a test file: the real binary on a free port, with a temporary folder, ended by its process id.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const START_MS = 60_000;

export const OWNER = "alice";
export const TOKEN = "a-token-for-tests-only";

/** Starts a town. Without `owner` it waits for somebody to set it up, and `setup` is the link it printed. */
export async function startTown({ owner = true, variables = {} } = {}) {
  const binary = process.env.TOWN_BINARY ?? path.join(ROOT, "target/debug/town");
  if (!existsSync(binary)) throw new Error(`${binary} is missing: cargo build, or name another one in TOWN_BINARY`);
  const data = await mkdtemp(path.join(tmpdir(), "town-browser-"));
  const folder = process.env.TOWN_TEST_VALS === undefined ? [] : ["--bootstrap-vals", process.env.TOWN_TEST_VALS];
  const env = { ...process.env, ...variables, ...(owner ? { TOWN_OWNER: OWNER, TOWN_TOKEN: TOKEN } : {}) };
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
  const ended = new Promise((done) => child.once("exit", done));
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
  const url = (await find(/ready at (http:\S+?)\/?\s/))[1];
  const setup = owner ? undefined : (await find(/(http:\S+\/setup\?token=\w+)/))[1];
  return {
    url, setup, host: new URL(url).host,
    said: () => said.text,
    async api(method, address, body) {
      const response = await fetch(url + address, {
        method, headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** A val of `OWNER` with one HTTP file, or with those given. */
export function makeVal(town, name, files, privacy = "public") {
  const list = typeof files === "string" ? [{ path: "main.ts", type: "http", content: files }] : files;
  return town.api("POST", "/api/town/vals", { name, privacy, files: list });
}
