/**
 * Ordinary handlers, as one writes them for Deno, Workers and Val Town, each called with the requests beside it. What
 * they answer is one line for each request; `handlers.expected` is what Deno 2.9 answers. To make that anew: write what
 * `main()` resolves with, run by `deno run -A`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Buffer } from "node:buffer";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { promisify } from "node:util";

type Handler = (request: Request) => Response | Promise<Response>;
const encoder = new TextEncoder();
const hex = (bytes: ArrayBuffer | Uint8Array) => Array.from(new Uint8Array(bytes as ArrayBuffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const get = (path: string, headers: HeadersInit = {}) => new Request(new URL(path, "https://vals.example/"), { headers });
const post = (path: string, body: BodyInit, headers: HeadersInit = {}) => new Request(new URL(path, "https://vals.example/"), { method: "POST", body, headers });

const cases: [string, Handler, () => Request[] | Promise<Request[]>][] = [];
const handler = (name: string, handle: Handler, requests: () => Request[] | Promise<Request[]>) => void cases.push([name, handle, requests]);

// ---- Routing, parameters, content negotiation
const routes: [string, URLPattern, (match: URLPatternResult, request: Request) => Response | Promise<Response>][] = [
  ["GET", new URLPattern({ pathname: "/posts/:id(\\d+)" }), (match) => Response.json({ id: Number(match.pathname.groups.id) })],
  ["GET", new URLPattern({ pathname: "/files/*" }), (match) => new Response(`file ${decodeURIComponent(match.pathname.groups[0]!)}`)],
  ["POST", new URLPattern({ pathname: "/posts{/}?" }), async (_, request) => Response.json(await request.json(), { status: 201, headers: { location: "/posts/7" } })],
  ["GET", new URLPattern({ pathname: "/search", search: "q=:q" }), (match) => new Response(match.search.groups.q)],
];
handler("router", async (request) => {
  const allowed = new Set<string>();
  for (const [method, pattern, handle] of routes) {
    const match = pattern.exec(request.url);
    if (!match) continue;
    if (method === request.method) return handle(match, request);
    allowed.add(method);
  }
  return allowed.size ? new Response(null, { status: 405, headers: { allow: [...allowed].join(", ") } }) : new Response("Not found", { status: 404 });
}, () => [get("/posts/42"), get("/posts/x"), get("/files/a%20b/c.txt"), post("/posts/", '{"t":"é"}'), post("/posts/1", "{}"), get("/search?q=x")]);

handler("negotiation", (request) => {
  const wanted = (request.headers.get("accept") ?? "*/*").split(",").map((part) => {
    const [type, ...parameters] = part.trim().split(";").map((word) => word.trim());
    return { type, q: Number(parameters.find((word) => word.startsWith("q="))?.slice(2) ?? 1) };
  }).sort((a, b) => b.q - a.q);
  const type = wanted.find(({ type }) => ["application/json", "text/html", "*/*"].includes(type!))?.type;
  if (!type) return new Response(null, { status: 406, statusText: "Not Acceptable" });
  return type === "text/html" ? new Response("<p>hi</p>", { headers: { "content-type": "text/html; charset=utf-8", vary: "accept" } }) : Response.json({ hi: true }, { headers: { vary: "accept" } });
}, () => [get("/", { accept: "text/html;q=0.8, application/json" }), get("/", { accept: "text/html" }), get("/", { accept: "image/png" }), get("/")]);

handler("cookies", (request) => {
  const cookies = Object.fromEntries((request.headers.get("cookie") ?? "").split("; ").filter(Boolean).map((pair) => pair.split(/=(.*)/s, 2)));
  const headers = new Headers({ "content-type": "text/plain" });
  headers.append("set-cookie", `visits=${Number(cookies.visits ?? 0) + 1}; Path=/; HttpOnly; SameSite=Lax`);
  headers.append("set-cookie", "theme=dark; Max-Age=31536000");
  return new Response(JSON.stringify([cookies, headers.getSetCookie().length, [...headers].map(([name]) => name)]), { headers });
}, () => [get("/"), get("/", { cookie: "visits=3; session=a=b=c" })]);

handler("cors", (request) => {
  const cors = { "access-control-allow-origin": request.headers.get("origin") ?? "*", "access-control-allow-methods": "GET, POST" };
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors });
  const answer = Response.json({ ok: true });
  for (const [name, value] of Object.entries(cors)) answer.headers.set(name, value);
  return answer;
}, () => [new Request("https://vals.example/", { method: "OPTIONS", headers: { origin: "https://a.example" } }), get("/")]);

handler("redirects", (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/old") return Response.redirect(new URL("/new?from=old", request.url), 301);
  if (pathname === "/bad") return Response.redirect("https://vals.example/", 200);
  return new Response([...searchParams.keys()].sort().join());
}, () => [get("/old"), get("/new?b=1&a=2&b=3"), get("/bad")]);

handler("etag", async (request) => {
  const body = "the same every time";
  const etag = `"${hex(await crypto.subtle.digest("SHA-1", encoder.encode(body))).slice(0, 12)}"`;
  return request.headers.get("if-none-match") === etag ? new Response(null, { status: 304, headers: { etag } }) : new Response(body, { headers: { etag, "cache-control": "max-age=60" } });
}, () => [get("/"), get("/", { "if-none-match": '"9d427d4cd0a3"' })]);

handler("ranges", (request) => {
  const bytes = encoder.encode("0123456789abcdef");
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (!match) return new Response(bytes, { headers: { "accept-ranges": "bytes" } });
  const [, from, to] = match;
  const start = from === "" ? bytes.length - Number(to) : Number(from), end = from === "" || to === "" ? bytes.length : Number(to) + 1;
  if (start >= end || start >= bytes.length) return new Response(null, { status: 416 });
  return new Response(bytes.subarray(start, end), { status: 206, headers: { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` } });
}, () => [get("/"), get("/", { range: "bytes=2-5" }), get("/", { range: "bytes=-3" }), get("/", { range: "bytes=99-" })]);

// ---- Bodies
handler("form", async (request) => {
  const form = await request.formData();
  const file = form.get("file");
  return Response.json({ names: [...new Set(form.keys())], tags: form.getAll("tag"), file: file instanceof File ? [file.name, file.type, file.size, await file.text()] : file, has: form.has("none") });
}, () => {
  const form = new FormData();
  form.append("tag", "a"), form.append("tag", "b & c"), form.set("file", new File(["{\"a\":1}"], "naïve name.json", { type: "application/json" }));
  return [post("/", form), post("/", new URLSearchParams([["tag", "ä b"], ["tag", "100%"], ["file", "none"]]))];
});

handler("bad-bodies", async (request) => {
  const outcome = async (read: () => Promise<unknown>) => { try { return await read(); } catch (error) { return (error as Error).constructor.name; } };
  const copy = request.clone();
  return Response.json([await outcome(() => request.json()), request.bodyUsed, await outcome(() => request.text()), await outcome(() => copy.formData())]);
}, () => [post("/", "{"), post("/", "a=1"), post("/", new Uint8Array([0xff, 0x7b]))]);

handler("upper-stream", (request) => new Response(request.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new TransformStream<string, string>({
  transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()), flush: (controller) => controller.enqueue("!"),
})).pipeThrough(new TextEncoderStream()), { headers: { "content-type": "text/plain;charset=UTF-8" } }), () => [post("/", "straße \u{1f600}")]);

handler("ndjson", async (request) => {
  let rest = "", sum = 0, lines = 0;
  for await (const chunk of request.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    for (const line of parts.filter(Boolean)) lines++, sum += JSON.parse(line).n;
  }
  return Response.json({ lines, sum, rest });
}, () => [post("/", Array.from({ length: 500 }, (_, n) => `{"n":${n}}\n`).join("") + "left")]);

handler("events", () => {
  let count = 0;
  return new Response(new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (++count > 3) return controller.close();
      controller.enqueue(encoder.encode(`id: ${count}\nevent: tick\ndata: ${JSON.stringify({ count })}\n\n`));
    },
  }), { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } });
}, () => [get("/")]);

handler("tee", async (request) => {
  const [left, right] = request.body!.tee();
  const count = (async () => { let n = 0; const reader = left.getReader(); for (let read; !(read = await reader.read()).done; ) n += read.value.length; return n; })();
  const digest = crypto.subtle.digest("SHA-256", await new Response(right).arrayBuffer());
  return new Response(`${await count} ${hex(await digest).slice(0, 16)}`);
}, () => [post("/", "a".repeat(70_000))]);

handler("gzip", async (request) => {
  const packed = new Blob(["compress me ".repeat(200)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const broken = await new Response(new Blob([bytes.slice(0, 20)]).stream().pipeThrough(new DecompressionStream("gzip"))).text().catch((error) => error.constructor.name);
  return Response.json([bytes[0], bytes[1], bytes.length < 100, text.length, broken, request.headers.has("content-encoding")]);
}, () => [get("/")]);

// ---- Secrets
handler("webhook", async (request) => {
  const secret = await crypto.subtle.importKey("raw", encoder.encode("s3cret"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const body = await request.text();
  const [, signature] = /^sha256=([0-9a-f]{64})$/.exec(request.headers.get("x-hub-signature-256") ?? "") ?? [];
  const mine = createHmac("sha256", "s3cret").update(body).digest();
  const ok = signature !== undefined && await crypto.subtle.verify("HMAC", secret, Uint8Array.from(signature.match(/../g)!, (pair) => parseInt(pair, 16)), encoder.encode(body));
  return new Response(`${ok} ${signature !== undefined && timingSafeEqual(mine, Buffer.from(signature, "hex"))}`, { status: ok ? 200 : 401 });
}, () => [post("/", '{"a":1}', { "x-hub-signature-256": "sha256=" + createHmac("sha256", "s3cret").update('{"a":1}').digest("hex") }), post("/", "{}", { "x-hub-signature-256": "sha256=" + "0".repeat(64) }), post("/", "{}")]);

handler("tokens", async () => {
  const base64url = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]) as CryptoKeyPair;
  const signed = `${base64url(encoder.encode('{"alg":"ES256"}'))}.${base64url(encoder.encode('{"sub":"é"}'))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, encoder.encode(signed));
  const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const again = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  const valid = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, again, signature, encoder.encode(signed));
  return Response.json([valid, signature.byteLength, [jwk.kty, jwk.crv, jwk.x!.length], pair.privateKey.usages, again.algorithm, Object.prototype.toString.call(again)]);
}, () => [get("/")]);

handler("sealed", async () => {
  const base = await crypto.subtle.importKey("raw", encoder.encode("password"), "PBKDF2", false, ["deriveKey"]);
  const key = await crypto.subtle.deriveKey({ name: "PBKDF2", salt: encoder.encode("salt"), iterations: 1000, hash: "SHA-256" }, base, { name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encoder.encode("v1") }, key, encoder.encode("hello"));
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: encoder.encode("v1") }, key, sealed);
  const wrong = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: encoder.encode("v2") }, key, sealed).catch((error) => `${error.name} ${error instanceof DOMException}`);
  return Response.json([hex(sealed), new TextDecoder().decode(opened), wrong, hex(await crypto.subtle.exportKey("raw", key) as ArrayBuffer).slice(0, 16)]);
}, () => [get("/")]);

handler("ids", () => {
  const id = crypto.randomUUID(), bytes = crypto.getRandomValues(new Uint32Array(4));
  const large = (() => { try { crypto.getRandomValues(new Uint8Array(65537)); } catch (error) { return (error as Error).name; } })();
  return Response.json([/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id), new Set(bytes).size, large, randomBytes(8).length, createHash("md5").update("a").digest("base64")]);
}, () => [get("/")]);

// ---- Time, cancelling, events
handler("timeouts", async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  controller.signal.addEventListener("abort", () => seen.push("heard"), { once: true });
  const slow = (signal: AbortSignal) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 5000, "late");
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
  });
  setTimeout(() => controller.abort(new RangeError("enough")), 2);
  const first = await slow(AbortSignal.any([controller.signal, AbortSignal.timeout(4000)])).catch((error) => `${error.name}: ${error.message}`);
  const second = await slow(AbortSignal.timeout(2)).catch((error) => `${error.name} ${error.code}`);
  const third = (() => { try { AbortSignal.abort().throwIfAborted(); } catch (error) { return (error as Error).name; } })();
  return Response.json([first, second, third, seen, await fetch("data:,x", { signal: AbortSignal.abort() }).catch((error) => error.name)]);
}, () => [get("/")]);

handler("emitters", async () => {
  const target = new EventTarget(), seen: unknown[] = [];
  target.addEventListener("x", { handleEvent(event: Event) { seen.push((event as CustomEvent).detail, event.target === target, event.eventPhase); } } as EventListenerObject);
  target.addEventListener("x", (event) => event.preventDefault(), { once: true });
  seen.push(target.dispatchEvent(new CustomEvent("x", { detail: 1, cancelable: true })), target.dispatchEvent(new CustomEvent("x", { detail: 2, cancelable: true })));
  const emitter = new EventEmitter();
  setTimeout(() => emitter.emit("ready", "now", 3), 1);
  seen.push(await once(emitter, "ready"), await promisify((text: string, done: (error: null, value: string) => void) => done(null, text + "!"))("yes"));
  return Response.json(seen);
}, () => [get("/")]);

const context = new AsyncLocalStorage<{ id: string; log: string[] }>();
const log = (line: string) => context.getStore()?.log.push(`${context.getStore()!.id} ${line}`);
handler("context", (request) => context.run({ id: request.headers.get("x-id")!, log: [] }, async () => {
  log("begin");
  await Promise.all([new Promise<void>((resolve) => setTimeout(() => { log("timer"); resolve(); }, 1)), Promise.resolve().then(() => log("job"))]);
  queueMicrotask(() => log("micro"));
  for await (const part of Readable.from(["a", "b"])) log(part);
  return new Response(context.getStore()!.log.join("; "));
}), () => [get("/", { "x-id": "1" }), get("/", { "x-id": "2" })]);

handler("channel", async () => {
  const { port1, port2 } = new MessageChannel();
  const buffer = new Uint8Array([1, 2, 3]).buffer;
  const answer = new Promise<unknown>((resolve) => port2.onmessage = (event) => resolve(event.data));
  const map = new Map<unknown, unknown>([["date", new Date(0)], [1n, new Set([/x/gi])], ["error", new TypeError("t", { cause: 1 })]]);
  port1.postMessage({ map, buffer, self: undefined }, [buffer]);
  const { map: copy, buffer: moved } = await answer as { map: Map<unknown, any>; buffer: ArrayBuffer };
  port1.close();
  const refused = (() => { try { structuredClone(() => 1); } catch (error) { return [(error as DOMException).name, (error as DOMException).code]; } })();
  return Response.json([copy.get("date").toISOString(), [...copy.get(1n)].map(String), copy.get("error") instanceof TypeError, copy.get("error").cause, buffer.byteLength, moved.byteLength, refused]);
}, () => [get("/")]);

// ---- Text and data
handler("templates", (request) => {
  const escaped: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  const html = (strings: TemplateStringsArray, ...values: unknown[]) => String.raw({ raw: strings }, ...values.map((value) => Array.isArray(value) ? value.join("") : String(value).replace(/[&<>"]/g, (found) => escaped[found]!)));
  const { searchParams } = new URL(request.url);
  const rows = [...searchParams].map(([name, value]) => html`<li title="${name}">${value}</li>`);
  return new Response(html`<ul>${rows}</ul>`, { headers: { "content-type": "text/html" } });
}, () => [get("/?a=%3Cb%3E&c=%22%26%22")]);

handler("dates", (request) => {
  const at = new Date(new URL(request.url).searchParams.get("at")!);
  if (Number.isNaN(at.getTime())) return Response.json({ error: "no date" }, { status: 400 });
  const zone = { timeZone: "America/New_York" };
  return Response.json([at.toISOString(), at.toUTCString(), at.toLocaleDateString("en-US", { dateStyle: "long", ...zone }), at.toLocaleTimeString("de-DE", zone),
    new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", ...zone }).format(at),
    new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-1, "day"), (1234567.891).toLocaleString("en-US", { style: "currency", currency: "EUR" })]);
}, () => [get("/?at=2024-02-29T23:30:00Z"), get("/?at=soon")]);

handler("csv", async (request) => {
  const rows = (await request.text()).trimEnd().split(/\r?\n/).map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell]) => cell!.replace(/^"|"$/g, "").replaceAll('""', '"')).slice(0, 3));
  const [head, ...body] = rows;
  const groups = Object.groupBy(body.map((cells) => Object.fromEntries(head!.map((name, index) => [name, cells[index]]))), (row) => row.kind!);
  return Response.json(Object.entries(groups).map(([kind, list]) => [kind, list!.toSorted((a, b) => Number(b.n) - Number(a.n)).map((row) => row.name)]));
}, () => [post("/", 'kind,name,n\r\nfruit,"apple, ""red""",3\r\nfruit,pear,5\r\nroot,carrot,1\r\n')]);

handler("encodings", async (request) => {
  const bytes = await request.bytes();
  const words = ["utf-8", "windows-1252", "shift_jis", "utf-16le"].map((label) => new TextDecoder(label).decode(bytes.subarray(0, 4)));
  const strict = (() => { try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch (error) { return (error as Error).name; } })();
  const into = new Uint8Array(5), { read, written } = encoder.encodeInto("a€\u{1f600}", into);
  return Response.json([words, strict, read, written, atob("aGk="), (() => { try { btoa("€"); } catch (error) { return (error as Error).name; } })(), Buffer.from("hi€").toString("base64url"), bytes.toHex?.() ?? Buffer.from(bytes).toString("hex")]);
}, () => [post("/", new Uint8Array([0x83, 0x65, 0xe9, 0x41]))]);

handler("urls", (request) => {
  const url = new URL("../b/./c?x=1#y", request.url);
  url.searchParams.append("x", "ä &"), url.searchParams.sort(), url.port = "8443", url.username = "u:ser", url.hash = "";
  return Response.json([url.href, url.origin, URL.canParse("//nope"), URL.parse("http://[::1]:80/")?.host, new URL("http://münchen.example/ß").href, String(new URLSearchParams({ a: "1", b: "~!'()*" })), [...new URLSearchParams("?a=1&a=2&b")].length, url.searchParams.size]);
}, () => [get("/a/deep/path?q")]);

// ---- What goes wrong
handler("errors", async (request) => {
  const { pathname } = new URL(request.url);
  const tell = (error: unknown): unknown => error instanceof AggregateError ? [error.name, error.errors.map(tell)] : error instanceof Error ? `${error.name}: ${error.message}${error.cause ? ` <- ${tell(error.cause)}` : ""}` : String(error);
  try {
    if (pathname === "/cause") try { JSON.parse("["); } catch (cause) { throw new Error("config", { cause: (cause as Error).name }); }
    if (pathname === "/any") await Promise.any([Promise.reject(new RangeError("a")), Promise.reject("b")]);
    if (pathname === "/settled") return Response.json((await Promise.allSettled([Promise.reject(new URIError("u")), 2])).map((one) => one.status));
    class HttpError extends Error { override name = "HttpError"; constructor(public status: number, message: string) { super(message); } }
    if (pathname === "/class") throw new HttpError(418, "teapot");
    if (pathname === "/null") return await fetch("data:text/plain,%zz").then((answer) => answer.text()).then((text) => new Response(text));
    (null as unknown as { a: { b: 1 } }).a.b;
  } catch (error) {
    return Response.json(error instanceof TypeError ? error.constructor.name : tell(error), { status: (error as { status?: number }).status ?? 500 });
  }
  return new Response();
}, () => ["/cause", "/any", "/settled", "/class", "/null", "/"].map((path) => get(path)));

handler("statuses", async () => {
  const outcome = (make: () => Response) => { try { const { status, statusText, ok, type, body, headers } = make(); return [status, statusText, ok, type, body === null, headers.get("content-type")]; } catch (error) { return (error as Error).constructor.name; } };
  const used = new Response("x");
  await used.text();
  return Response.json([() => new Response(), () => new Response("x", { status: 204 }), () => new Response(null, { status: 199 }), () => Response.error(), () => Response.json(1), () => Response.json(undefined), () => new Response(new URLSearchParams("a=1")), () => new Response(new Blob(["a"], { type: "A/B" })),
    () => new Response("x", { statusText: "é\u{1f600}" }), () => new Response("", { headers: { "bad name": "x" } }), () => used.clone(), () => new Response(used.body)].map(outcome));
}, () => [get("/")]);

// Vals as people write them: an object with `fetch`, and one that goes through classes, generators and disposal.
const worker = { count: 0, async fetch(request: Request, env: { GREETING: string }) { return new Response(`${env.GREETING} ${new URL(request.url).searchParams.get("name") ?? "world"} ${++this.count}`); } };
handler("worker", (request) => worker.fetch(request, { GREETING: "hello" }), () => [get("/"), get("/?name=J%C3%B6rg")]);

handler("language", () => {
  const order: string[] = [];
  class Lock implements Disposable { constructor(private name: string) { order.push(`open ${name}`); } [Symbol.dispose]() { order.push(`close ${this.name}`); } }
  class Queue<T> { #items: T[] = []; static { order.push("static"); } push(...items: T[]) { this.#items.push(...items); return this; } *[Symbol.iterator]() { while (this.#items.length) yield this.#items.shift()!; } get size() { return this.#items.length; } static of<T>(...items: T[]) { return new this<T>().push(...items); } has(other: object) { return #items in other; } }
  { using _outer = new Lock("a"); using _inner = new Lock("b"); }
  const queue = Queue.of(1, 2, 3), [first, ...others] = queue;
  const { a = 1, ...more } = { b: 2, c: { d: 3 } } as Record<string, any>;
  const tag = (strings: TemplateStringsArray, ...values: number[]) => strings.raw.join("|") + values;
  label: for (const x of [1, 2, 3]) for (const y of [1, 2, 3]) { if (y === 2) continue label; if (x === 3) break label; order.push(`${x}${y}`); }
  return Response.json([order, first, others, queue.size, queue.has({}), a, more, more.c?.d ?? 0, more.e?.f.g, tag`x${1}\n${2}`, 2n ** 70n + "", [3, 1, 2].toSorted().with(0, 9).at(-1), "a-b".replaceAll("-", "+"), Object.fromEntries(new Map([["k", [1, [2, [3]]].flat(2)]])), structuredClone(new Set([1])).size, Array.from("a\u{1f600}").length, "ﬀ".normalize("NFKC"), [..."ab"].entries().map(([i, c]) => c + i).toArray(), 0.1 + 0.2, (25).toString(36), parseFloat("1e3x"), [1, 2, 3].findLast((n) => n < 3), new Date(2020, 1, 30).getMonth(), isNaN(Date.parse("x")), encodeURIComponent("ä/ "), "x".padEnd(3, "-"), typeof globalThis, ((...rest: number[]) => Math.max(...rest))(1, 5, 3)]);
}, () => [get("/")]);

const SHOWN = ["content-type", "location", "allow", "set-cookie", "etag", "cache-control", "vary", "content-range", "access-control-allow-origin"];
/** A line for each answer. */
export async function main(): Promise<string> {
  const lines: string[] = [];
  for (const [name, handle, requests] of cases) {
    for (const request of await requests()) {
      const head = `${name} ${request.method} ${new URL(request.url).pathname}`;
      try {
        const answer = await handle(request);
        const headers = SHOWN.filter((header) => answer.headers.has(header)).map((header) => `${header}=${answer.headers.get(header)!.replace(/boundary=.*/, "boundary")}`);
        lines.push(`${head}: ${[answer.status, answer.statusText, ...headers].filter((part) => part !== "").join(" ")} ${JSON.stringify(await answer.text())}`);
      } catch (error) {
        lines.push(`${head}: ${(error as Error).name}`);
      }
    }
  }
  return lines.join("\n");
}
export default async () => new Response(await main());
