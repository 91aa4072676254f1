// Runs test suites that nobody of this project wrote: a file with its library becomes one val, whose answer is its results.
//
//     scripts/suites zod                               # in a town of target/debug/town, or of TOWN_BINARY
//     scripts/suites hono --sources DIR --on town,deno # in both, and what only Deno passes

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { SUITES } from "./suites.mjs";
import * as targets from "./targets.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const { values: options, positionals: [name] } = parseArgs({
  allowPositionals: true,
  options: { on: { type: "string", default: "town" }, sources: { type: "string" }, only: { type: "string" }, jobs: { type: "string", default: "2" }, out: { type: "string" } },
});
const suite = SUITES[name];
const folder = suite?.folder(options.sources);
if (!folder) {
  console.error(`usage: scripts/suites ${Object.keys(SUITES).join("|")} [--sources DIR] [--on town,deno] [--only PATTERN] [--out FILE]`);
  process.exit(2);
}

const files = [], leftOut = new Map();
for (const path of readdirSync(folder, { recursive: true }).map((path) => path.replaceAll("\\", "/")).sort()) {
  if (!suite.files.test(path) || path.includes("node_modules/") || !new RegExp(options.only ?? "").test(path)) continue;
  const text = readFileSync(join(folder, path), "utf8");
  const why = suite.leftOut.find(([pattern]) => pattern.test(text))?.[1];
  if (why) leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  else files.push(path);
}

/** One module that runs the tests of one file. */
async function bundled(path) {
  const entry = `import ${JSON.stringify(join(folder, path))};\nimport { run } from "vitest";\nexport default async () => Response.json(await run());\n`;
  const result = await build({
    stdin: { contents: entry, resolveDir: HERE, loader: "js" },
    bundle: true, write: false, format: "esm", target: "es2022", platform: "neutral", mainFields: ["module", "main"], conditions: ["import", "default"],
    minifyWhitespace: true, minifySyntax: true, logLevel: "silent", inject: [join(HERE, "globals.mjs")], external: ["node:*"], jsx: "automatic",
    plugins: [{ name: "suite", setup(build) {
      // Packages say that importing their files does nothing, and mean no tests.
      build.onResolve({ filter: /\.test\.tsx?$/ }, ({ path }) => ({ path, sideEffects: true }));
      build.onResolve({ filter: /^[a-z_]+$/ }, ({ path }) => builtinModules.includes(path) ? { path: `node:${path}`, external: true } : undefined);
      build.onResolve({ filter: /^vitest$/ }, () => ({ path: join(HERE, "vitest.mjs") }));
      build.onResolve({ filter: /^[^./]/ }, ({ path }) => {
        const found = suite.resolve(path, folder);
        return found && { path: found };
      });
    } }],
  });
  return result.outputFiles[0].text;
}

async function runFile(target, path) {
  let text;
  try {
    text = await target.run(await bundled(path));
    return { path, tests: JSON.parse(text).tests };
  } catch (error) {
    return { path, tests: [], broken: (text ?? error.message).slice(0, 400) };
  }
}

async function runAll(target) {
  const results = [], waiting = [...files];
  await Promise.all(Array.from({ length: Number(options.jobs) }, async () => {
    for (let path; (path = waiting.shift()); ) results.push(await runFile(target, path));
  }));
  await target.stop();
  return results.sort((a, b) => a.path < b.path ? -1 : 1);
}

const all = {};
for (const on of options.on.split(",")) all[on] = await runAll(await targets[on]());
console.log(`${name}: ${files.length} files; left out: ${[...leftOut].map(([why, count]) => `${count} ${why}`).join(", ") || "none"}`);
for (const [on, results] of Object.entries(all)) {
  const count = (status) => results.flatMap((file) => file.tests).filter((test) => test.status === status).length;
  const clean = results.filter((file) => !file.broken && file.tests.every((test) => test.status !== "fail")).length;
  console.log(`${on}: ${count("pass")} pass, ${count("fail")} fail, ${count("skip")} skipped; ${clean} files clean, ${results.filter((file) => file.broken).length} broken`);
}
const passed = (results) => new Set(results.flatMap((file) => file.tests.filter((test) => test.status === "pass").map((test) => `${file.path}: ${test.name}`)));
const [first, other] = Object.entries(all);
const otherPasses = other && passed(other[1]);
for (const file of first[1]) {
  if (file.broken) console.log(`  ${file.path}: ${file.broken.trim()}`);
  for (const test of file.tests.filter((test) => test.status === "fail")) {
    const both = other && !otherPasses.has(`${file.path}: ${test.name}`) ? ` (and ${other[0]})` : "";
    console.log(`  ${file.path}: ${test.name}${both}\n      ${test.message?.split("\n").join("\n      ")}`);
  }
}
if (options.out) writeFileSync(options.out, JSON.stringify(all));
