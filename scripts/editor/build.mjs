// Bundles what the editor takes from npm into bootstrap-vals/editor/vendor, with licences and a table of sizes.
// `node build.mjs --check` compares instead of writing.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, "../../bootstrap-vals/editor/vendor");
const check = process.argv.includes("--check");
process.chdir(here);

// Compressed bytes each may have: whoever adds a dependency notices here what it costs everybody.
const BUDGETS = { "codemirror.js": 260_000, "vim.js": 45_000, "emacs.js": 20_000, "typescript.js": 1_050_000, "libraries.json": 130_000 };

// The standard library a val sees: the language, and the web APIs as browsers type them.
const LIBRARIES = ["lib.es2024.full.d.ts", "lib.esnext.d.ts"];
const NOT_WANTED = /^lib\.(dom|webworker|scripthost)/;
const WANTED_OF_WEB = ["lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"];

const packages = new Map();
const outputs = new Map();

// The key maps work on the editor's own copy of CodeMirror, which the page's import map names.
const shared = {
  name: "shared-codemirror",
  setup(context) {
    context.onResolve({ filter: /^@codemirror\// }, () => ({ path: "codemirror", external: true }));
  },
};
const targets = [["codemirror.js", []], ["vim.js", [shared]], ["emacs.js", [shared]], ["typescript.js", []]];
for (const [name, plugins] of targets) {
  const result = await build({
    entryPoints: [name], bundle: true, minify: true, format: "esm", target: "es2022", platform: "browser", write: false,
    metafile: true, legalComments: "none", charset: "utf8", plugins, logLevel: "error",
    // The key maps mark calls as pure that bind their keys, which leaves them without any.
    ignoreAnnotations: plugins.includes(shared),
    define: { "process.env.NODE_ENV": '"production"' },
  });
  outputs.set(name, Buffer.from(result.outputFiles[0].contents));
  for (const input of Object.keys(result.metafile.inputs)) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (found) packages.set(found, (packages.get(found) ?? new Set()).add(name));
  }
}
outputs.set("libraries.json", Buffer.from(JSON.stringify(libraries())));

/** The declaration files that LIBRARIES reach, without their comments. */
function libraries() {
  const folder = "node_modules/typescript/lib";
  const found = {};
  const waiting = [...LIBRARIES, ...WANTED_OF_WEB];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name in found || (NOT_WANTED.test(name) && !WANTED_OF_WEB.includes(name))) continue;
    const text = readFileSync(path.join(folder, name), "utf8");
    for (const [, lib] of text.matchAll(/\/\/\/ <reference lib="([^"]+)"/g)) waiting.push(`lib.${lib}.d.ts`);
    found[name] = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/(?!\/ <reference).*$/gm, "").replace(/[ \t]+$/gm, "").replace(/\n\s*\n+/g, "\n");
  }
  packages.set("typescript", (packages.get("typescript") ?? new Set()).add("libraries.json"));
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const manifest = {};
const rows = [];
const faults = [];
const compressed = new Map();
for (const [name, bytes] of outputs) {
  const gzip = gzipSync(bytes, { level: 9 });
  const hash = createHash("sha256").update(bytes).digest("hex");
  manifest[name] = hash.slice(0, 16);
  compressed.set(`${name}.gz`, gzip);
  rows.push(`| \`${name}\` | ${count(bytes.length)} | ${count(gzip.length)} |`);
  if (gzip.length > BUDGETS[name]) faults.push(`${name} has ${gzip.length} bytes, more than the ${BUDGETS[name]} it may have`);
}
const files = new Map([
  ["manifest.json", JSON.stringify(manifest, null, 2) + "\n"],
  ["LICENCES.md", licences()],
]);

function licences() {
  const parts = ["# Third-party software in this folder", "",
    "Made by `scripts/build-editor`. Each file is one bundle, minified and compressed.", "",
    "| file | bytes | compressed |", "|---|---:|---:|", ...rows, ""];
  for (const name of [...packages.keys()].sort()) {
    const folder = path.join("node_modules", name);
    const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|thirdpartynotice)/i.test(file)).sort();
    parts.push(`## ${name} ${version}`, "", `${license}, in ${[...packages.get(name)].sort().map((file) => `\`${file}\``).join(", ")}`, "");
    for (const file of texts) parts.push("```text", readFileSync(path.join(folder, file), "utf8").replaceAll("\r\n", "\n").replace(/[ \t]+$/gm, "").trim(), "```", "");
    if (texts.length === 0) faults.push(`${name} has no licence file`);
  }
  return parts.join("\n").trimEnd() + "\n";
}

function count(bytes) {
  return bytes.toLocaleString("en-US");
}

if (check) {
  // Compressors differ between versions of Node, so what is compared is what comes out of them.
  for (const [name, bytes] of outputs) {
    const file = path.join(out, `${name}.gz`);
    if (!existsSync(file) || !gunzipSync(readFileSync(file)).equals(bytes)) faults.push(`${name}.gz is not what the build makes`);
  }
  if (readFileSync(path.join(out, "manifest.json"), "utf8") !== files.get("manifest.json")) faults.push("manifest.json differs");
} else if (faults.length === 0) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const [name, bytes] of compressed) writeFileSync(path.join(out, name), bytes);
  for (const [name, text] of files) writeFileSync(path.join(out, name), text);
}
console.log(rows.join("\n"));
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
