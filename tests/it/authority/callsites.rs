//! Broken call sites: calls of other people's vals that mean them as APIs are found and changed.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::town::Town;

/// A val of anna's, what it becomes where that needs no person, and what it then answers.
struct Case {
    name: &'static str,
    code: &'static str,
    calls: &'static [&'static str],
    becomes: Option<&'static str>,
    answers: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        name: "returned",
        code: "() => @bert.gpt(\"hi\")",
        calls: &["@bert.gpt reads secrets of bert"],
        becomes: Some("() => api(@bert.gpt, \"hi\")"),
        answers: "\"hi of bert\"",
    },
    Case {
        name: "goesOn",
        code: "async () => @bert.gpt(\"a\").length + (await @bert.gpt(\"b\")).length // @bert.gpt(1)",
        calls: &[
            "@bert.gpt reads secrets of bert",
            "@bert.gpt reads secrets of bert",
        ],
        becomes: Some(
            "async () => (await api(@bert.gpt, \"a\")).length + (await api(@bert.gpt, \"b\")).length // @bert.gpt(1)",
        ),
        answers: "18",
    },
    Case {
        name: "deep",
        code: "async () => { return `${@bert.deep(\"y\")}` + @bert.pure(1) }",
        calls: &["@bert.deep uses the private val key of bert"],
        becomes: Some("async () => { return `${await api(@bert.deep, \"y\")}` + @bert.pure(1) }"),
        answers: "\"yprivate2\"",
    },
    Case {
        name: "assigns",
        code: "@bert.count()",
        calls: &["@bert.count assigns to vals of bert"],
        becomes: Some("await api(@bert.count)"),
        answers: "3",
    },
    Case {
        name: "today",
        code: "import today from \"https://esm.town/v/bert/today\";\nexport default async () => [await today(\"x\"), today(\"y\")];",
        calls: &[
            "today reads environment variables of bert",
            "today reads environment variables of bert",
        ],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nexport default async () => [await run(\"bert.today\", \"x\"), await run(\"bert.today\", \"y\")];",
        ),
        answers: "[\"x of bert\",\"y of bert\"]",
    },
    Case {
        name: "handedOn",
        code: "import { today } from \"https://esm.town/v/bert/named\";\nexport default () => [\"x\"].map(today).concat(today(\"z\"));",
        calls: &["today reads environment variables of bert"],
        becomes: None,
        answers: "[\"xundefined\",\"zundefined\"]",
    },
    Case {
        name: "fine",
        code: "async () => [@bert.pure(1), await api(@bert.gpt, \"hi\"), @me.returned]",
        calls: &[],
        becomes: None,
        answers: "[2,\"hi of bert\",null]",
    },
    Case {
        name: "handedOver",
        code: "import today from \"https://esm.town/v/bert/today\" with { authority: \"caller\" };\nexport default () => today(\"x\");",
        calls: &[],
        becomes: None,
        answers: "\"xundefined\"",
    },
];

/// The forms that an import may have, each with what it becomes.
const FORMS: [Case; 11] = [
    Case {
        name: "defaultAndNamed",
        code: "import today, { pure } from \"https://esm.town/v/bert/both\";\nexport default async () => [await today(\"x\"), pure(1)];",
        calls: &["today reads environment variables of bert"],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nimport { pure } from \"https://esm.town/v/bert/both\";\nexport default async () => [await run(\"bert.both\", \"x\"), pure(1)];",
        ),
        answers: "[\"x of bert\",2]",
    },
    Case {
        name: "namespace",
        code: "import * as lib from \"https://esm.town/v/bert/both\";\nexport default async () => [await lib.default(\"x\"), lib.pure(1)];",
        calls: &["lib.default reads environment variables of bert"],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nimport * as lib from \"https://esm.town/v/bert/both\";\nexport default async () => [await run(\"bert.both\", \"x\"), lib.pure(1)];",
        ),
        answers: "[\"x of bert\",2]",
    },
    Case {
        name: "wholeNamespace",
        code: "import * as lib from \"https://esm.town/v/bert/named/main.ts\";\nexport default async () => (await lib.today(\"x\")).length;",
        calls: &["lib.today reads environment variables of bert"],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nexport default async () => (await run(\"bert.named\", \"x\")).length;",
        ),
        answers: "9",
    },
    Case {
        name: "aliased",
        code: "import {\n  today as now, // the only one\n} from \"https://esm.town/v/bert/named\";\nconst run = 1;\nexport default async () => ({ now: await now(\"x\"), run });",
        calls: &["now reads environment variables of bert"],
        becomes: Some(
            "import { run as runVal } from \"https://esm.town/v/std/run\";\nconst run = 1;\nexport default async () => ({ now: await runVal(\"bert.named\", \"x\"), run });",
        ),
        answers: "{\"now\":\"x of bert\",\"run\":1}",
    },
    Case {
        name: "two",
        code: "import { default as far, pure } from \"https://esm.town/v/bert/both\";\nimport today from \"https://esm.town/v/bert/today\";\nimport { run } from \"https://esm.town/v/std/run\";\nexport default async () => [await far(\"x\"), await today(\"y\"), pure(await run(\"bert.pure\", 1))];",
        calls: &[
            "far reads environment variables of bert",
            "today reads environment variables of bert",
        ],
        becomes: Some(
            "import { pure } from \"https://esm.town/v/bert/both\";\nimport { run } from \"https://esm.town/v/std/run\";\nexport default async () => [await run(\"bert.both\", \"x\"), await run(\"bert.today\", \"y\"), pure(await run(\"bert.pure\", 1))];",
        ),
        answers: "[\"x of bert\",\"y of bert\",3]",
    },
    Case {
        name: "renamed",
        code: "import today from \"bert\";\nexport default async () => await today(\"x\");",
        calls: &["today reads environment variables of bert"],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nexport default async () => await run(\"bert.today\", \"x\");",
        ),
        answers: "\"x of bert\"",
    },
    Case {
        name: "noApi",
        code: "import { first } from \"https://esm.town/v/bert/several\";\nexport default () => first(\"x\");",
        calls: &["first reads environment variables of bert"],
        becomes: None,
        answers: "\"xundefined\"",
    },
    Case {
        name: "dynamic",
        code: "export default async () => (await import(\"https://esm.town/v/bert/today\")).default(\"x\");",
        calls: &["bert.today reads environment variables of bert"],
        becomes: None,
        answers: "\"xundefined\"",
    },
    Case {
        name: "shadowed",
        code: "import today from \"https://esm.town/v/bert/today\";\nexport default () => ((today: (x: string) => string) => today(\"x\"))(String) + typeof today;",
        calls: &["today reads environment variables of bert"],
        becomes: None,
        answers: "\"xfunction\"",
    },
    Case {
        name: "stateless",
        code: "import { pure } from \"https://esm.town/v/bert/both\";\nimport { second } from \"https://esm.town/v/bert/several\";\nimport type today from \"https://esm.town/v/bert/today\";\nexport default () => [pure(1), second(\"x\")];",
        calls: &[],
        becomes: None,
        answers: "[2,\"x\"]",
    },
    Case {
        name: "stored",
        code: "import visits from \"https://esm.town/v/bert/visits\";\nexport default async () => await visits();",
        calls: &["visits uses the blob of bert"],
        becomes: Some(
            "import { run } from \"https://esm.town/v/std/run\";\nexport default async () => await run(\"bert.visits\");",
        ),
        answers: "[]",
    },
];

#[tokio::test]
async fn broken_calls_are_found_over_all_vals_and_changed_by_one_request() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    let secret = [("openai", " of bert")];
    for (name, privacy, code) in [
        ("key", "private", "\"private\""),
        ("gpt", "public", "(x) => x + @me.secrets.openai"),
        ("far", "public", "(x) => x + @me.key"),
        ("deep", "public", "(x) => @me.far(x)"),
        ("pure", "public", "(x) => x + 1 // @me.secrets.openai"),
        ("count", "public", "() => { @me.n = 3; return 3; }"),
        (
            "today",
            "public",
            "export default (x: string) => x + Deno.env.get(\"openai\");",
        ),
        (
            "named",
            "public",
            "export const today = (x: string) => x + process.env.openai;",
        ),
        (
            "both",
            "public",
            "const key = () => Deno.env.get(\"openai\");\nexport default (x: string) => x + key();\nexport const pure = (x: number) => x + 1;",
        ),
        (
            "several",
            "public",
            "export function first(x: string) { return x + Deno.env.get(\"openai\"); }\nexport const second = (x: string) => x;",
        ),
        (
            "visits",
            "public",
            "import { blob } from \"https://esm.town/v/std/blob\";\nexport default () => blob.list();",
        ),
    ] {
        bert.val(name, privacy, "script", code, &secret).await;
    }
    let mut ids = Vec::new();
    let cases = || CASES.iter().chain(&FORMS);
    for case in cases() {
        let names = "{ \"imports\": { \"bert\": \"https://esm.town/v/bert/today\" } }";
        let files = json!([
            { "path": "main.ts", "type": "script", "content": case.code },
            { "path": "deno.json", "type": "file", "content": names },
        ]);
        let body = json!({ "name": case.name, "privacy": "public", "files": files });
        let (status, made) = anna.ask(Method::POST, "/api/town/vals", Some(body)).await;
        assert_eq!(status, 201, "{}: {made}", case.name);
        told_at_save(case, &made["diagnostics"]);
        ids.push(made["id"].as_str().expect("an id").to_string());
    }
    let (status, found) = anna.ask(Method::GET, "/api/town/callsites", None).await;
    assert_eq!(status, 200, "{found}");
    let found = found["data"].as_array().expect("a list").clone();
    for (case, id) in cases().zip(&ids) {
        let own: Vec<&Value> = found
            .iter()
            .filter(|site| site["valId"] == json!(id))
            .collect();
        assert_eq!(own.len(), case.calls.len(), "{}: {own:?}", case.name);
        for (site, calls) in own.iter().zip(case.calls) {
            let message = site["message"].as_str().expect("a message");
            assert!(message.starts_with(calls), "{}: {message}", case.name);
            assert_eq!(
                site["upgradable"],
                json!(case.becomes.is_some()),
                "{}",
                case.name
            );
        }
        upgrade(&anna, case, id).await;
    }
    let (_, left) = anna.ask(Method::GET, "/api/town/callsites", None).await;
    let left: Vec<&Value> = left["data"].as_array().expect("a list").iter().collect();
    let by_hand = cases().filter(|case| case.becomes.is_none());
    let expected: usize = by_hand.map(|case| case.calls.len()).sum();
    assert_eq!(left.len(), expected, "{left:?}");
    let (_, others) = bert.ask(Method::GET, "/api/town/callsites", None).await;
    assert_eq!(others["data"], json!([]), "bert's own calls are his own");
}

/// A save says of each call what it lacks, and what to write instead.
fn told_at_save(case: &Case, diagnostics: &Value) {
    let told = diagnostics.as_array().expect("a list");
    assert_eq!(told.len(), case.calls.len(), "{}: {told:?}", case.name);
    for (diagnostic, calls) in told.iter().zip(case.calls) {
        let message = diagnostic["message"].as_str().expect("a message");
        assert!(message.starts_with(calls), "{}: {message}", case.name);
        let suggestion = diagnostic["suggestion"].as_str().expect("a suggestion");
        let names_it = ["Call it as an API: await ", "As an API bert."]
            .iter()
            .any(|words| suggestion.starts_with(words));
        assert!(names_it, "{}: {suggestion}", case.name);
        let upgradable = json!(case.becomes.is_some());
        assert_eq!(diagnostic["upgradable"], upgradable, "{}", case.name);
    }
}

async fn upgrade(anna: &Person<'_>, case: &Case, id: &str) {
    let path = format!("/api/town/vals/{id}/callsites");
    let (status, changed) = anna.ask(Method::POST, &path, None).await;
    match case.becomes {
        Some(code) => {
            assert_eq!(status, 200, "{}: {changed}", case.name);
            assert_eq!(changed["changed"], json!(case.calls.len()), "{}", case.name);
            assert_eq!(changed["diagnostics"], json!([]), "{}", case.name);
            let path = format!("/api/v2/vals/{id}/files/content?path=main.ts");
            assert_eq!(anna.ask(Method::GET, &path, None).await.1, json!(code));
        }
        None => assert_eq!(status, 422, "{}: {changed}", case.name),
    }
    let path = format!("/api/v1/run/anna.{}", case.name);
    let (_, answer) = anna.ask(Method::GET, &path, None).await;
    assert_eq!(answer.to_string(), case.answers, "{}", case.name);
}

#[tokio::test]
async fn saving_a_broken_call_of_old_names_the_upgrade() {
    let town = Town::start().await;
    let bert = Person::new(&town, "bert").await;
    bert.val("gpt", "public", "script", "() => @me.secrets.key", &[])
        .await;
    let file = json!({ "path": "main.ts", "type": "script", "content": "() =>\n  @bert.gpt()" });
    let body = json!({ "name": "calls", "files": [file] });
    let (status, made) = town.api(Method::POST, "/api/town/vals", Some(body)).await;
    assert_eq!(status, 201, "{made}");
    let told = &made["diagnostics"][0];
    assert_eq!(
        (&told["line"], &told["column"]),
        (&json!(2), &json!(3)),
        "{made}"
    );
    assert_eq!(
        told["suggestion"],
        json!("Call it as an API: await api(@bert.gpt, ...)")
    );
}
