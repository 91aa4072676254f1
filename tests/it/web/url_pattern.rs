//! `URLPattern`.

use super::check;

#[test]
fn patterns_match_urls_and_name_their_groups() {
    check(
        r##"
        const pattern = new URLPattern({ pathname: "/users/:id/*" });
        same(pattern.test("https://example.com/users/7/books"), true);
        same(pattern.test("https://example.com/users"), false);
        same(pattern.test({ pathname: "/users/7/" }), true);
        const found = pattern.exec("https://example.com/users/7/books?x#y");
        same(found.pathname, { input: "/users/7/books", groups: { 0: "books", id: "7" } });
        same(found.search, { input: "x", groups: { 0: "x" } });
        same(found.inputs, ["https://example.com/users/7/books?x#y"]);
        same(pattern.exec("nonsense"), null);
        same(pattern.exec("/users/7/a", "https://example.com").inputs, ["/users/7/a", "https://example.com"]);
        same(pattern.exec({ pathname: "/users/7/a" }).inputs[0], { pathname: "/users/7/a" });
        const optional = new URLPattern({ pathname: "/a{/:b}?" }).exec({ pathname: "/a" });
        same("b" in optional.pathname.groups, true);
        same(optional.pathname.groups.b, undefined);
        "##,
    );
}

#[test]
fn patterns_are_made_of_text_or_of_parts_with_a_base_and_options() {
    check(
        r##"
        const whole = new URLPattern("https://*.example.com:8080/:path\\?q=*#h");
        same([whole.protocol, whole.hostname, whole.port, whole.pathname, whole.search, whole.hash], ["https", "*.example.com", "8080", "/:path", "q=*", "h"]);
        same(new URLPattern("/a/:b", "https://example.com/x").hostname, "example.com");
        same(new URLPattern({ pathname: "b", baseURL: "https://example.com/a/" }).pathname, "/a/b");
        const everything = new URLPattern();
        same([everything.protocol, everything.username, everything.password], ["*", "*", "*"]);
        same(everything.test(), true);
        same(new URLPattern({ pathname: "/Foo" }, { ignoreCase: true }).test("https://a.com/fOO"), true);
        same(new URLPattern("/Foo", "https://a.com", { ignoreCase: true }).test("https://a.com/foo"), true);
        same(new URLPattern({ pathname: "/Foo" }).test("https://a.com/foo"), false);
        throws("TypeError", () => new URLPattern("/relative"));
        throws("TypeError", () => new URLPattern({ pathname: "/(" }));
        throws("TypeError", () => new URLPattern({ pathname: "a" }, "https://example.com"));
        throws("TypeError", () => new URLPattern({}, 5));
        throws("TypeError", () => everything.test({}, "https://example.com"));
        throws("TypeError", () => URLPattern({}));
        throws("TypeError", () => URLPattern.prototype.test.call({}, "https://example.com"));
        "##,
    );
}

#[test]
fn groups_are_the_engines_own_regular_expressions() {
    check(
        r##"
        const number = new URLPattern({ pathname: "/:id(\\d+)" });
        same(number.hasRegExpGroups, true);
        same(number.test({ pathname: "/12" }), true);
        same(number.test({ pathname: "/a" }), false);
        same(new URLPattern({ pathname: "/((?!x)[a-z]+)" }).test({ pathname: "/xy" }), false);
        same(new URLPattern({ pathname: "/([[a-z]--a])" }).test({ pathname: "/z" }), true);
        same(new URLPattern({ pathname: "/:id/*" }).hasRegExpGroups, false);
        throws("TypeError", () => new URLPattern({ pathname: "/([a-z)" }));
        "##,
    );
}

#[test]
fn whatever_the_pattern_it_is_made_or_refused() {
    check(
        r##"
        const pieces = [":", "a", "(", ")", "{", "}", "*", "?", "+", "/", "\\", ".", "#", "[", "]", "@", "é", "😀", "\ud800", "https", "//", "(?<", "8080", "%", " "];
        let seed = 1, made = 0, refused = 0;
        const next = (limit) => {
          seed = (seed * 48271) % 2147483647;
          return seed % limit;
        };
        for (let i = 0; i < 1500; i++) {
          let text = "";
          for (let j = next(7); j >= 0; j--) text += pieces[next(pieces.length)];
          const given = i % 3 === 0 ? [text] : i % 3 === 1 ? [{ pathname: text, hostname: text }] : [text, "https://example.com/a"];
          try {
            const pattern = new URLPattern(...given);
            pattern.exec("https://user@é.example:8080/a/é?b#c");
            pattern.test({ pathname: text });
            made++;
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;
            refused++;
          }
        }
        same(made > 100 && refused > 100, true);
        "##,
    );
}
