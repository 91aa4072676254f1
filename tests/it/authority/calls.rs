//! API Mode: vals called over HTTP, with their author's rights.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::town::{OWNER, Town};

const ADD: &str =
    "export default async (a: number, b: number) => a + b + Number(Deno.env.get('extra') ?? 0);";

#[tokio::test]
async fn a_val_is_called_in_every_spelling() {
    let town = Town::start().await;
    let bert = Person::new(&town, "bert").await;
    bert.val("add", "public", "script", ADD, &[("extra", "100")])
        .await;
    bert.val(
        "data",
        "public",
        "script",
        "export const data = { n: [1] };",
        &[],
    )
    .await;
    bert.val(
        "hidden",
        "private",
        "script",
        "export default () => 'seen';",
        &[],
    )
    .await;
    bert.val(
        "nothing",
        "public",
        "script",
        "export default () => {};",
        &[],
    )
    .await;
    bert.val(
        "throws",
        "public",
        "script",
        "export default () => { throw new TypeError('inside'); };",
        &[],
    )
    .await;
    bert.val(
        "cyclic",
        "public",
        "script",
        "export default () => { const o: any = {}; o.o = o; return o; };",
        &[],
    )
    .await;
    let list = Some(json!([1, 2]));
    let object = Some(json!({ "args": [1, 2] }));
    let cases: &[(Method, &str, Option<Value>, u16, Value)] = &[
        (
            Method::GET,
            "/api/v1/run/bert.add?args=%5B1%2C2%5D",
            None,
            200,
            json!(103),
        ),
        (
            Method::GET,
            "/api/v1/run/@bert.add?args=[1,2]",
            None,
            200,
            json!(103),
        ),
        (
            Method::POST,
            "/api/v1/run/bert.add",
            list.clone(),
            200,
            json!(103),
        ),
        (
            Method::POST,
            "/api/v1/run/@bert.add",
            object.clone(),
            200,
            json!(103),
        ),
        (
            Method::POST,
            "/api/v1/run/bert%2Fadd",
            object,
            200,
            json!(103),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.data",
            None,
            200,
            json!({ "n": [1] }),
        ),
        (
            Method::POST,
            "/api/v1/run/bert.data",
            Some(json!([])),
            200,
            json!({ "n": [1] }),
        ),
        (
            Method::POST,
            "/api/v1/run/bert.data",
            list,
            400,
            json!("bad_request"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.nothing",
            None,
            200,
            Value::Null,
        ),
        (
            Method::GET,
            "/api/v1/run/bert.hidden",
            None,
            404,
            json!("not_found"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.missing",
            None,
            404,
            json!("not_found"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.throws",
            None,
            502,
            json!("exception"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.cyclic",
            None,
            502,
            json!("exception"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.add?args=nonsense",
            None,
            400,
            json!("bad_request"),
        ),
        (
            Method::GET,
            "/api/v1/run/bert.add?args=1",
            None,
            400,
            json!("bad_request"),
        ),
        (
            Method::POST,
            "/api/v1/run/bert.add",
            Some(json!({ "args": 1 })),
            400,
            json!("bad_request"),
        ),
        (Method::GET, "/api/v1/eval/1%20%2B%201", None, 200, json!(2)),
        (
            Method::GET,
            "/api/v1/eval/(a)=%3Ea*2?args=[21]",
            None,
            200,
            json!(42),
        ),
        (
            Method::POST,
            "/api/v1/eval",
            Some(json!({ "code": "(a, b) => a + b", "args": [1, 42] })),
            200,
            json!(43),
        ),
        (
            Method::POST,
            "/api/v1/eval",
            Some(json!({ "code": "const a = 20; return a + 1" })),
            200,
            json!(21),
        ),
        (
            Method::POST,
            "/api/v1/eval",
            Some(json!({ "code": "throw 1" })),
            502,
            json!("load"),
        ),
        (
            Method::POST,
            "/api/v1/eval",
            Some(json!({ "code": "(((" })),
            400,
            json!("bad_request"),
        ),
        (
            Method::POST,
            "/api/v1/eval",
            Some(json!({})),
            400,
            json!("bad_request"),
        ),
        (
            Method::GET,
            "/api/eval/1%20%2B%201",
            None,
            200,
            json!({ "value": 2 }),
        ),
    ];
    for (method, path, body, status, expected) in cases {
        let mut request = town.bare(method.clone(), path);
        if let Some(body) = body {
            // The seed's own client sends no content type.
            request = request.body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let got = response.status().as_u16();
        let text = response.text().await.expect("a body");
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"));
        assert_eq!(got, *status, "{method} {path} {body:?}: {text}");
        let told = if *status == 200 {
            &value
        } else {
            &value["code"]
        };
        assert_eq!(told, expected, "{method} {path} {body:?}");
        assert!(
            !text.contains("inside"),
            "others are not told what a val says: {text}"
        );
    }
    let (status, seen) = bert.ask(Method::GET, "/api/v1/run/bert.hidden", None).await;
    assert_eq!((status, seen), (200, json!("seen")));
    let (status, told) = bert.ask(Method::GET, "/api/v1/run/bert.throws", None).await;
    assert_eq!(status, 502);
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|told| told.contains("inside")),
        "{told}"
    );
}

#[tokio::test]
async fn an_express_handler_answers_with_its_authors_rights_only_in_api_mode() {
    let town = Town::start().await;
    let bert = Person::new(&town, "bert").await;
    let code = "export const handler = (req: any, res: any) => res.status(201).set('x-a', 'b')
        .json({ method: req.method, path: req.path, query: req.query, body: req.body, secret: process.env.secret ?? null });";
    let variables = [("secret", "of bert")];
    bert.val("handler", "public", "script", code, &variables)
        .await;
    for (path, secret) in [
        ("/api/v1/express/bert.handler/deep?x=1", json!("of bert")),
        ("/api/express/@bert.handler/deep?x=1", Value::Null),
    ] {
        let request = town.bare(Method::POST, path).body(r#"{"n":1}"#);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a body");
        assert_eq!(status, 201, "{path}: {text}");
        assert_eq!(headers["x-a"], "b");
        let fence = headers["content-security-policy"].to_str().expect("text");
        assert!(fence.starts_with("sandbox"), "{fence}");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let expected = json!({
            "method": "POST", "path": "/deep", "query": { "x": "1" }, "body": { "n": 1 }, "secret": secret,
        });
        assert_eq!(said, expected, "{path}");
    }
}

#[tokio::test]
async fn the_runs_of_a_call_are_its_authors_and_those_of_a_library_the_callers() {
    let town = Town::start().await;
    let bert = Person::new(&town, "bert").await;
    let noisy = "export default (who: string) => { console.log('called by ' + who); return 'of ' + (Deno.env.get('name') ?? 'nobody'); };";
    let id = bert
        .val("noisy", "public", "script", noisy, &[("name", "bert")])
        .await;
    let calling = format!(
        r#"import noisy from "https://esm.town/v/bert/noisy";
export default async () => {{
  const response = await fetch("{}/api/v1/run/bert.noisy", {{ method: "POST", body: JSON.stringify(["api"]) }});
  return Response.json([noisy("library"), await response.json()]);
}};"#,
        town.base
    );
    let made = town.val("calling", &calling).await;
    let mine = made["id"].as_str().expect("an id");
    let (status, text) = town.run("calling").await;
    assert_eq!((status, text.as_str()), (200, r#"["of nobody","of bert"]"#));

    // Records come a little after what they record.
    let wait = |person: Option<&'static str>, id: String| {
        let (town, bert) = (&town, &bert);
        async move {
            loop {
                let path = format!("/api/town/vals/{id}/logs");
                let (status, logs) = match person {
                    Some(_) => bert.ask(Method::GET, &path, None).await,
                    None => town.api(Method::GET, &path, None).await,
                };
                assert_eq!(status, 200, "{logs}");
                let lines: Vec<String> = logs["data"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|line| line["text"].as_str().expect("text").to_string())
                    .collect();
                if !lines.is_empty() {
                    return lines;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    assert_eq!(wait(Some("bert"), id.clone()).await, ["called by api"]);
    assert_eq!(wait(None, mine.to_string()).await, ["called by library"]);
    let path = format!("/api/town/vals/{id}/logs");
    let (status, _) = town.api(Method::GET, &path, None).await;
    assert!(status >= 400, "{OWNER} sees what bert's val did: {status}");
}
