// Where a suite's files run: in vals of a town, or in Deno as what they are compared with.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TOKEN, startTown } from "../sdk/town.mjs";

/** A new town of the binary that TOWN_BINARY names. */
export async function town() {
  const running = await startTown();
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  let made = 0;
  return {
    async run(code) {
      const name = `suite${++made}`;
      const body = JSON.stringify({ name, files: [{ path: "main.js", type: "http", content: code }] });
      const saved = await fetch(`${running.base}/api/town/vals`, { method: "POST", headers, body });
      if (!saved.ok) throw new Error(`save: ${saved.status} ${(await saved.text()).slice(0, 300)}`);
      const { id } = await saved.json();
      const answer = await fetch(`${running.base}/run/alice/${name}/`);
      const text = await answer.text();
      await fetch(`${running.base}/api/v2/vals/${id}`, { method: "DELETE", headers });
      return text;
    },
    stop: () => running.stop(),
  };
}

/** The Deno that tests/npm installs, a process for each file. */
export async function deno() {
  const binary = process.env.DENO_BINARY ?? new URL("../npm/node_modules/@deno/linux-x64-glibc/deno", import.meta.url).pathname;
  const folder = mkdtempSync(join(tmpdir(), "town-suites-"));
  let made = 0;
  return {
    run(code) {
      const path = join(folder, `suite${++made}.mjs`), call = `${path}.call.mjs`, answer = `${path}.answer`;
      writeFileSync(path, code);
      writeFileSync(call, `import handle from ${JSON.stringify(path)};\n`
        + `Deno.writeTextFileSync(${JSON.stringify(answer)}, await (await handle(new Request("http://localhost/"))).text());\nDeno.exit(0);\n`);
      const child = spawn(binary, ["run", "-A", "--no-check", "--no-lock", "--no-config", call], {
        stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, DENO_DIR: join(folder, "cache"), NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      });
      let log = "";
      child.stderr.on("data", (text) => log += text);
      return new Promise((resolve) => child.on("close", () => resolve(existsSync(answer) ? readFileSync(answer, "utf8") : log)));
    },
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}
