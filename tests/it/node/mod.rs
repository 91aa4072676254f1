//! The modules of Node and CommonJS, as programs see them.

mod deno;

use crate::town::Town;

/// One program of many cases, each a line, against what Node itself printed for it.
#[tokio::test]
async fn the_modules_of_node_do_what_they_do_in_node() {
    let town = Town::root().await;
    town.val("behaviour", include_str!("behaviour.ts")).await;
    let (status, text) = town.run("behaviour").await;
    assert_eq!(status, 200, "{text}");
    let expected = include_str!("behaviour.expected").trim_end();
    let pairs = text.lines().zip(expected.lines());
    for (ours, theirs) in pairs {
        assert_eq!(ours, theirs, "ours on the left, Node's on the right");
    }
    assert_eq!(text.lines().count(), expected.lines().count());
}

/// Answers of a program, each by a path; the program is the third of each row.
async fn answers(table: &[(&str, &str, &str)]) {
    let town = Town::root().await;
    for (name, expected, code) in table {
        town.val(name, code).await;
        let (status, text) = town.run(name).await;
        assert_eq!((status, text.as_str()), (200, *expected), "{name}");
    }
}

#[tokio::test]
async fn a_program_has_what_node_gives_by_name_and_without_import() {
    answers(&[
        (
            "bare-names",
            r#"["aGk=","a/b","function",true]"#,
            r#"import { Buffer } from "buffer";
            import { join } from "path";
            import EventEmitter from "events";
            import events from "node:events";
            export default () => Response.json([Buffer.from("hi").toString("base64"), join("a", "b"), typeof EventEmitter, EventEmitter === events]);"#,
        ),
        (
            "globals",
            r#"["6869",true,"v24.0.0",["nextTick","microtask","immediate"]]"#,
            r#"import process from "node:process";
            export default async () => {
              const order: string[] = [];
              await new Promise<void>((resolve) => {
                setImmediate(() => { order.push("immediate"); resolve(); });
                clearImmediate(setImmediate(() => order.push("cleared")));
                process.nextTick((word: string) => order.push(word), "nextTick");
                queueMicrotask(() => order.push("microtask"));
              });
              return Response.json([Buffer.from("hi").toString("hex"), globalThis.process === process && global === globalThis, process.version, order]);
            };"#,
        ),
        (
            "named-and-whole",
            "true",
            r#"import * as all from "node:util";
            import whole, { inspect } from "node:util";
            export default async () => Response.json(all.default === whole && whole.inspect === inspect && (await import("node:util")).inspect === inspect);"#,
        ),
        (
            "what-there-is-not",
            r#"["http.createServer is not available here: export a handler, and use fetch for requests","ENOENT","EROFS","ERR_PROCESS_EXIT"]"#,
            r#"import http, { Agent, STATUS_CODES } from "node:http";
            import "node:https"; import { connect } from "node:net"; import "node:tls"; import { exec } from "child_process"; import { Worker } from "worker_threads"; import zlib from "node:zlib";
            import { readFileSync, writeFileSync } from "node:fs";
            const code = (act: () => unknown, key = "code") => { try { return act(); } catch (error) { return (error as any)[key]; } };
            export default () => Response.json([
              code(() => http.createServer(), "message"), code(() => readFileSync("none.txt")), code(() => writeFileSync("a", "b")), code(() => process.exit(1)),
            ]);"#,
        ),
    ])
    .await;
}

#[tokio::test]
async fn each_request_has_its_own_async_local_storage() {
    let town = Town::root().await;
    let code = r#"import { AsyncLocalStorage } from "node:async_hooks";
    const current = new AsyncLocalStorage<string>();
    const waiting: (() => void)[] = [];
    // Two requests meet here, so each goes on while the other's is the newest.
    const meet = () => new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 2) for (const go of waiting.splice(0)) go();
    });
    const stream = (text: string) => new ReadableStream({ async pull(controller) { await null; controller.enqueue(new TextEncoder().encode(text)); controller.close(); } });
    export default async (request: Request) => {
      const before = current.getStore();
      return current.run(new URL(request.url).searchParams.get("name")!, async () => {
        await meet();
        const seen = [before, current.getStore()];
        await new Response(stream("x")).text();
        seen.push(current.getStore());
        await meet();
        setTimeout(meet, 0);
        seen.push(current.getStore());
        return Response.json(seen);
      });
    };"#;
    town.val("als", code).await;
    let one = town.text("/run/alice/als/?name=one");
    let two = town.text("/run/alice/als/?name=two");
    let (one, two) = tokio::join!(one, two);
    assert_eq!(one, (200, r#"[null,"one","one","one"]"#.into()));
    assert_eq!(two, (200, r#"[null,"two","two","two"]"#.into()));
}

const COMMON_JS: &str = r#"import { loader } from "town:kernel";
const cjs = (source, imports) => ({ type: "cjs", source, imports });
export default (request) => loader.load({
  main: "https://p.test/main.ts",
  modules: {
    "https://p.test/main.ts": { type: "ts", imports: { lib: "https://p.test/lib/index.js", esm: "https://p.test/esm.js" }, source: `
      import lib, { add, late, bytes } from "lib";
      import * as all from "lib";
      import fn from "./fn.cjs";
      import down from "./transpiled.cjs";
      export default () => Response.json({
        added: add(1, 2), late, bytes, same: lib.add === add, names: Object.keys(all).sort(), fn: fn(4), of: fn.of,
        missing: lib.missing, esm: lib.esm, circle: lib.circle, file: lib.file, transpiled: down.default,
        deep: [lib.deep, ...lib.texts],
      });` },
    "https://p.test/lib/index.js": cjs(`#!/usr/bin/env node
      "use strict";
      const { join } = require("path");
      const data = require("./data.json");
      const esm = require("esm");
      exports.add = (a, b) => a + b;
      exports.late = require("./late").value + data.word;
      exports.bytes = Buffer.from("ab").length + require("node:buffer").Buffer.from("c").length;
      exports.esm = [esm.default, esm.named, esm.__esModule];
      exports.file = [__filename, __dirname, require.resolve("./late"), module.id === __filename, this === exports];
      try { require("nowhere"); } catch (error) { exports.missing = error.message; }
      try { require("../deep.cjs"); } catch (error) { exports.deep = error.name; }
      const deep = "x=" + "[".repeat(9000) + "]".repeat(9000);
      exports.texts = [() => Function(deep), () => (0, eval)(deep), () => Function("a=" + deep, "")].map((run) => { try { return run(); } catch (error) { return error.name; } });
      exports.circle = require("./circle-a").seen;
      Object.defineProperty(exports, "__esModule", { value: true });
    `, { esm: "https://p.test/esm.js" }),
    "https://p.test/lib/data.json": { type: "json", source: '{ "word": "!" }' },
    "https://p.test/lib/late.js": cjs(`module.exports = { value: "late" };`),
    "https://p.test/lib/circle-a.js": cjs(`exports.early = 1; exports.seen = require("./circle-b").seen;`),
    "https://p.test/lib/circle-b.js": cjs(`const a = require("./circle-a"); exports.seen = [a.early, a.seen === undefined];`),
    "https://p.test/deep.cjs": cjs("x=" + "[".repeat(9000) + "]".repeat(9000)),
    "https://p.test/fn.cjs": cjs(`module.exports = (n) => n * 2; module.exports.of = "fn";`),
    "https://p.test/transpiled.cjs": cjs(`exports.__esModule = true; exports.default = "d";`),
    "https://p.test/esm.js": { type: "js", source: `import { named } from "./deeper.js"; export { named }; export default "default";` },
    "https://p.test/deeper.js": { type: "js", source: `export const named = "named";` },
  },
}).fetch(request)"#;

#[tokio::test]
async fn common_js_modules_require_each_other_and_give_names_to_importers() {
    let town = Town::root().await;
    town.val("common", COMMON_JS).await;
    let (status, text) = town.run("common").await;
    assert_eq!(status, 200, "{text}");
    let seen: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let lib = "https://p.test/lib";
    let expected = serde_json::json!({
        "added": 3, "late": "late!", "bytes": 3, "same": true, "fn": 8, "of": "fn",
        "names": ["__esModule", "add", "bytes", "circle", "deep", "default", "esm", "file", "late", "missing", "texts"],
        "missing": format!("Module not found: nowhere, imported from {lib}/index.js"),
        "esm": ["default", "named", true],
        "circle": [1, true],
        "file": [format!("{lib}/index.js"), lib, format!("{lib}/late.js"), true, true],
        "transpiled": "d",
        "deep": ["SyntaxError", "SyntaxError", "SyntaxError", "SyntaxError"],
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn files_of_a_program_that_are_data_can_be_read() {
    let town = Town::root().await;
    let main = r#"import "./a.txt" with { type: "text" };
    import config from "./config.json" with { type: "json" };
    import wasm from "./add.wasm" with { type: "bytes" };
    import { existsSync, readFileSync } from "node:fs";
    import { readFile } from "node:fs/promises";
    const added = async (made) => (await made).instance.exports.add(2, 3);
    export default async () => Response.json([
      await added(WebAssembly.instantiate(wasm)), await added(WebAssembly.instantiate(await Deno.readFile("add.wasm"))),
      await added(WebAssembly.instantiateStreaming(fetch(new URL("./add.wasm", import.meta.url)))),
      readFileSync("a.txt", "utf8"), readFileSync(new URL("./a.txt", import.meta.url)).length, await readFile("/a.txt", { encoding: "hex" }),
      JSON.parse(await Deno.readTextFile("./config.json")).word === config.word, (await Deno.readFile("a.txt")).length,
      existsSync("a.txt"), existsSync("b.txt"), await Deno.readTextFile("b.txt").catch((error) => [error.name, error instanceof Deno.errors.NotFound]),
    ]);"#;
    let add = r#"(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))"#;
    let add = wat::parse_str(add).expect("the module is well-formed");
    let add = String::from_utf8(add).expect("it has small numbers only");
    let files = [
        ("main.ts", "http", main),
        ("add.wasm", "file", &add),
        ("a.txt", "file", "text"),
        ("config.json", "file", r#"{ "word": "w" }"#),
    ];
    town.val_of("reading", &files).await;
    let expected = r#"[5,5,5,"text",4,"74657874",true,4,true,false,["NotFound",true]]"#;
    assert_eq!(town.run("reading").await, (200, expected.into()));
}
