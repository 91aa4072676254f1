//! Libraries as npm has them, bundled unchanged: what programs are made of must run. `scripts/test` installs
//! them in `tests/npm/`, with exact numbers. Expected answers are those of Node.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::town::Town;

/// What a program's file becomes with everything it imports.
fn bundle(name: &str, source: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm");
    let esbuild = folder.join("node_modules/.bin/esbuild");
    assert!(
        esbuild.exists(),
        "the packages are not installed: run scripts/test, or `npm ci` in tests/npm"
    );
    let mut process = Command::new(esbuild)
        .args([
            "--bundle",
            "--format=esm",
            "--target=esnext",
            "--platform=neutral",
        ])
        .args([
            "--main-fields=module,main",
            "--conditions=workerd,worker,edge-light",
        ])
        .args([
            "--external:node:*",
            "--loader=tsx",
            "--jsx=automatic",
            "--log-level=error",
        ])
        .arg("--define:process.env.NODE_ENV=\"production\"")
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("esbuild starts");
    let mut stdin = process.stdin.take().expect("stdin is piped");
    stdin.write_all(source.as_bytes()).expect("esbuild reads");
    drop(stdin);
    let output = process.wait_with_output().expect("esbuild ends");
    assert!(output.status.success(), "{name} does not bundle");
    String::from_utf8(output.stdout).expect("esbuild writes UTF-8")
}

/// Runs the program of each row, and compares what it answers.
async fn answers(rows: &[(&str, &str, &str)]) {
    let town = Town::root().await;
    for (name, source, expected) in rows {
        let code = bundle(name, source);
        town.val_of(name, &[("main.js", "http", &code)]).await;
        let (status, text) = town.run(name).await;
        assert_eq!((status, text.as_str()), (200, *expected), "{name}");
    }
}

#[tokio::test]
async fn frameworks_and_their_helpers_serve() {
    answers(&[
        (
            "hono",
            r#"import { Hono } from "hono";
            import { cors } from "hono/cors"; import { logger } from "hono/logger"; import { etag } from "hono/etag"; import { html } from "hono/html";
            import { getCookie, setCookie, setSignedCookie, getSignedCookie } from "hono/cookie"; import { basicAuth } from "hono/basic-auth"; import { jwt, sign } from "hono/jwt";
            import { streamText, streamSSE } from "hono/streaming"; import { validator } from "hono/validator"; import { HTTPException } from "hono/http-exception";
            import { secureHeaders } from "hono/secure-headers"; import { timing } from "hono/timing"; import { contextStorage, getContext } from "hono/context-storage";
            const app = new Hono();
            app.use(cors(), logger(() => {}), secureHeaders(), timing(), contextStorage());
            app.get("/text/:id{[0-9]+}", (c) => c.text(`id ${c.req.param("id")}`));
            app.get("/html", (c) => c.html(html`<b>${"<x>"}</b>`));
            app.get("/etag", etag(), (c) => c.text("tagged"));
            app.get("/cookie", async (c) => { setCookie(c, "a", "b", { httpOnly: true }); await setSignedCookie(c, "s", "v", "secret"); return c.json(getCookie(c)); });
            app.use("/basic", basicAuth({ username: "u", password: "p" })); app.get("/basic", (c) => c.text("in"));
            app.use("/jwt", jwt({ secret: "k", alg: "HS256" })); app.get("/jwt", (c) => c.json(c.get("jwtPayload")));
            app.post("/form", validator("form", (value, c) => value), async (c) => c.json(c.req.valid("form")));
            app.get("/stream", (c) => streamText(c, async (s) => { await s.write("a"); await s.sleep(1); await s.writeln("b"); }));
            app.get("/sse", (c) => streamSSE(c, async (s) => { await s.writeSSE({ data: "d", event: "e", id: "1" }); }));
            app.get("/context", (c) => { c.set("word", "stored"); return (async () => { await null; return c.text(getContext().get("word")); })(); });
            app.get("/throw", () => { throw new HTTPException(418, { message: "tea" }); });
            app.route("/sub", new Hono().get("/x", (c) => c.text(c.req.path)));
            app.notFound((c) => c.text("none", 404));
            export default async () => {
              const seen = [];
              const ask = async (path, init) => { const r = await app.request(path, init); seen.push([path, r.status, (await r.text()).trim()]); return r; };
              await ask("/text/12"); await ask("/text/x"); await ask("/html"); const tagged = await ask("/etag");
              await ask("/etag", { headers: { "if-none-match": tagged.headers.get("etag") } }); const cookie = await ask("/cookie", { headers: { cookie: "x=y" } });
              seen.push(cookie.headers.getSetCookie()[0]); await ask("/basic"); await ask("/basic", { headers: { authorization: "Basic " + btoa("u:p") } });
              await ask("/jwt"); await ask("/jwt", { headers: { authorization: "Bearer " + await sign({ sub: "me" }, "k", "HS256") } });
              const body = new FormData(); body.set("f", "v"); await ask("/form", { method: "POST", body }); await ask("/stream"); await ask("/sse"); await ask("/context"); await ask("/throw"); await ask("/sub/x");
              return Response.json(seen);
            };"#,
            include_str!("hono.expected"),
        ),
        (
            "itty",
            r#"import { AutoRouter, error, json, cors } from "itty-router";
            const { preflight, corsify } = cors();
            const router = AutoRouter({ before: [preflight], finally: [corsify] });
            router.get("/hello/:name", ({ name }) => `Hello, ${name}!`).get("/json", () => ({ a: 1 })).get("/bad", () => error(400, "no")).all("*", () => error(404));
            export default async () => Response.json(await Promise.all(["/hello/x", "/json", "/bad", "/none"].map(async (path) => { const r = await router.fetch(new Request("http://x" + path)); return [r.status, await r.text()]; })));"#,
            include_str!("itty.expected"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn pages_are_rendered() {
    answers(&[
        (
            "react",
            r#"import { renderToString, renderToStaticMarkup, renderToReadableStream } from "react-dom/server";
            import { Suspense, use, useId, useState, useMemo, createContext, useContext, memo, forwardRef } from "react";
            const Theme = createContext("light");
            const Item = memo(({ word }) => { const theme = useContext(Theme); const id = useId(); const [n] = useState(() => word.length); return <li id={id} className={theme} style={{ marginTop: 4 }}>{word} {n}{"<"}</li>; });
            const List = ({ words }) => <ul>{useMemo(() => words.map((word) => <Item key={word} word={word} />), [words])}</ul>;
            const Late = ({ promise }) => <p>{use(promise)}</p>;
            export default async () => {
              const page = <Theme.Provider value="dark"><List words={["a", "bb"]} /><input disabled value="x" readOnly /></Theme.Provider>;
              const late = new Promise((resolve) => setTimeout(() => resolve("late"), 5));
              const stream = await renderToReadableStream(<html><body><Suspense fallback={<i>wait</i>}><Late promise={late} /></Suspense></body></html>);
              const chunks = []; for await (const chunk of stream.pipeThrough(new TextDecoderStream())) chunks.push(chunk);
              return Response.json([renderToString(page), renderToStaticMarkup(page), chunks.length > 1, chunks.join("").includes("wait"), chunks.join("").includes("<p>late</p>")]);
            };"#,
            include_str!("react.expected"),
        ),
        (
            "preact",
            r#"/** @jsxImportSource preact */
            import { render } from "preact-render-to-string"; import { useState } from "preact/hooks"; import { createContext } from "preact"; import { useContext } from "preact/hooks";
            const C = createContext(1);
            const Counter = () => { const [n] = useState(3); return <button onClick={() => {}} class="a" data-n={n}>{n}{useContext(C)} & {"<b>"}</button>; };
            export default () => new Response(render(<C.Provider value={2}><div><Counter /><img src="x" /></div></C.Provider>));"#,
            "<div><button class=\"a\" data-n=\"3\">32 &amp; &lt;b></button><img src=\"x\"/></div>",
        ),
        (
            "marked",
            r##"import { marked } from "marked";
            export default async () => new Response(await marked.parse("# T\n\n*a* **b** `c` [l](http://x \"t\")\n\n- 1\n- 2\n  - 3\n\n> q\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n```js\nlet x = 1 < 2;\n```\n\n<div>raw</div>\n"));"##,
            include_str!("marked.expected"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn tools_compute_the_same() {
    answers(&[
        (
            "zod",
            r#"import { z } from "zod";
            const User = z.object({ name: z.string().min(2), age: z.coerce.number().int().positive().optional(), email: z.email(), tags: z.array(z.enum(["a", "b"])).default([]), at: z.iso.datetime().optional(), kind: z.discriminatedUnion("t", [z.object({ t: z.literal("x"), n: z.number() }), z.object({ t: z.literal("y") })]) }).strict();
            export default () => Response.json([
              User.parse({ name: "Al", age: "5", email: "a@b.co", kind: { t: "x", n: 1 } }), User.safeParse({ name: "A", email: "x", extra: 1, kind: { t: "z" } }).error.issues.map((i) => [i.code, i.path.join("."), i.message]),
              z.string().transform((s) => s.length).pipe(z.number().max(3)).safeParse("abcd").success, z.record(z.string(), z.number()).parse({ a: 1 }), z.toJSONSchema(z.object({ a: z.string().describe("d") })), z.lazy(() => z.array(z.string())).parse(["q"]), z.templateLiteral(["id-", z.number()]).safeParse("id-5").success,
            ]);"#,
            include_str!("zod.expected"),
        ),
        (
            "nanoid",
            r#"import { nanoid, customAlphabet } from "nanoid";
            export default () => Response.json([nanoid().length, /^[\w-]{10}$/.test(nanoid(10)), /^[ab]{5}$/.test(customAlphabet("ab", 5)()), nanoid() !== nanoid()]);"#,
            "[21,true,true,true]",
        ),
        (
            "hash-wasm",
            r#"import { sha256, md5, xxhash64, createSHA1, argon2id } from "hash-wasm";
            export default async () => {
              const hasher = await createSHA1();
              hasher.init(); hasher.update("a".repeat(100)); hasher.update(new Uint8Array([0, 255]));
              const password = await argon2id({ password: "pass", salt: new Uint8Array(16), parallelism: 1, iterations: 2, memorySize: 64, hashLength: 16, outputType: "hex" });
              return Response.json([await sha256("abc"), await md5(""), await xxhash64("abc"), hasher.digest("hex"), password]);
            };"#,
            r#"["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","d41d8cd98f00b204e9800998ecf8427e","44bc2cf5ad770999","f6bfc31f328c70074f7b140a6e742f6814b426bb","b44bdb42a32c92a2128bd712d6039d40"]"#,
        ),
        (
            "date-fns",
            r#"import { format, addMonths, differenceInDays, parseISO, formatDistance, startOfWeek, isBefore, eachDayOfInterval, intervalToDuration, parse } from "date-fns";
            const d = new Date(Date.UTC(2024, 1, 29, 13, 5, 9));
            export default () => Response.json([format(d, "yyyy-MM-dd'T'HH:mm:ss EEEE do MMMM, h aa, QQQ, w"), addMonths(d, 12).toISOString(), differenceInDays(new Date(0), d), parseISO("2020-02-03T04:05:06Z").getTime(), formatDistance(d, new Date(0)), startOfWeek(d).toISOString(), isBefore(new Date(0), d), eachDayOfInterval({ start: new Date(0), end: new Date(2 * 864e5) }).length, intervalToDuration({ start: new Date(0), end: d }), parse("12/31/1999", "MM/dd/yyyy", new Date(0)).toISOString()]);"#,
            include_str!("date-fns.expected"),
        ),
        (
            "lodash",
            r#"import _ from "lodash-es"; import { debounce, throttle } from "lodash-es";
            export default () => Response.json([_.chunk([1, 2, 3, 4, 5], 2), _.groupBy(["one", "two", "three"], "length"), _.cloneDeep({ a: [new Date(0), /x/g.source, { b: 1 }] }), _.merge({ a: { b: 1 } }, { a: { c: [2] } }), _.get({ a: [{ b: { c: 3 } }] }, "a[0].b.c"), _.sortBy([{ n: 2 }, { n: 1 }], "n"), _.uniqWith([{ a: 1 }, { a: 1 }], _.isEqual), _.camelCase("foo-bar baz"), _.kebabCase("fooBar"), _.template("hi <%= name %>!", { imports: {} }) !== undefined, _([1, 2, 3]).map((n) => n * n).filter((n) => n > 1).value(), _.isEqual(new Map([[1, { a: 2 }]]), new Map([[1, { a: 2 }]])), _.escape("<a&b>"), _.range(0, 10, 3), typeof debounce(() => {}, 1), typeof throttle(() => {}, 1), _.omit({ a: 1, b: 2 }, "a"), _.words("a bC d")]);"#,
            include_str!("lodash.expected"),
        ),
        (
            "jose",
            r#"import { SignJWT, jwtVerify, EncryptJWT, jwtDecrypt, base64url, decodeJwt, calculateJwkThumbprint, CompactSign, compactVerify } from "jose";
            const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
            export default async () => {
              const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: "HS256" }).setSubject("me").setIssuedAt(1).sign(secret);
              const { payload, protectedHeader } = await jwtVerify(token, secret);
              const bad = await jwtVerify(token.slice(0, -2) + "xx", secret).catch((error) => error.code);
              const sealed = await new EncryptJWT({ b: 2 }).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(secret);
              const opened = (await jwtDecrypt(sealed, secret)).payload;
              const late = await jwtVerify(await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setExpirationTime(5).sign(secret), secret).catch((error) => error.code);
              return Response.json([token, payload, protectedHeader, bad, opened, late, decodeJwt(token), await calculateJwkThumbprint({ kty: "oct", k: base64url.encode(secret) })]);
            };"#,
            include_str!("jose.expected"),
        ),
    ])
    .await;
}
