//! What ordinary libraries do to names they inherit still works beside frozen intrinsics.

use serde_json::{Value, json};

use super::Arena;

/// Each is an expression that must be true.
const PATTERNS: &[(&str, &str)] = &[
    (
        "an emitter gets methods of its own, by class, by function and by assignment",
        "(() => { const { EventEmitter } = events; class A extends EventEmitter { constructor() { super(); this.on = 1; } } function B() { EventEmitter.call(this); } util.inherits(B, EventEmitter); B.prototype.emit = () => 'mine'; const o = Object.assign(Object.create(EventEmitter.prototype), { once: 2 }); return new A().on === 1 && new B().emit() === 'mine' && o.once === 2; })()",
    ),
    (
        "the settings of Node's modules are set",
        "(() => { events.EventEmitter.defaultMaxListeners = 20; events.EventEmitter.defaultMaxListeners = 10; events.EventEmitter.captureRejections = false; http.globalAgent.maxSockets = 5; util.inspect.defaultOptions.depth = 4; const deep = util.inspect.defaultOptions.depth; util.inspect.defaultOptions = { depth: 2, stylize: 1 }; return deep === 4 && util.inspect.defaultOptions.depth === 2; })()",
    ),
    (
        "a module of Node is copied and the copy is changed",
        "(() => { const mine = { ...util, inspect: () => 'mine' }; mine.format = () => 'mine'; return mine.inspect() === mine.format(); })()",
    ),
    (
        "a constructor's prototype gets a toString",
        "(() => { function F() {} F.prototype.toString = () => 'F'; return `${new F()}` === 'F'; })()",
    ),
    (
        "an object gets a property that it inherits",
        "(() => { const o = {}; o.hasOwnProperty = 1; o.constructor = 2; return o.hasOwnProperty === 1 && Object.keys(o).length === 2; })()",
    ),
    (
        "an error gets a name and a message",
        "(() => { const e = new TypeError('x'); e.name = 'Mine'; e.message = 'y'; return String(e) === 'Mine: y'; })()",
    ),
    (
        "a class of errors by the old way",
        "(() => { function E(m) { this.message = m; } E.prototype = Object.create(Error.prototype); E.prototype.constructor = E; E.prototype.name = 'E'; const e = new E('m'); return e instanceof Error && String(e) === 'E: m'; })()",
    ),
    (
        "a subclass of errors sets its name",
        "(() => { class E extends Error { constructor(m) { super(m); this.name = 'E'; } } return String(new E('m')) === 'E: m'; })()",
    ),
    (
        "an array gets a method of its own",
        "(() => { const a = [1]; a.push = () => 'mine'; a.concat = 1; return a.push(2) === 'mine' && a.length === 1; })()",
    ),
    (
        "a function gets a call of its own, and a toString",
        "(() => { const f = () => {}; f.call = 1; f.toString = () => 'f'; return f.call === 1 && `${f}` === 'f'; })()",
    ),
    (
        "a subclass of a built-in class sets what it inherits",
        "(() => { class M extends Map { constructor() { super(); this.get = () => 'mine'; } } return new M().get() === 'mine'; })()",
    ),
    (
        "a subclass of a promise, with a then of its own",
        "(() => { const p = Promise.resolve(1); p.then = (f) => f('mine'); let got; p.then((v) => { got = v; }); return got === 'mine'; })()",
    ),
    (
        "Object.assign over inherited names",
        "(() => Object.assign({}, { toString: () => 'x', valueOf: () => 1 }).toString() === 'x')()",
    ),
    (
        "an object by null prototype, and a dictionary with names like those of methods",
        "(() => { const d = Object.create(null); d.toString = 1; const o = {}; for (const k of ['constructor', 'toString', 'valueOf']) o[k] = k; return o.valueOf === 'valueOf'; })()",
    ),
    (
        "a request gets a field by a router",
        "(() => { const r = new Request('http://a/'); r.params = { id: 1 }; r.query = {}; return r.params.id === 1; })()",
    ),
    (
        "a URL subclass and a fake Response",
        "(() => { class U extends URL { toString() { return 'u'; } } return `${new U('http://a/')}` === 'u'; })()",
    ),
    (
        "an event gets a property that its class has",
        "(() => { const e = new Event('x'); e.detail = 1; return e.detail === 1; })()",
    ),
    (
        "the length of stacks is set",
        "(() => { const { stackTraceLimit } = Error; Error.stackTraceLimit = 0; Error.stackTraceLimit = stackTraceLimit; return true; })()",
    ),
    (
        "the environment is written to",
        "(() => { process.env.NODE_ENV = 'test'; return true; })()",
    ),
    (
        "a name is added to the global object and to Reflect",
        "(() => { globalThis.__mine = 1; Reflect.defineMetadata = () => 1; return __mine === 1 && Reflect.defineMetadata() === 1; })()",
    ),
    (
        "names of the global object are taken over where they are missing",
        "(() => { globalThis.fetch ??= 1; globalThis.process ||= 1; if (typeof globalThis.queueMicrotask !== 'function') globalThis.queueMicrotask = 1; return typeof fetch === 'function'; })()",
    ),
    (
        "a built-in method is described as a value",
        "(() => { const d = Object.getOwnPropertyDescriptor(Array.prototype, 'map'); return d.value === Array.prototype.map && !d.writable; })()",
    ),
    (
        "what a program froze itself stays as it says",
        "(() => { const p = Object.freeze({ a: 1 }); const o = Object.create(p); try { o.a = 2; } catch { return o.a === 1; } return false; })()",
    ),
    (
        "a shared object is not changed by assigning below it",
        "(() => { const o = {}; o.toString = () => 'mine'; return `${{}}` === '[object Object]'; })()",
    ),
];

#[tokio::test]
async fn what_libraries_do_to_inherited_names_works() {
    let arena = Arena::start().await;
    let cases: Vec<String> = PATTERNS
        .iter()
        .map(|(name, code)| format!("[{}, () => {code}]", json!(name)))
        .collect();
    let library = format!(
        "import events from 'node:events'; import http from 'node:http'; import util from 'node:util'; \
         export const failed = () => [{}].filter(([, works]) => {{ try {{ return works() !== true; }} catch (error) {{ return true; }} }}).map(([name]) => name);",
        cases.join(",\n")
    );
    let main = "import { failed } from 'lib'; export const run = () => failed();";
    let modules = json!({
        "main": { "type": "js", "source": main },
        "lib": { "type": "js", "source": library },
    });
    let failed = arena.run(modules).await;
    assert_eq!(failed, Value::Array(Vec::new()));
    assert!(PATTERNS.len() > 20);
}

// As vals and polyfills do in Deno.
#[tokio::test]
async fn a_program_changes_built_in_objects_where_no_library_is() {
    let arena = Arena::start().await;
    let change = "export const run = () => { try { \
        BigInt.prototype.toJSON = function () { return `${this}`; }; \
        Array.prototype.last = function () { return this[this.length - 1]; }; \
        return JSON.stringify([1n, [1, 2].last()]); } catch (error) { return error.name; } };";
    let alone = json!({ "main": { "type": "js", "source": change } });
    assert_eq!(arena.run(alone).await, json!("[\"1\",2]"));
    let library = json!({ "type": "js", "source": "export const frozen = () => Object.isFrozen(Array.prototype);" });
    let among = json!({
        "main": { "type": "js", "source": format!("import 'lib'; {change}") },
        "lib": library,
    });
    assert_eq!(arena.run(among).await, json!("TypeError"));
    // One that nobody foresaw finds all frozen as it was left.
    let late = "export const run = async () => { Array.prototype.mine = 1; \
        const before = Object.isFrozen(Array.prototype); const lib = await import(name()); \
        return [before, lib.frozen(), [].mine, Object.isFrozen(Array.prototype)]; }; \
        const name = () => 'li' + 'b';";
    let late = json!({ "main": { "type": "js", "source": late } });
    let seen = arena.run_with_late(late, json!({ "lib": library })).await;
    assert_eq!(seen, json!([false, true, 1, true]));
}

// Nobody else looks there in a program whose modules are all its author's; with a library it is the
// library that would be deceived, and that deceives.
#[tokio::test]
async fn a_program_replaces_global_names_where_no_library_is() {
    let arena = Arena::start().await;
    let wrap = "export const run = () => { \
        const before = fetch; \
        try { globalThis.fetch = () => 'wrapped'; } catch (error) { return error.name; } \
        const seen = fetch(); globalThis.fetch = before; return seen; };";
    let alone = json!({ "main": { "type": "js", "source": wrap } });
    assert_eq!(arena.run(alone).await, json!("wrapped"));
    let imports = format!("import 'lib'; {wrap}");
    let among = json!({
        "main": { "type": "js", "source": imports },
        "lib": { "type": "js", "source": "export default 1;" },
    });
    assert_eq!(arena.run(among).await, json!("TypeError"));
    let late = format!("await import('lib'); {wrap}");
    let among = json!({
        "main": { "type": "js", "source": late },
        "lib": { "type": "js", "source": "export default 1;" },
    });
    assert_eq!(arena.run(among).await, json!("TypeError"));
}
