//! The language of `@user.val`: the table of thirteen rows as its post printed it, and what else
//! vals in it do.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::town::Town;

/// What the expression is in B's function: called as an API, and as a library by A. `Error` is a
/// call that fails; no value at all is `undefined`.
const READS: [(&str, Option<&str>, Option<&str>); 9] = [
    ("@me.secrets.foo", Some("secret of bert"), None),
    ("@anna.secrets.foo", Some("Error"), None),
    ("@bert.secrets.foo", Some("secret of bert"), None),
    ("@me.privateFoo", Some("private of bert"), None),
    ("@anna.privateFoo", Some("Error"), None),
    ("@bert.privateFoo", Some("private of bert"), None),
    (
        "@me.publicFoo",
        Some("public of bert"),
        Some("public of bert"),
    ),
    (
        "@anna.publicFoo",
        Some("public of anna"),
        Some("public of anna"),
    ),
    (
        "@bert.publicFoo",
        Some("public of bert"),
        Some("public of bert"),
    ),
];

/// The same for assignments: whose val of that name there is then.
const WRITES: [(&str, Option<&str>, Option<&str>); 3] = [
    ("@me.foo = 7", Some("bert"), None),
    ("@anna.foo = 7", Some("Error"), Some("anna")),
    ("@bert.foo = 7", Some("bert"), None),
];

async fn table_holds(town: &Town) {
    let anna = Person::new(town, "anna").await;
    let bert = Person::new(town, "bert").await;
    for person in [&anna, &bert] {
        let name = person.name;
        let public = format!("let publicFoo = \"public of {name}\"");
        person
            .val("publicFoo", "public", "script", &public, &[])
            .await;
        let private = format!("\"private of {name}\"");
        person
            .val("privateFoo", "private", "script", &private, &[])
            .await;
    }
    for (row, (expression, as_api, as_library)) in READS.iter().enumerate() {
        let code = format!("() => ({{ value: {expression} }})");
        bert.val(
            &format!("row{row}"),
            "public",
            "script",
            &code,
            &[("foo", "secret of bert")],
        )
        .await;
        let code = format!("async () => @bert.row{row}()");
        anna.val(
            &format!("row{row}"),
            "public",
            "script",
            &code,
            &[("foo", "secret of anna")],
        )
        .await;
        for (who, expected) in [("bert", as_api), ("anna", as_library)] {
            let path = format!("/api/v1/run/{who}.row{row}");
            let (status, answer) = anna.ask(Method::GET, &path, None).await;
            let seen = if status == 502 {
                "Error"
            } else {
                answer["value"].as_str().unwrap_or("")
            };
            assert_eq!(
                seen,
                expected.unwrap_or(""),
                "{expression}, {who}: {status} {answer}"
            );
        }
    }
    for (row, (statement, as_api, as_library)) in WRITES.iter().enumerate() {
        for (mode, expected) in [("api", as_api), ("library", as_library)] {
            let target = format!("foo{row}{mode}");
            let statement = statement.replace("foo", &target);
            let name = format!("write{row}{mode}");
            bert.val(
                &name,
                "public",
                "script",
                &format!("() => {{ {statement}; return 1; }}"),
                &[],
            )
            .await;
            anna.val(
                &name,
                "public",
                "script",
                &format!("() => @bert.{name}()"),
                &[],
            )
            .await;
            let who = if mode == "api" { "bert" } else { "anna" };
            let (status, _) = anna
                .ask(Method::GET, &format!("/api/v1/run/{who}.{name}"), None)
                .await;
            assert_eq!(
                status == 502,
                *expected == Some("Error"),
                "{statement} {mode}: {status}"
            );
            for person in [&anna, &bert] {
                let path = format!("/api/v1/run/{}.{target}", person.name);
                let (status, value) = person.ask(Method::GET, &path, None).await;
                let is_there = *expected == Some(person.name);
                let wanted = if is_there {
                    (200, json!(7))
                } else {
                    (404, value.clone())
                };
                assert_eq!(
                    (status, value),
                    wanted,
                    "{statement} {mode}: {}",
                    person.name
                );
            }
        }
    }
    let code = "() => { console.email(\"body\", \"subject\"); return 1; }";
    bert.val("mails", "public", "script", code, &[]).await;
    anna.val("mails", "public", "script", "() => @bert.mails()", &[])
        .await;
    for person in [&bert, &anna] {
        let path = format!("/api/v1/run/{}.mails", person.name);
        assert_eq!(anna.ask(Method::GET, &path, None).await.0, 200);
    }
    for person in [&bert, &anna] {
        let (status, sent) = person
            .ask(Method::GET, "/api/town/email/outbox", None)
            .await;
        assert_eq!(status, 200, "{sent}");
        let subjects: Vec<&Value> = sent["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|mail| &mail["subject"])
            .collect();
        assert_eq!(subjects, [&json!("subject")], "{}", person.name);
    }
}

#[tokio::test]
async fn the_thirteen_rows_hold() {
    let town = Town::start().await;
    table_holds(&town).await;
    table_holds(&town.inside_by_path("inner").await).await;
}

#[tokio::test]
async fn vals_of_old_do_what_they_did() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let vals = [
        ("count", "let count = 1"),
        ("list", "[]"),
        ("bump", "() => { @me.count++; return @me.count; }"),
        ("push", "(x) => { @me.list.push(x); return @me.list; }"),
        (
            "make",
            "() => { @me.made = { a: [1] }; return typeof @me.missing; }",
        ),
        ("made2", "() => @me.made.a[0]"),
        ("drawn", "Math.random()"),
        ("reads", "() => @me.drawn"),
        ("readsToo", "() => { const x = @anna.drawn; return x; }"),
        ("pair", "[@me.drawn, Math.random()]"),
        ("fails", "null.x"),
        ("add", "function add(a, b) { return a + b; }"),
        (
            "sum",
            "async (...xs) => { const x = xs.reduce((a, b) => @me.add(a, b)); return x; }",
        ),
        ("twice", "async () => (await api(@anna.add, 20, 1)) * 2"),
        (
            "text",
            "() => 'a @me.count' + `${@me.add(1, 1)} @me.count` + /@me.count/.source // @me.count",
        ),
        (
            "served",
            "(req, res) => { @me.count++; res.status(202).send(`<b>${req.query.x}</b>`); }",
        ),
        (
            "broken",
            "() => {\n  const x = 1;\n  return @me.list.nothing.here;\n}",
        ),
    ];
    for (name, code) in vals {
        anna.val(name, "public", "script", code, &[]).await;
    }
    let run = async |name: &str, args: Value| {
        anna.ask(
            Method::POST,
            &format!("/api/v1/run/anna.{name}"),
            Some(args),
        )
        .await
    };
    let cases = [
        ("bump", json!([]), json!(2)),
        ("bump", json!([]), json!(3)),
        ("push", json!(["a"]), json!(["a"])),
        ("push", json!(["b"]), json!(["a", "b"])),
        ("make", json!([]), json!("undefined")),
        ("made", json!([]), json!({ "a": [1] })),
        ("sum", json!([1, 2, 3]), json!(6)),
        ("twice", json!([]), json!(42)),
        ("text", json!([]), json!("a @me.count2 @me.count@me.count")),
    ];
    for (name, args, expected) in cases {
        assert_eq!(run(name, args).await, (200, expected), "{name}");
    }
    let (status, html) = anna
        .ask(Method::GET, "/api/v1/express/anna.served?x=y", None)
        .await;
    assert_eq!((status, html), (202, json!("<b>y</b>")));
    assert_eq!(run("count", json!([])).await, (200, json!(4)));
    let (status, told) = run("broken", json!([])).await;
    assert_eq!(status, 502, "{told}");
    // Data is what its own last run has made of it, in every process that refers to it.
    let (_, drawn) = run("reads", json!([])).await;
    assert!(drawn.is_f64(), "{drawn}");
    for name in ["reads", "readsToo"] {
        assert_eq!(run(name, json!([])).await, (200, drawn.clone()), "{name}");
    }
    let (_, again) = run("drawn", json!([])).await;
    assert_ne!(again, drawn);
    for name in ["reads", "readsToo"] {
        assert_eq!(run(name, json!([])).await, (200, again.clone()), "{name}");
    }
    // A run of its own draws it anew, and nothing else does.
    let pairs = [
        run("pair", json!([])).await.1,
        run("pair", json!([])).await.1,
    ];
    assert_eq!([&pairs[0][0], &pairs[1][0]], [&again, &again]);
    assert_ne!(pairs[0][1], pairs[1][1]);
    let (status, told) = run("fails", json!([])).await;
    assert_eq!((status, &told["code"]), (502, &json!("load")), "{told}");
    let evaluated = town.text("/api/eval/@anna.add(1%2C2)").await;
    assert_eq!(evaluated, (200, r#"{"value":3}"#.to_string()));
    data_of_others_is_what_their_last_run_made(&town, &anna).await;
}

async fn data_of_others_is_what_their_last_run_made(town: &Town, anna: &Person<'_>) {
    let bert = Person::new(town, "bert").await;
    let secret = [("word", "spoken")];
    for (name, code) in [
        ("drawn", "Math.random()"),
        ("said", "@me.secrets.word.toUpperCase()"),
        ("n", "let n = 1"),
        ("bump", "() => { @me.n++; return @me.n; }"),
        ("lib", "() => @me.drawn"),
        ("ring", "[@anna.ring]"),
    ] {
        bert.val(name, "public", "script", code, &secret).await;
    }
    for (name, code) in [
        ("near", "() => @bert.drawn"),
        ("far", "() => { const x = @bert.drawn; return x; }"),
        ("within", "() => @bert.lib()"),
        ("hears", "() => @bert.said"),
        ("counts", "() => @bert.n"),
        ("ring", "[@bert.ring]"),
    ] {
        anna.val(name, "public", "script", code, &[]).await;
    }
    let run = async |name: &str| {
        let path = format!("/api/v1/run/{name}");
        let (status, answer) = anna.ask(Method::GET, &path, None).await;
        assert_eq!(status, 200, "{name}: {answer}");
        answer
    };
    let drawn = run("anna.near").await;
    assert!(drawn.is_f64(), "{drawn}");
    for name in ["anna.far", "anna.within", "bert.lib"] {
        assert_eq!(run(name).await, drawn, "{name}");
    }
    let again = run("bert.drawn").await;
    assert_ne!(again, drawn);
    for name in ["anna.near", "anna.far", "anna.within"] {
        assert_eq!(run(name).await, again, "{name}");
    }
    // Its author's own code had what its author has.
    assert_eq!(run("anna.hears").await, json!("SPOKEN"));
    assert_eq!(run("anna.counts").await, json!(1));
    assert_eq!(run("bert.bump").await, json!(2));
    assert_eq!(run("anna.counts").await, json!(2));
    // Those that refer to each other end all the same.
    assert!(run("anna.ring").await.is_array());
}
