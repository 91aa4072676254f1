/** What programs expect of the language: a line each, `ok` or what was seen instead. */
const out: string[] = [];
const t = async (name: string, f: () => unknown) => { try { const r = await f(); out.push((r === true ? "ok   " : "BAD  ") + name + (r === true ? "" : " " + JSON.stringify(r))); } catch (e) { out.push("ERR  " + name + " " + e); } };
// As V8 reads them, with UTC for what says no zone.
const DATES: [string, number][] = [
  ["Thu, 01 Jan 1970 00:00:01 GMT", 1000],
  ["Jan 1 1970 00:00:02 UTC", 2000],
  ["1970-01-01", 0],
  ["1/1/1970", 0],
  ["1970-01-01 00:00:03", 3000],
  ["January 5, 2020 10:00 PM", 1578261600000],
  ["2020-01-01T00:00:00+02:00", 1577829600000],
  ["Tue Mar 01 2022 12:00:00 GMT+0100 (CET)", 1646132400000],
  ["5 Feb 99", 918172800000],
  ["2020/02/03 4:05", 1580702700000],
  ["Feb 2020", 1580515200000],
  ["March 7", 983923200000],
  ["12/25/95 3:04:05.678 am", 819860645678],
  ["2020-1-2", 1577923200000],
  ["2011-10-10 14:48:00.5 +0200", 1318250880500],
  ["Mon, 25 Dec 1995 13:30:00 EST", 819916200000],
  ["1995 Dec 17 03:24", 819170640000],
  ["not a date", NaN],
  ["", NaN],
  ["12:30", NaN],
  ["Dec 32 2020", NaN],
  ["13/13/2020", NaN],
  ["2020-01-01 25:00", NaN],
  ["1 2 3 4", NaN],
  ["Sat, 5 Oct 2013 20:00:00 -0700", 1381028400000],
  ["2013-10-05 8:00 PM PST", 1381032000000],
  ["(comment) 1 Jan 2000", 946684800000],
  ["20200101", NaN],
  ["5", 988675200000],
  ["0", 946684800000],
  ["13", NaN],
  ["49", 2493072000000],
  ["99", 915148800000],
  ["999999", NaN],
  ["Jan 1 2000 12:00 PM", 946728000000],
  ["Jan 1 2000 12:00 AM", 946684800000],
  ["12 AM", NaN],
];
const G: any = globalThis;
export async function main() {
  await t("Symbol.dispose", () => typeof Symbol.dispose === "symbol" && typeof Symbol.asyncDispose === "symbol");
  await t("DisposableStack", () => { const l: any[] = []; { using s = new G.DisposableStack(); s.defer(() => l.push(1)); s.use({ [Symbol.dispose]() { l.push(2); } }); s.adopt(3, (v: any) => l.push(v)); } return l.join() === "3,2,1"; });
  await t("AsyncDisposableStack", async () => { const l: any[] = []; { await using s = new G.AsyncDisposableStack(); s.defer(async () => { await null; l.push(1); }); s.use({ [Symbol.dispose]() { l.push(2); } }); } return l.join() === "2,1"; });
  await t("SuppressedError", () => { try { using a = { [Symbol.dispose]() { throw 2; } }; throw 1; } catch (e: any) { return e instanceof G.SuppressedError && e.error === 2 && e.suppressed === 1; } });
  await t("Array.fromAsync", async () => (await G.Array.fromAsync((async function* () { yield 1; yield 2; })(), (x: number) => x * 2)).join() === "2,4");
  await t("Error.captureStackTrace", () => { const o: any = {}; G.Error.captureStackTrace(o); return typeof o.stack === "string"; });
  await t("Error.stackTraceLimit", () => typeof G.Error.stackTraceLimit === "number");
  await t("Error.isError", () => G.Error.isError(new TypeError()) && !G.Error.isError({ __proto__: Error.prototype }));
  await t("stack header", () => /^TypeError: msg\n    at /.test(new TypeError("msg").stack!));
  // All modules share `Error`, so nobody is shown what others throw; libraries that set it run on.
  await t("prepareStackTrace", () => { G.Error.prepareStackTrace = (_: any, sites: any) => sites; try { return Array.isArray(new Error("x").stack); } finally { G.Error.prepareStackTrace = undefined; } });
  await t("ArrayBuffer.transfer", () => { const a = new Uint8Array([1, 2]).buffer as any; const b = a.transfer(4); return a.detached && b.byteLength === 4 && new Uint8Array(b)[1] === 2 && typeof b.transferToFixedLength === "function"; });
  await t("Iterator helpers", () => [1, 2, 3].values().map((x) => x * 2).filter((x) => x > 2).toArray().join() === "4,6" && typeof G.Iterator.from === "function");
  await t("Iterator.concat", () => typeof G.Iterator.concat === "function");
  await t("Promise.try", async () => (await (Promise as any).try(() => 1)) === 1);
  await t("Promise.withResolvers", () => typeof Promise.withResolvers === "function");
  await t("RegExp.escape", () => (RegExp as any).escape("a.b") === "\\x61\\.b");
  await t("RegExp v", () => new RegExp("[\\p{L}--[a-z]]", "v").test("A") && !new RegExp("[\\p{L}--[a-z]]", "v").test("a"));
  await t("RegExp modifiers", () => new RegExp("(?i:a)b").test("Ab"));
  await t("RegExp dup names", () => new RegExp("(?<y>a)|(?<y>b)").exec("b")!.groups!.y === "b");
  await t("RegExp d", () => (/a(b)/d.exec("ab") as any).indices[1].join() === "1,2");
  await t("lookbehind", () => "a1b2".replace(/(?<=b)\d/, "x") === "a1bx");
  await t("unicode props", () => /\p{Emoji}/u.test("😀") && /\p{Script=Greek}/u.test("α"));
  await t("Set methods", () => [...new Set([1, 2]).union(new Set([3]))].join() === "1,2,3");
  await t("Object.groupBy", () => Object.groupBy([1, 2], (x: number) => x > 1 ? "b" : "a").b!.length === 1 && Map.groupBy([1], (x) => x).size === 1);
  await t("Math.f16round", () => (Math as any).f16round(1.337) === 1.3369140625 && typeof G.Float16Array === "function");
  await t("Math.sumPrecise", () => typeof (Math as any).sumPrecise === "function");
  await t("Uint8Array base64", () => (new Uint8Array([1]) as any).toBase64() === "AQ==" && (Uint8Array as any).fromHex("ff")[0] === 255);
  await t("toSorted etc", () => [2, 1].toSorted().join() === "1,2" && [1].with(0, 2)[0] === 2 && [1, 2, 3].findLast((x) => x < 3) === 2 && [1].at(-1) === 1);
  await t("Array iterator", () => Object.fromEntries(new Map([["a", 1]])).a === 1 && "ab".at(-1) === "b");
  await t("String wellformed", () => "a".isWellFormed() && "\ud800".toWellFormed() === "\ufffd");
  await t("structuredClone error", () => structuredClone(new RangeError("q")) instanceof RangeError);
  await t("Temporal", () => G.Temporal.PlainDate.from("2024-02-29").add({ years: 1 }).toString() === "2025-02-28");
  await t("Temporal zoned", () => G.Temporal.Instant.from("2024-07-01T00:00Z").toZonedDateTimeISO("America/New_York").hour === 20);
  await t("normalize", () => "é".normalize("NFD").length === 2);
  await t("WeakRef", () => new WeakRef({ a: 1 }).deref()!.a === 1);
  await t("Atomics", () => Atomics.add(new Int32Array(new SharedArrayBuffer(4)), 0, 1) === 0);
  await t("Date parse", () => DATES.map(([text, time]) => Number.isNaN(time) ? Number.isNaN(Date.parse(text)) : Date.parse(text) === time && +new Date(text) === time || [text, Date.parse(text)]).filter((same) => same !== true).join() === "" || DATES.map(([text]) => [text, Date.parse(text)]));
  await t("Date", () => { class Day extends Date {} const d = new Date("Jan 1 1970 00:00:02 UTC"); return d instanceof Date && d.constructor === Date && +d === 2000 && new Day("1/2/1970") instanceof Day && +new Day("1/2/1970") === 864e5 && Date.length === 7 && Date.name === "Date" && typeof Date() === "string" && +new Date(1970, 0, 2) === 864e5 && Date.UTC(1970, 0) === 0 && Object.prototype.toString.call(d) === "[object Date]" && +structuredClone(d) === 2000 && Math.abs(+new Date() - Date.now()) < 1e4; });
  await t("new Function", () => new Function("a", "return a+1")(1) === 2);
  await t("label/with", () => { outer: for (const a of [1, 2]) for (const b of [1]) { if (a === 1) continue outer; return b === 1; } });
  await t("class static", () => { class A { static #p = 1; static { (A as any).q = A.#p; } static has(o: any) { return #p in o; } } return (A as any).q === 1 && A.has(A); });
  await t("accessor", () => { class A { accessor x = 1; static accessor y = 2; } const a = new A(); a.x = 5; return a.x === 5 && A.y === 2; });
  await t("decorators", () => { const log: any[] = []; const d = (v: any, c: any) => { log.push(c.kind, c.name); if (c.kind === "method") return function (this: any, ...a: any[]) { return v.apply(this, a) + 1; }; if (c.kind === "field") return (x: any) => x * 2; }; @d class A { @d m() { return 1; } @d f = 4; @d accessor g = 1; } const a = new A(); return a.m() === 2 && a.f === 8 && log.join() === "method,m,accessor,g,field,f,class,A"; });
  await t("getter memo", () => { function g(o: any) { return o.s; } const a = { get s() { const v = { n: 1 }; Object.defineProperty(this, "s", { value: v }); return v; } }; g(a); return g(a).n === 1; });
  await t("tagged template", () => ((s: TemplateStringsArray, ...v: any[]) => s.raw.join("|") + v)`a\n${1}b` === "a\\n|b1");
  await t("generators", () => { function* g() { try { const x = yield 1; yield x * 2; } finally { yield 9; } } const i = g(); i.next(); return i.next(4).value === 8 && i.return(0 as any).value === 9; });
  await t("async gen", async () => { const l = []; for await (const x of (async function* () { yield* [1, Promise.resolve(2)]; })()) l.push(x); return l.join() === "1,2"; });
  await t("opt chain", () => { const o: any = { a: { b() { return this.c; }, c: 5 } }; return o?.a?.b() === 5 && o.x?.y.z() === undefined && (o.n ??= 3) === 3; });
  await t("BigInt", () => (2n ** 64n).toString() === "18446744073709551616" && BigInt.asIntN(8, 255n) === -1n);
  await t("JSON", () => JSON.stringify({ a: 1n <= 2, d: new Date(0), u: undefined }) === '{"a":true,"d":"1970-01-01T00:00:00.000Z"}' && JSON.parse('{"__proto__":1}').__proto__ === 1);
  await t("JSON.parse source", () => JSON.parse("[1.0]", ((k: any, v: any, c: any) => k === "0" ? c?.source : v) as any)[0] === "1.0");
  await t("Error cause", () => new Error("a", { cause: 1 }).cause === 1 && new AggregateError([1]).errors[0] === 1);
  await t("Map.getOrInsert", () => typeof (Map.prototype as any).getOrInsert === "function");
  await t("globalThis", () => typeof globalThis.self === "object");
  await t("substr/escape", () => "abc".substr(-2, 1) === "b" && escape("ü") === "%FC" && unescape("%FC") === "ü");
  await t("Map removal", () => { const m = new Map(Array.from({ length: 100 }, (_, i) => [i, i])); for (let i = 0; i < 90; i++) m.delete(i); m.delete(99); m.set(3, 3); m.delete(95); return m.size === 9 && [...m.keys()].join() === "90,91,92,93,94,96,97,98,3" && m.keys().next().value === 90 && !m.has(95) && m.get(98) === 98; });
  await t("Map removal while read", () => { const m = new Map([[1, 1], [2, 2], [3, 3], [4, 4]]); const seen: number[] = []; for (const k of m.keys()) { seen.push(k); m.delete(k); if (k === 2) { m.delete(3); m.set(5, 5); } } return seen.join() === "1,2,4,5" && m.size === 0 && [...m].length === 0; });
  await t("Set removal", () => { const s = new Set(Array.from({ length: 60 }, (_, i) => i)); for (const v of s) if (v % 2) s.delete(v); s.add(1); s.delete(0); return s.size === 30 && [...s].join() === Array.from({ length: 29 }, (_, i) => 2 * i + 2).join() + ",1" && s.union(new Set([7])).size === 31 && !s.isSubsetOf(new Set([2])) && new Set([1]).isSubsetOf(s) && new Set().size === 0; });
  await t("process by another name", () => { const global: any = globalThis; const { AsyncLocalStorage } = global.process.getBuiltinModule("node:async_hooks"); return new AsyncLocalStorage().run(1, () => 2) === 2 && global.process.getBuiltinModule("fs") === undefined && global.process.getBuiltinModule("none") === undefined; });
  await t("RegExp source", () => [/a\/b/, new RegExp("a/b"), new RegExp("a\\/b"), new RegExp("[/\\]/]\\\\/"), new RegExp("\n|\\\n"), new RegExp("")].map((r) => r.source).join(" ") === "a\\/b a\\/b a\\/b [/\\]/]\\\\\\/ \\n|\\n (?:)");
  await t("lastIndex", () => { const r = /a/g; Object.defineProperty(r, "lastIndex", { writable: false }); try { r.lastIndex = 3; } catch (e) { return e instanceof TypeError && r.lastIndex === 0 && Object.freeze(/a/).test("a"); } return false; });
  await t("JSON of any shape", () => { let deep: any = 0; for (let i = 0; i < 4000; i++) deep = i % 2 ? [deep] : { deep }; const text = JSON.stringify(deep); return JSON.stringify(JSON.parse(text)) === text && JSON.parse('"\\ud800"') === "\ud800" && JSON.stringify("\ud800\u20ac") === '"\\ud800\u20ac"' && JSON.stringify({ d: [new Date(0), , undefined], m: new Map(), e: new Error("x"), b: Buffer.from("a") }, null, 1).replace(/\s/g, "") === '{"d":["1970-01-01T00:00:00.000Z",null,null],"m":{},"e":{},"b":{"type":"Buffer","data":[97]}}'; });
  await t("removal from objects", () => [20, 100, 3000].every((count) => {
    const o: any = { get a() { return this.k1; }, z: 0 };
    for (let i = 0; i < count; i++) o["k" + i] = i;
    Object.defineProperty(o, "g", { get: () => 7, configurable: true, enumerable: true });
    o[Symbol.iterator] = o.last = "last";
    const read = () => [o.a, o.k5, o.k7, o.g, o.last];
    read(), read();
    const kept = [...Array(count).keys()].filter((i) => i % 3 === 1);
    for (let i = 0; i < count; i++) if (i % 3 !== 1) delete o["k" + i];
    delete o.z, delete o.g;
    o.g = 8, o.k0 = -1;
    const keys = ["a", ...kept.map((i) => "k" + i), "last", "g", "k0"];
    const was = read().join() === "1,,7,8,last" && Object.keys(o).join() === keys.join() && kept.every((i) => o["k" + i] === i) && o[Symbol.iterator] === "last";
    Object.defineProperty(o, "k1", { get: () => 11, configurable: true });
    for (const key of keys.slice(3).reverse()) delete o[key];
    o.fresh = 1;
    return was && Reflect.ownKeys(o).map(String).join() === "a,k1,k4,fresh,Symbol(Symbol.iterator)" && o.a === 11 && o.k4 === 4 && o.fresh === 1 && !("last" in o) && JSON.stringify({ ...o }) === '{"a":11,"k1":11,"k4":4,"fresh":1}';
  }));
  await t("freezing what was written", () => { const set = (o: any, v: number) => { o.x = v; }; const large: any = {}; for (let i = 0; i < 3000; i++) large["k" + i] = i; return [{ x: 0 }, Object.assign(large, { x: 0 }), class { static x = 0; }, Object.assign(() => 1, { x: 0 })].every((o: any) => { set(o, 1), set(o, 2), Object.freeze(o); try { set(o, 3); } catch { return o.x === 2; } return false; }); });
  await t("Map emptied", () => { const m = new Map(); for (let i = 0; i < 50; i++) { m.set(i, i); if (i > 2) m.delete(m.keys().next().value); } const n = [...m.keys()]; m.clear(); m.set("a", 1); return n.join() === "47,48,49" && m.size === 1 && [...m.keys()].join() === "a"; });
  await t("grown strings", () => { const a = "a".repeat(5000); let b = a + "b"; const kept = b; const c = b + "c", d = b + "dd", e = c + "\u20ac"; b += "x"; for (let i = 0; i < 3000; i++) b += i % 10; return kept.length === 5001 && c.endsWith("bc") && d.endsWith("abdd") && e.endsWith("bc\u20ac") && e.length === 5003 && b.length === 8002 && b.slice(5000, 5005) === "bx012" && c.indexOf("c") === 5001 && `${e}-${c}`.endsWith("bc") && (() => { let s = e; s = `${s}1`; const u = s; s = `${s}2`; return u.endsWith("\u20ac1") && s.endsWith("\u20ac12") && new Map([[s, 1]]).get(e + "12") === 1; })(); });
  await t("splice and unshift", () => { const a: any[] = [1, 2, 3]; const n = a.unshift(0, "z"); const cut = a.splice(1, 2, 1.5, {} as any, 9); const f = [1.5, 2.5]; f.unshift(3); const h = [1, , 3]; h.unshift(0); const frozen = Object.freeze([1]); let threw = false; try { (frozen as any).unshift(2); } catch { threw = true; } const i = [1, 2, 3, 4]; i.splice(1, 1); i.splice(-1); class L extends Array {} const l = L.from([1, 2]) as any; l.unshift(0); return n === 5 && cut.join() === "z,1" && JSON.stringify(a) === '[0,1.5,{},9,2,3]' && f.join() === "3,1.5,2.5" && !(2 in h) && h.length === 4 && threw && frozen.length === 1 && i.join() === "1,3" && l.length === 3 && l.join() === "0,1,2" && [].splice(0).length === 0; });
  await t("sticky and anchored", () => { const y = /b/y; y.lastIndex = 1; const u = /\u{1F600}/uy; u.lastIndex = 1; return y.test("abc") && y.lastIndex === 2 && !y.test("abc") && y.lastIndex === 0 && u.test("a\u{1F600}") && /^b/.exec("ab") === null && /^b/m.test("a\nb") && /(?<=a)b/y.exec("b") === null && "aab".replace(/a/y, "x") === "xab" && "xaab".replace(/a/gy, "-") === "xaab" && (() => { const g = /^a/g; g.lastIndex = 1; return g.exec("aa") === null; })() && /(a)|b/y.exec("b")![1] === undefined; });
  await t("RegExp split", () => [[/,/, "a,b,,c"], [/\s*/, "a b"], [/(?:)/u, "😀a"], [/(a)|b/, "xaybz"], [/(?=b)/, "abab"], [/$/, "ab"], [/x*/y, "axb"], [/,/g, ""], [/(?:)/, ""]].map(([by, text]: any) => text.split(by).join("|")).join(" ") === "a|b||c a|b 😀|a x|a|y||z a|ba|b ab a|b  " && "a,b,c".split(/,/, 2).join() === "a,b" && "abc".split(/(?:)/, 0).length === 0);
  return out.join("\n");
}
export default async () => new Response(await main());
