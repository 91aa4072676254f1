//! Structured clone: `structuredClone`, and values as bytes between processes.

use super::{Page, check};
use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, JsObject, JsString, JsValue};
use proptest::prelude::*;
use std::time::Instant;
use town::isolate::web::clone::{deserialize, serialize};

#[test]
fn primitives_survive() {
    check(
        r##"
        for (const value of [undefined, null, true, false, 0, -0, 1, -1, 2 ** 31, -(2 ** 31), 1.5, NaN, Infinity, 2 ** 53,
            0n, -1n, 2n ** 64n, -(2n ** 200n), "", "abc", "é", "€😀", "lone \ud800 surrogate"]) {
          same(structuredClone(value), value);
        }
        throws("TypeError", () => structuredClone());
        "##,
    );
}

#[test]
fn containers_survive_with_their_shape() {
    check(
        r##"
        const value = { a: [1, 2.5, "x", null, undefined, [true]], "": 1, 7: "seven", nested: { é: "€" } };
        same(structuredClone(value), value);
        const holes = structuredClone([1, , 3]);
        same(holes.length, 3);
        same(1 in holes, false);
        same(structuredClone(new Array(5)).length, 5);
        const sparse = [];
        sparse[4e9] = 1;
        same(structuredClone(sparse).length, 4e9 + 1);
        same(structuredClone(sparse)[4e9], 1);
        const named = Object.assign([1], { extra: 2 });
        same(structuredClone(named).extra, 2);
        same(Array.isArray(structuredClone([1.5, 2.5])), true);
        const map = structuredClone(new Map([["k", 1], [{ a: 1 }, new Set([1, "2"])]]));
        same(map.size, 2);
        same(map.get("k"), 1);
        same([...[...map.values()][1]], [1, "2"]);
        const hidden = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "h", { value: 3 });
        same(Reflect.ownKeys(structuredClone(hidden)), ["a"]);
        same(JSON.stringify(structuredClone(JSON.parse('{"__proto__":{"x":1}}'))), '{"__proto__":{"x":1}}');
        class Point { constructor() { this.x = 1; } get y() { return 2; } }
        const point = structuredClone(new Point());
        same(Object.getPrototypeOf(point) === Object.prototype, true);
        same(point, { x: 1 });
        same(structuredClone({ get computed() { return 5; } }), { computed: 5 });
        throws("RangeError", () => structuredClone({ get bad() { throw new RangeError("no"); } }));
        "##,
    );
}

#[test]
fn identity_and_cycles_survive() {
    check(
        r##"
        const shared = { s: 1 };
        const list = [1];
        const value = { a: shared, b: shared, list, again: list, map: new Map() };
        value.self = value;
        list.push(list);
        value.map.set(value.map, list);
        const clone = structuredClone(value);
        same(clone.a === clone.b, true);
        same(clone.a === shared, false);
        same(clone.self === clone, true);
        same(clone.list === clone.again, true);
        same(clone.list[1] === clone.list, true);
        same(clone.map.get(clone.map) === clone.list, true);
        const error = new Error("loop");
        error.cause = error;
        const copied = structuredClone(error);
        same(copied.cause === copied, true);
        "##,
    );
}

#[test]
fn objects_with_a_state_of_their_own_survive() {
    check(
        r##"
        same(structuredClone(new Date(12345)).getTime(), 12345);
        same(structuredClone(new Date(NaN)).getTime(), NaN);
        const regexp = structuredClone(structuredClone(/a\/b[é/]\\/giu));
        same(regexp.flags, "giu");
        same(regexp.lastIndex, 0);
        same(regexp.exec("xA/b/\\x").index, 1);
        same(String(structuredClone(/\d+/)), "/\\d+/");
        for (const boxed of [Object(true), Object(1.5), Object("text"), Object(5n)]) {
          const clone = structuredClone(boxed);
          same(typeof clone, "object");
          same(clone.valueOf(), boxed.valueOf());
        }
        const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
        same(structuredClone(bytes), bytes);
        same(new Uint8Array(structuredClone(bytes.buffer)), bytes);
        const pair = structuredClone([bytes.subarray(2, 4), new DataView(bytes.buffer, 1, 3), new Float64Array(bytes.buffer)]);
        same(pair[0], [3, 4]);
        same(pair[0].buffer === pair[1].buffer, true);
        same(pair[1].getUint8(0), 2);
        same(pair[1].byteLength, 3);
        same(pair[2].length, 1);
        for (const Kind of [Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, BigInt64Array, BigUint64Array]) {
          const clone = structuredClone(new Kind(3));
          same(clone.constructor, Kind);
          same(clone.length, 3);
        }
        "##,
    );
}

#[test]
fn blobs_and_files_survive() {
    check(
        r##"
        const [blob, file] = structuredClone([new Blob(["é"], { type: "a/b" }).slice(0, 2, "c/d"), new File(["x"], "n€", { lastModified: 7 })]);
        same(await blob.text(), "é");
        same(blob.type, "c/d");
        same(file instanceof File, true);
        same(file.name, "n€");
        same(file.lastModified, 7);
        same(await file.text(), "x");
        "##,
    );
}

#[test]
fn errors_keep_name_message_stack_and_cause() {
    check(
        r##"
        const cause = new RangeError("inner");
        const error = new TypeError("outer", { cause });
        const clone = structuredClone(error);
        same(clone instanceof TypeError, true);
        same(clone.message, "outer");
        same(clone.stack, error.stack);
        same(clone.cause instanceof RangeError, true);
        same(Object.keys(clone), []);
        class SqliteError extends Error { name = "SqliteError"; }
        const named = structuredClone(new SqliteError("busy"));
        same(named instanceof Error, true);
        same(String(named), "SqliteError: busy");
        same("message" in Object.getOwnPropertyDescriptors(structuredClone(new Error())), false);
        const exception = structuredClone(new DOMException("gone", "NotFoundError"));
        same(exception instanceof DOMException, true);
        same(exception.name, "NotFoundError");
        same(exception.message, "gone");
        same(exception.code, 8);
        "##,
    );
}

#[test]
fn what_cannot_be_cloned_is_refused_by_its_place() {
    check(
        r##"
        const message = (value) => throws("DataCloneError", () => structuredClone(value)).message;
        same(message(() => 1), "function cannot be cloned");
        same(message({ a: { b: [1, function named() {}] } }), "function named cannot be cloned at value.a.b[1]");
        same(message([Symbol("s")]), "Symbol(s) cannot be cloned at value[0]");
        same(message({ p: Promise.resolve() }), "A Promise cannot be cloned at value.p");
        same(message(new Map([["k", new WeakMap()]])), "A WeakMap cannot be cloned at value.values()");
        same(message(new Proxy({}, {})), "A Proxy cannot be cloned");
        same(message(new Proxy([], {})), "A Proxy cannot be cloned");
        same(message({ u: new URL("http://a/") }), "A URL cannot be cloned at value.u");
        same(message({ k: crypto }), "A Crypto cannot be cloned at value.k");
        same(message(new TextDecoder()), "A TextDecoder cannot be cloned");
        same(message(Object(Symbol())), "A Symbol cannot be cloned");
        same(throws("DataCloneError", () => structuredClone(class Own {})).code, 25);
        "##,
    );
}

#[test]
fn transferred_buffers_are_detached() {
    check(
        r##"
        const buffer = new Uint8Array([1, 2, 3]).buffer;
        const clone = structuredClone({ buffer }, { transfer: [buffer] });
        same(new Uint8Array(clone.buffer), [1, 2, 3]);
        same(buffer.byteLength, 0);
        throws("DataCloneError", () => structuredClone(buffer));
        throws("DataCloneError", () => structuredClone(1, { transfer: [buffer] }));
        const other = new ArrayBuffer(1);
        throws("DataCloneError", () => structuredClone(1, { transfer: [other, other] }));
        throws("DataCloneError", () => structuredClone(1, { transfer: [{}] }));
        throws("TypeError", () => structuredClone(1, { transfer: 5 }));
        same(other.byteLength, 1);
        "##,
    );
}

#[test]
fn depth_is_bounded_without_overflowing_the_stack() {
    on_a_deep_stack(|| {
        check(
            r##"
        const nest = (depth, wrap) => { let value = 1; for (let i = 0; i < depth; i++) value = wrap(value); return value; };
        for (const wrap of [(value) => [value], (value) => ({ value }), (value) => new Map([[1, value]]),
            (value) => new Error("e", { cause: value })]) {
          structuredClone(nest(1000, wrap));
          throws("DataCloneError", () => structuredClone(nest(1001, wrap)));
          throws("DataCloneError", () => structuredClone(nest(100000, wrap)));
        }
        "##,
        );
    });
}

/// Runs a test with a quarter of the stack that an isolate has.
fn on_a_deep_stack(test: impl FnOnce() + Send + 'static) {
    const STACK_BYTES: usize = 16 << 20;
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(test);
    thread
        .expect("a thread starts")
        .join()
        .expect("the test passes");
}

#[test]
fn bytes_cross_contexts() {
    let mut here = Page::new();
    let value = here
        .context
        .eval_text(
            "({ rows: [[1, 'a', null]], big: 12345678901234567890n, at: new Date(0) })",
            None,
        )
        .expect("it evaluates");
    let bytes = serialize(&value, &mut here.context).expect("plain data is serialised");
    let mut there = Page::new();
    let value = deserialize(&bytes, &mut there.context).expect("what was written is read");
    there
        .context
        .register_global_property(boa_engine::js_string!("got"), value, Default::default())
        .expect("a new global");
    there.check(
        r##"
        same(got.rows, [[1, "a", null]]);
        same(got.big, 12345678901234567890n);
        same(got.at instanceof Date, true);
        "##,
    );
}

#[test]
fn hostile_bytes_are_refused_and_bounded() {
    on_a_deep_stack(hostile_bytes);
}

fn hostile_bytes() {
    let mut context = Context::default();
    let huge = [0xFF; 9];
    for tag in 0..=30u8 {
        for tail in [
            &[][..],
            &huge[..],
            &[0][..],
            &[5][..],
            &[1, 1][..],
            &[255, 255, 255, 255, 15][..],
        ] {
            let mut bytes = vec![1, tag];
            bytes.extend_from_slice(tail);
            let _ = deserialize(&bytes, &mut context);
        }
    }
    assert!(deserialize(&[], &mut context).is_err());
    assert!(deserialize(&[2, 0], &mut context).is_err());
    assert!(
        deserialize(&[1, 0, 0], &mut context).is_err(),
        "bytes after the value"
    );
    // 100,000 arrays of one element each.
    let nested = [&[1][..], &[12, 1].repeat(100_000)].concat();
    assert!(deserialize(&nested, &mut context).is_err());
    // An array said to have 2^40 elements.
    assert!(deserialize(&[1, 12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20], &mut context).is_err());
}

#[test]
fn rows_travel_fast() {
    let mut page = Page::new();
    let rows = "Array.from({ length: 1000 }, (_, i) => ({ id: i, name: 'name ' + i, score: i / 3, at: null }))";
    let value = page.context.eval_text(rows, None).expect("it evaluates");
    let started = Instant::now();
    let bytes = serialize(&value, &mut page.context).expect("plain data is serialised");
    let written = started.elapsed();
    let _ = deserialize(&bytes, &mut page.context).expect("what was written is read");
    let both = started.elapsed();
    println!(
        "1000 rows of 4: {} bytes, written {written:?}, read {:?}",
        bytes.len(),
        both - written
    );
    // A hundred times what it takes: only a quadratic step would fail this.
    assert!(both.as_millis() < 1_000, "{both:?}");
}

/// A value as data, to be built in an engine.
#[derive(Debug, Clone)]
enum Shape {
    Undefined,
    Null,
    Boolean(bool),
    Number(f64),
    Text(Vec<u16>),
    Bytes(Vec<u8>),
    List(Vec<Shape>),
    Record(Vec<(Vec<u16>, Shape)>),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let units = || prop::collection::vec(prop_oneof![0u16..128, any::<u16>()], 0..8);
    let leaf = prop_oneof![
        Just(Shape::Undefined),
        Just(Shape::Null),
        any::<bool>().prop_map(Shape::Boolean),
        any::<f64>().prop_map(Shape::Number),
        any::<i32>().prop_map(|number| Shape::Number(f64::from(number))),
        units().prop_map(Shape::Text),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Shape::Bytes),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Shape::List),
            prop::collection::vec((units(), inner), 0..6).prop_map(Shape::Record),
        ]
    })
}

fn build(shape: &Shape, context: &mut Context) -> JsValue {
    match shape {
        Shape::Undefined => JsValue::undefined(),
        Shape::Null => JsValue::null(),
        Shape::Boolean(boolean) => JsValue::from(*boolean),
        Shape::Number(number) => JsValue::from(*number),
        Shape::Text(units) => JsString::from(units.as_slice()).into(),
        Shape::Bytes(bytes) => {
            town::isolate::web::bytes::uint8_array(bytes, context).expect("an array")
        }
        Shape::List(items) => {
            let items: Vec<JsValue> = items.iter().map(|item| build(item, context)).collect();
            JsArray::from_iter(items, context).into()
        }
        Shape::Record(entries) => {
            let object = JsObject::with_object_proto(context.intrinsics());
            for (name, value) in entries {
                let value = build(value, context);
                object
                    .create_data_property_or_throw(JsString::from(name.as_slice()), value, context)
                    .expect("an ordinary property");
            }
            object.into()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(shape in shapes()) {
        let mut context = Context::default();
        let value = build(&shape, &mut context);
        let bytes = serialize(&value, &mut context).expect("plain data is serialised");
        let read = deserialize(&bytes, &mut context).expect("what was written is read");
        let again = serialize(&read, &mut context).expect("a clone is plain data");
        prop_assert_eq!(bytes, again);
    }

    #[test]
    fn damaged_bytes_never_panic(shape in shapes(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut context = Context::default();
        let value = build(&shape, &mut context);
        let mut bytes = serialize(&value, &mut context).expect("plain data is serialised");
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = deserialize(&bytes, &mut context);
    }
}
