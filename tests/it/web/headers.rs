//! Headers.

use super::check;

#[test]
fn headers_are_filled_from_records_sequences_and_headers() {
    check(
        r#"
        equal([...new Headers({ B: "2", a: " 1 " })], [["a", "1"], ["b", "2"]]);
        equal([...new Headers([["b", 2], ["a", "1"]])], [["a", "1"], ["b", "2"]]);
        equal([...new Headers(new Headers({ a: "1" }))], [["a", "1"]]);
        equal([...new Headers(new Map([["a", "1"]]))], [["a", "1"]]);
        equal([...new Headers(undefined)], []);
        throws("TypeError", () => new Headers(null));
        throws("TypeError", () => new Headers(1));
        throws("TypeError", () => new Headers([["a"]]));
        throws("TypeError", () => new Headers([["a", "b", "c"]]));
        throws("TypeError", () => new Headers([1]));
        throws("TypeError", () => new Headers({ [Symbol()]: "x" }));
        "#,
    );
}

#[test]
fn names_and_values_are_validated() {
    check(
        r#"
        const headers = new Headers();
        for (const name of ["", "a b", "a:", "é", "a\n", "\u0100"]) {
            throws("TypeError", () => headers.append(name, "x"));
            throws("TypeError", () => headers.get(name));
        }
        for (const value of ["a\nb", "a\0b", "a\rb", "\u0100"]) throws("TypeError", () => headers.set("a", value));
        headers.set("a", "\t\n x\u00ff \r");
        equal(headers.get("a"), "x\u00ff");
        throws("TypeError", () => headers.get());
        throws("TypeError", () => headers.append("a"));
        equal(headers.get("undefined"), null);
        headers.append(undefined, null);
        equal(headers.get(undefined), "null");
        "#,
    );
}

#[test]
fn values_combine_and_cookies_stay_apart() {
    check(
        r#"
        const headers = new Headers({ "Set-Cookie": "a=1" });
        headers.append("set-cookie", "b=2");
        headers.append("Accept", "x");
        headers.append("accept", "y");
        equal(headers.get("ACCEPT"), "x, y");
        equal(headers.get("set-cookie"), "a=1, b=2");
        equal(headers.getSetCookie(), ["a=1", "b=2"]);
        equal([...headers], [["accept", "x, y"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
        headers.set("accept", "z");
        equal(headers.get("accept"), "z");
        headers.delete("Set-Cookie");
        ok(!headers.has("set-cookie"));
        equal([...headers.keys()], ["accept"]);
        equal([...headers.values()], ["z"]);
        "#,
    );
}

#[test]
fn iteration_is_live() {
    check(
        r#"
        const headers = new Headers({ a: "1", b: "2", c: "3" });
        const seen = [];
        for (const [name] of headers) {
            seen.push(name);
            if (name === "a") headers.delete("b");
        }
        equal(seen, ["a", "c"]);
        const values = [];
        for (const [name, value] of headers) {
            values.push(value);
            if (name === "a") headers.set("c", "4");
            if (name === "c") { headers.delete("a"); headers.append("z", "5"); headers.append("a", "0"); }
        }
        equal(values, ["1", "4", "5"]);
        equal([...headers].flat(), ["a", "0", "c", "4", "z", "5"]);
        headers.delete("a"), headers.delete("z"), headers.set("c", "3"), headers.append("a", "1");
        const each = [];
        headers.forEach(function (value, name, all) { each.push(value, name, all === headers, this.x); }, { x: 1 });
        equal(each, ["1", "a", true, 1, "3", "c", true, 1]);
        "#,
    );
}

#[test]
fn the_class_follows_web_idl() {
    check(
        r#"
        equal(Object.keys(Headers.prototype), ["append", "delete", "get", "getSetCookie", "has", "set", "entries", "keys", "values", "forEach"]);
        equal(Headers.prototype[Symbol.toStringTag], "Headers");
        ok(Headers.prototype.entries === Headers.prototype[Symbol.iterator]);
        equal([Headers.length, Headers.prototype.append.length, Headers.prototype.get.length], [0, 2, 1]);
        throws("TypeError", () => Headers.prototype.get.call({}, "a"));
        equal(Object.prototype.toString.call(new Headers().entries()), "[object Headers Iterator]");
        ok(!Object.getOwnPropertyDescriptor(globalThis, "Headers").enumerable);
        "#,
    );
}
