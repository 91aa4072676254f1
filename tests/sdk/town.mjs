// A town under test: the binary that cargo has built, on a free port and in a folder of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.TOWN_BINARY ?? new URL("../../target/debug/town", import.meta.url).pathname;

export const TOKEN = "town-test-token-0123456789abcdef";

/** Starts a town with the owner alice; `base` is its address. */
export async function startTown() {
  const folder = mkdtempSync(join(tmpdir(), "town-sdk-"));
  const child = spawn(BINARY, ["serve", "--listen", "127.0.0.1:0", "--data", join(folder, "data")], {
    env: { TOWN_OWNER: "alice", TOWN_TOKEN: TOKEN }, stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (text) => log += text);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const base = await new Promise((resolve, reject) => {
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
      const ready = /ready at (\S+?)\/?\n/.exec(out);
      if (ready) resolve(ready[1]);
    });
    ended.then(() => reject(new Error(`The town ended: ${log}`)));
  });
  return {
    // Not by the name localhost, which node may look up as an IPv6 address that nobody listens on.
    base: base.replace("localhost", "127.0.0.1"),
    async stop() {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
