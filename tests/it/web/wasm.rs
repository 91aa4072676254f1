//! WebAssembly as programs see it: values, memory, references, errors, and what comes as a promise.

use super::{Page, check};

/// Calls that are nested as deep as they may be need more than a test has.
const STACK_BYTES: usize = 64 << 20;

/// Makes each module's bytes a constant of the script, and runs that.
#[track_caller]
fn check_with(modules: &[(&str, &str)], script: &str) {
    let script = with(modules, script);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let run = thread.spawn(move || check(&script));
    let ended = run.expect("a thread").join();
    assert!(ended.is_ok(), "the script failed");
}

fn with(modules: &[(&str, &str)], script: &str) -> String {
    let mut whole = String::from(
        "const make = (bytes, imports) => new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;\n\
         const isOf = (error, type) => ok(error instanceof type, `${error} is no ${type.name}`);\n\
         const fails = (type, action) => { try { action(); } catch (error) { return isOf(error, type); } ok(false, `${action} to fail`); };\n\
         const failsLater = (type, promise) => promise.then(() => ok(false, 'a rejection'), (error) => isOf(error, type));\n",
    );
    for (name, text) in modules {
        let bytes = wat::parse_str(text).expect("the module is well-formed");
        whole += &format!("const {name} = new Uint8Array({bytes:?});\n");
    }
    whole + script
}

#[test]
fn functions_take_and_give_values_of_each_kind() {
    check_with(
        &[(
            "values",
            r#"(module
              (import "js" "f" (func $f (param i32 i64 f32 f64 externref) (result f64)))
              (import "js" "two" (func $two (result i32 i64)))
              (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
              (func (export "long") (param i64) (result i64) local.get 0 i64.const 1 i64.add)
              (func (export "float") (param f32 f64) (result f32 f64) local.get 0 local.get 1)
              (func (export "many") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) local.get 9)
              (func (export "ref") (param externref) (result externref) local.get 0)
              (func (export "vector") (param v128))
              (func (export "out") (result f64)
                i32.const -1 i64.const -2 f32.const 0.5 f64.const nan ref.null extern call $f)
              (func (export "pair") (result i32 i64) call $two))"#,
        )],
        r#"
        const seen = [];
        const e = make(values, { js: { f: (...all) => { seen.push(...all); return "7.5"; }, two: () => new Set([3.9, 4n]) } });
        equal(e.add(2 ** 31 - 1, 1), -(2 ** 31));
        equal(e.add("5", { valueOf: () => 6.9 }), 11);
        equal(e.add(), 0);
        ok(e.long(2n ** 63n - 1n) === -(2n ** 63n), "64 bits wrap");
        fails(TypeError, () => e.long(1));
        fails(TypeError, () => e.add(1n, 1));
        fails(TypeError, () => e.vector());
        equal(e.float(0.1, 0.1), [Math.fround(0.1), 0.1]);
        equal(e.many(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 9);
        for (const value of [null, undefined, 0, -0, "s", Symbol.iterator, 1n, e, () => 1]) ok(Object.is(e.ref(value), value), "the same value");
        equal(e.out(), 7.5);
        ok(seen[0] === -1 && seen[1] === -2n && seen[2] === 0.5 && Number.isNaN(seen[3]) && seen[4] === null, "the arguments");
        ok(`${e.pair()}` === "3,4" && typeof e.pair()[1] === "bigint", "two results");
        equal([e.add.name, e.add.length, typeof e.add.prototype, e.add === e.add], ["2", 2, "undefined", true]);
        fails(TypeError, () => new e.add());
        equal(Object.keys(e), ["add", "long", "float", "many", "ref", "vector", "out", "pair"]);
        ok(Object.isFrozen(e) && Object.getPrototypeOf(e) === null, "exports are frozen");
        "#,
    );
}

#[test]
fn a_memory_and_its_buffer_are_the_same_bytes() {
    check_with(
        &[(
            "memory",
            r#"(module
              (import "js" "see" (func $see))
              (memory (export "memory") 1 4)
              (func (export "read") (param i32) (result i32) local.get 0 i32.load8_u)
              (func (export "write") (param i32 i32) local.get 0 local.get 1 i32.store8)
              (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
              (func (export "growAndSee") (result i32) i32.const 1 memory.grow call $see)
              (func (export "size") (result i32) memory.size))"#,
        )],
        r#"
        let see;
        const e = make(memory, { js: { see: () => see() } });
        let bytes = new Uint8Array(e.memory.buffer);
        bytes[3] = 200;
        equal(e.read(3), 200);
        e.write(65535, 7);
        equal([bytes[65535], bytes.length, e.memory.buffer === e.memory.buffer], [7, 65536, true]);

        const before = e.memory.buffer;
        equal([e.grow(1), before.byteLength, bytes.length, e.memory.buffer.byteLength], [1, 0, 0, 131072]);
        ok(before !== e.memory.buffer, "another buffer");
        bytes = new Uint8Array(e.memory.buffer);
        equal([bytes[3], bytes[65535], bytes[65536]], [200, 7, 0]);

        // Within a call, too.
        see = () => {
          equal([bytes.length, e.memory.buffer.byteLength], [0, 196608]);
          new Uint8Array(e.memory.buffer)[196607] = 9;
          equal(e.memory.grow(1), 3);
        };
        e.growAndSee();
        equal([e.read(196607), e.size(), e.grow(1), e.size()], [9, 4, -1, 4]);
        fails(RangeError, () => e.memory.grow(1));

        // Nobody but the memory detaches it.
        const { buffer } = e.memory;
        fails(TypeError, () => structuredClone(buffer, { transfer: [buffer] }));
        fails(TypeError, () => buffer.transfer());
        fails(TypeError, () => buffer.resize(1));
        equal([buffer.byteLength, structuredClone(buffer).byteLength, e.read(3)], [262144, 262144, 200]);

        // A buffer keeps its memory.
        let kept = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
        kept.fill(5);
        for (let i = 0; i < 40; i++) new WebAssembly.Memory({ initial: 16 });
        for (let i = 0; i < 40; i++) new Uint8Array(1 << 20);
        ok(kept.every((byte) => byte === 5), "its bytes");

        const shared = new WebAssembly.Memory({ initial: 1, maximum: 3, shared: true });
        ok(shared.buffer instanceof SharedArrayBuffer && Object.isFrozen(shared.buffer), "shared");
        new Uint8Array(shared.buffer)[1] = 4;
        equal([shared.grow(2), shared.buffer.byteLength, new Uint8Array(shared.buffer)[1]], [1, 196608, 4]);
        fails(RangeError, () => shared.grow(1));
        const part = new Uint8Array(shared.buffer, 4, 3);
        equal([new TextEncoder().encodeInto("é€", part).written, [...new Uint8Array(shared.buffer, 3, 5)].join()], [2, "0,195,169,0,0"]);
        fails(TypeError, () => crypto.getRandomValues(part));
        "#,
    );
}

#[test]
fn what_an_import_throws_comes_out_unchanged_and_traps_are_errors() {
    check_with(
        &[
            (
                "traps",
                r#"(module
                  (import "js" "f" (func $f (param i32) (result i32)))
                  (type $v (func))
                  (memory 1) (table 2 funcref)
                  (func (export "call") (param i32) (result i32) local.get 0 call $f)
                  (func $deep (export "deep") (result i32) call $deep i32.const 1 i32.add)
                  (func (export "unreachable") unreachable)
                  (func (export "divide") (param i32) (result i32) i32.const 1 local.get 0 i32.div_s)
                  (func (export "load") (result i32) i32.const -1 i32.load)
                  (func (export "indirect") i32.const 0 call_indirect (type $v))
                  (func (export "far") i32.const 9 call_indirect (type $v))
                  (func (export "trunc") (result i32) f64.const nan i32.trunc_f64_s)
                  (func (export "ok") (result i32) i32.const 42))"#,
            ),
            (
                "start",
                r#"(module (import "js" "f" (func $f)) (start $f))"#,
            ),
            (
                "data",
                r#"(module (memory 1) (data (i32.const 65536) "x"))"#,
            ),
        ],
        r#"
        const thrown = { any: "thing" };
        let f = () => { throw thrown; };
        const e = make(traps, { js: { f: (n) => f(n) } });
        let got;
        try { e.call(1); } catch (error) { got = error; }
        ok(got === thrown, "the very object");
        try { make(start, { js: { f() { throw thrown; } } }); } catch (error) { got = [error]; }
        ok(got[0] === thrown, "out of a start function");

        // In and out, many times over, and across an error in the middle.
        f = (n) => { if (n === 0) throw thrown; try { return e.call(n - 1); } catch (error) { if (n % 2) throw error; return n; } };
        equal(e.call(20), 2);
        f = (n) => e.call(n + 1);
        fails(RangeError, () => e.call(0));
        fails(RangeError, () => e.deep());
        for (const [name, message] of [["unreachable", "unreachable"], ["divide", "divide by zero"], ["load", "memory access out of bounds"],
          ["indirect", "null function or function signature mismatch"], ["far", "table index is out of bounds"], ["trunc", "float unrepresentable in integer range"]]) {
          try { e[name](); got = null; } catch (error) { got = error; }
          ok(got instanceof WebAssembly.RuntimeError && got instanceof Error && got.message === message, `${name}: ${got}`);
        }
        fails(WebAssembly.RuntimeError, () => make(data));
        equal(e.ok(), 42);
        const { CompileError } = WebAssembly;
        equal([String(CompileError("m")), new CompileError("m", { cause: 1 }).cause, CompileError.prototype.name, CompileError.length], ["CompileError: m", 1, "CompileError", 1]);
        ok(new CompileError("m").stack.includes("<main>"), new CompileError("m").stack);
        "#,
    );
}

#[test]
fn references_are_kept_and_are_the_same_again() {
    check_with(
        &[
            (
                "first",
                r#"(module
                  (table (export "table") 4 funcref)
                  (table $any (export "any") 2 externref)
                  (global (export "global") (mut externref) (ref.null extern))
                  (global (export "callee") (mut funcref) (ref.func 0))
                  (func $one (export "one") (result i32) i32.const 1)
                  (func $hidden (result i32) i32.const 2)
                  (elem (i32.const 0) $one $hidden)
                  (func (export "keep") (param i32 externref) local.get 0 local.get 1 table.set $any)
                  (func (export "kept") (param i32) (result externref) local.get 0 table.get $any)
                  (func (export "call") (param i32) (result i32) local.get 0 call_indirect (result i32)))"#,
            ),
            (
                "second",
                r#"(module
                  (import "a" "one" (func $one (result i32)))
                  (import "a" "table" (table 1 funcref))
                  (func $ten (result i32) i32.const 10 call $one i32.add)
                  (elem (i32.const 2) $ten)
                  (export "again" (func $one)) (export "table" (table 0)))"#,
            ),
        ],
        r#"
        const collect = () => { for (let i = 0; i < 40; i++) new Uint8Array(1 << 20); };
        const e = make(first);
        e.keep(0, { a: { b: "kept" } });
        e.global.value = ["kept too"];
        collect();
        equal([e.kept(0).a.b, e.any.get(0).a.b, e.global.value[0], e.any.get(1)], ["kept", "kept", "kept too", null]);
        ok(e.kept(0) === e.kept(0), "the same object");

        let other = make(second, { a: e });
        ok(other.again === e.one && other.table === e.table && e.callee.value === e.one, "the same objects");
        other = null;
        collect();
        equal([e.call(0), e.call(1), e.call(2), e.table.get(2)(), e.table.get(1).name, e.table.get(2).name], [1, 2, 11, 11, "2", "1"].map((v, i) => i === 4 ? "1" : v));
        fails(WebAssembly.RuntimeError, () => e.call(3));
        e.table.set(3, e.table.get(2));
        e.table.set(2);
        equal([e.call(3), e.table.get(2), e.table.length, e.table.grow(2, e.one), e.table.get(5) === e.one], [11, null, 4, 4, true]);
        fails(RangeError, () => e.table.get(6));
        fails(TypeError, () => e.table.set(0, () => 1));
        fails(TypeError, () => e.callee.value = {});
        e.callee.value = null;
        equal(e.callee.value, null);
        "#,
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    check_with(
        &[
            (
                "wants",
                r#"(module
                  (import "m" "f" (func (param i32)))
                  (import "m" "g" (global i64))
                  (import "m" "v" (global (mut i32)))
                  (import "m" "memory" (memory 1 2))
                  (import "m" "table" (table 1 funcref))
                  (export "v" (global 1)))"#,
            ),
            ("exporter", r#"(module (func (export "f") (param i64)))"#),
        ],
        r#"
        const { Memory, Table, Global, LinkError, Module, Instance } = WebAssembly;
        const right = () => ({ f() {}, g: 1n, v: new Global({ value: "i32", mutable: true }, 4), memory: new Memory({ initial: 1, maximum: 2 }), table: new Table({ element: "anyfunc", initial: 1 }) });
        const m = right();
        const { v } = make(wants, { m });
        ok(v === m.v && v.value === 4, "the global itself");
        const wrong = [
          ["f", 1], ["f", make(exporter).f], ["g", 1], ["g", new Global({ value: "i32" })], ["v", 1], ["v", new Global({ value: "i32" })],
          ["memory", new Memory({ initial: 1 })], ["memory", new Memory({ initial: 0, maximum: 2 })], ["memory", {}],
          ["table", new Table({ element: "externref", initial: 1 })], ["table", new Table({ element: "anyfunc", initial: 0 })],
        ];
        for (const [name, value] of wrong) fails(LinkError, () => make(wants, { m: { ...right(), [name]: value } }));
        fails(TypeError, () => make(wants));
        fails(TypeError, () => make(wants, { m: 1 }));
        fails(TypeError, () => new Instance({}));
        for (const bytes of [[], [0, 97, 115, 109], [...wants].slice(0, -1), [...wants, 0, 0]]) {
          fails(WebAssembly.CompileError, () => new Module(new Uint8Array(bytes)));
          equal(WebAssembly.validate(new Uint8Array(bytes)), false);
        }
        fails(TypeError, () => new Module([0]));
        fails(RangeError, () => new Memory({ initial: 65537 }));
        fails(RangeError, () => new Table({ element: "anyfunc", initial: 10_000_001 }));
        equal(Module.imports(new Module(wants)).map(({ module, name, kind }) => module + name + kind), ["mffunction", "mgglobal", "mvglobal", "mmemorymemory", "mtabletable"]);
        equal(Module.exports(new Module(exporter)), [{ name: "f", kind: "function" }]);
        "#,
    );
}

#[test]
fn modules_come_as_promises_and_responses() {
    check_with(
        &[(
            "plain",
            r#"(module (@custom "note" "abc") (import "m" "n" (global i32)) (func (export "n") (result i32) global.get 0))"#,
        )],
        r#"
        const type = { headers: { "content-type": "application/wasm" } };
        const imports = { m: { n: 5 } };
        const bytes = plain.slice();
        const first = WebAssembly.instantiate(bytes, imports);
        bytes.fill(0);
        const { module, instance } = await first;
        equal([instance.exports.n(), String(module), String(WebAssembly)], [5, "[object WebAssembly.Module]", "[object WebAssembly]"]);
        equal((await WebAssembly.instantiate(module, imports)).exports.n(), 5);
        equal((await WebAssembly.instantiateStreaming(new Response(plain, type), imports)).instance.exports.n(), 5);
        equal((await WebAssembly.instantiateStreaming(Promise.resolve(new Response(plain, type)), imports)).instance.exports.n(), 5);
        ok((await WebAssembly.compileStreaming(new Response(plain, type))) instanceof WebAssembly.Module, "a module");
        equal(WebAssembly.Module.customSections(module, "note").map((part) => new TextDecoder().decode(part)), ["abc"]);
        await failsLater(TypeError, WebAssembly.instantiateStreaming(new Response(plain), imports));
        await failsLater(TypeError, WebAssembly.instantiateStreaming(new Response(plain, { ...type, status: 404 }), imports));
        await failsLater(TypeError, WebAssembly.instantiate(plain));
        await failsLater(WebAssembly.CompileError, WebAssembly.compile(new Uint8Array(3)));
        const tag = new WebAssembly.Tag({ parameters: ["i32", "externref"] });
        const exception = new WebAssembly.Exception(tag, [2 ** 32 + 1, exceptionValue = {}]);
        ok(exception.is(tag) && !exception.is(WebAssembly.JSTag) && exception.getArg(tag, 0) === 1 && exception.getArg(tag, 1) === exceptionValue, "its arguments");
        var exceptionValue;
        "#,
    );
}

#[test]
fn instances_that_nobody_holds_give_their_memory_back() {
    let module = r#"(module (memory (export "memory") 64) (memory 64)
      (func (export "fill") i32.const 0 i32.const 1 i32.const 4194304 memory.fill))"#;
    let mut page = Page::new();
    let before = resident_bytes();
    // 2 GiB in all, of which the half is written to.
    page.check(&with(
        &[("large", module)],
        "for (let i = 0; i < 256; i++) make(large).fill(); ok(true);",
    ));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes are still there");
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("the system says");
    let pages = status.split(' ').nth(1).expect("the second number");
    pages.parse::<usize>().expect("a number") * 4096
}
