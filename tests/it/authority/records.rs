//! Records: who sees which run, how runs of several people hang together, and what each says of
//! the code of others in it.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::town::Town;

/// What a library of bert's asks for that it is not given.
const CURIOUS: &str = r#"
const early = process.env.secret;
export const peek = async () => {
  const found = [early, Deno.env.get("secret"), import.meta.env.secret, process.env.missing];
  try { found.push(Deno.readTextFileSync("./note.txt")); } catch {}
  const { storage } = await import("town:kernel");
  try { await import("https://esm.town/v/anna/asks/main.ts"); } catch {}
  return found.concat(storage).filter((value) => value !== undefined);
};"#;

/// Asks until a list is not empty: records come a little after what they record.
async fn listed(person: &Person<'_>, path: &str) -> Vec<Value> {
    loop {
        let (status, answer) = person.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        let data = answer["data"].as_array().expect("a list");
        if !data.is_empty() {
            return data.clone();
        }
        tokio::task::yield_now().await;
    }
}

async fn whole(person: &Person<'_>, val: &str) -> Value {
    let runs = listed(person, &format!("/api/town/vals/{val}/runs")).await;
    let run = runs[0]["id"].as_str().expect("an id");
    let path = format!("/api/town/vals/{val}/runs/{run}");
    person.ask(Method::GET, &path, None).await.1
}

#[tokio::test]
async fn a_record_says_what_ran_without_authority_and_what_that_was_refused() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    bert.val("curious", "public", "script", CURIOUS, &[]).await;
    let asks = r#"import { peek } from "https://esm.town/v/bert/curious";
        export default async () => await peek();"#;
    let asks = anna
        .val("asks", "public", "script", asks, &[("secret", "hunter2")])
        .await;
    let plain = anna
        .val("plain", "public", "script", "export default () => 1;", &[])
        .await;
    for _ in 0..2 {
        let (status, found) = anna.ask(Method::GET, "/api/v1/run/anna.asks", None).await;
        assert_eq!((status, found), (200, json!([])));
    }
    anna.ask(Method::GET, "/api/v1/run/anna.plain", None).await;
    while listed(&anna, &format!("/api/town/vals/{asks}/runs"))
        .await
        .len()
        < 2
    {
        tokio::task::yield_now().await;
    }
    // The second run is of a process that had the module already.
    let run = whole(&anna, &asks).await;
    assert_eq!(run["libraries"], json!(["/v/bert/curious@0-main"]), "{run}");
    let module = format!("{}/v/bert/curious@0-main/main.ts", town.base);
    let refused = run["refused"].as_array().expect("a list");
    for (what, name) in [
        ("env", "secret"),
        ("file", "./note.txt"),
        ("kernel", "town:kernel"),
    ] {
        let refusal = json!({ "what": what, "name": name, "module": module });
        assert!(refused.contains(&refusal), "{refusal} in {run}");
    }
    assert!(
        !run.to_string().contains("missing"),
        "what is not there: {run}"
    );
    assert!(!run.to_string().contains("hunter2"), "{run}");
    let hands = r#"import { peek } from "https://esm.town/v/bert/curious" with { authority: "caller" };
        export default async () => await peek();"#;
    let hands = anna
        .val("hands", "public", "script", hands, &[("secret", "mine")])
        .await;
    let (_, given) = anna.ask(Method::GET, "/api/v1/run/anna.hands", None).await;
    assert_eq!(given[0], json!("mine"), "{given}");
    let run = whole(&anna, &hands).await;
    assert_eq!(
        (&run["libraries"], &run["refused"]),
        (&json!([]), &json!([])),
        "{run}"
    );
    let (_, page) = town.text("/@anna/hands").await;
    assert!(page.contains("Hands its authority to"), "{page}");
    let run = whole(&anna, &plain).await;
    assert_eq!(
        (&run["libraries"], &run["refused"]),
        (&json!([]), &json!([]))
    );
}

#[tokio::test]
async fn a_call_as_an_api_is_linked_and_only_its_authors_to_see() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    let noisy = "export default (who: string) => { console.log(who); return who; };";
    let noisy = bert.val("noisy", "public", "script", noisy, &[]).await;
    let own = anna
        .val("own", "private", "script", "export default () => 2;", &[])
        .await;
    let calls = r#"import { run } from "https://esm.town/v/std/run";
        export default async () => [await run("bert.noisy", "api"), await run("anna.own")];"#;
    let calls = anna.val("calls", "public", "script", calls, &[]).await;
    let (status, answer) = anna.ask(Method::GET, "/api/v1/run/anna.calls", None).await;
    assert_eq!((status, answer), (200, json!(["api", 2])));

    let theirs = whole(&bert, &noisy).await;
    listed(&anna, &format!("/api/town/vals/{own}/runs")).await;
    let mine = whole(&anna, &calls).await;
    assert_eq!(theirs["parent"], mine["id"]);
    assert_eq!(
        theirs["caller"],
        Value::Null,
        "bert does not see anna's run"
    );
    assert_eq!(theirs["logs"][0]["text"], json!("api"));
    assert_eq!(mine["called"][0]["valId"], json!(noisy), "{mine}");
    assert!(
        !mine
            .to_string()
            .contains(theirs["id"].as_str().expect("an id")),
        "{mine}"
    );
    assert_eq!(mine["logs"], json!([]));
    assert_eq!(mine["children"][0]["valId"], json!(own), "{mine}");
    let child = whole(&anna, &own).await;
    assert_eq!(child["caller"], json!({ "id": mine["id"], "valId": calls }));
    let run = theirs["id"].as_str().expect("an id");
    for (path, status) in [
        (format!("/api/town/runs/{run}"), 404),
        (format!("/api/town/vals/{noisy}/runs/{run}"), 403),
    ] {
        let (got, _) = anna.ask(Method::GET, &path, None).await;
        assert_eq!(got, status, "{path}");
    }
    assert_eq!(
        bert.ask(Method::GET, &format!("/api/town/runs/{run}"), None)
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn an_evaluation_is_whose_asked_for_it_and_nobodys_where_nobody_did() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    let code =
        json!({ "code": "(x) => { console.log(`got ${x}?env=/&`); return x + 1; }", "args": [1] });
    let anonymous = town
        .bare(Method::POST, "/api/v1/eval")
        .body(code.to_string());
    assert_eq!(
        anonymous.send().await.expect("an answer").status().as_u16(),
        200
    );
    let (status, two) = anna.ask(Method::POST, "/api/v1/eval", Some(code)).await;
    assert_eq!((status, two), (200, json!(2)));
    let failing = json!({ "code": "() => { throw new Error('on purpose'); }" });
    assert_eq!(
        anna.ask(Method::POST, "/api/v1/eval", Some(failing))
            .await
            .0,
        502
    );
    let failed = listed(&anna, "/api/town/runs?type=eval&outcome=failed").await;
    assert_eq!(failed.len(), 1);
    let all = listed(&anna, "/api/town/runs?type=eval").await;
    assert_eq!(all.len(), 2, "{all:?}");
    let path = all[1]["path"].as_str().expect("a path");
    assert!(
        path.starts_with("(x) => { console.log(`got ${x}?env=/&`)"),
        "{path}"
    );
    let run = format!("/api/town/runs/{}", all[1]["id"].as_str().expect("an id"));
    let (_, whole) = anna.ask(Method::GET, &run, None).await;
    assert_eq!(whole["logs"][0]["text"], json!("got 1?env=/&"), "{whole}");
    assert_eq!(bert.ask(Method::GET, &run, None).await.0, 404);
    let (_, page) = anna
        .ask(Method::GET, "/api/town/runs?type=eval&limit=1", None)
        .await;
    let next = page["links"]["next"].as_str().expect("a next page");
    let next = next.strip_prefix(&town.base).expect("of this town");
    assert_eq!(listed(&anna, next).await[0]["id"], all[1]["id"]);
    let (_, none) = bert.ask(Method::GET, "/api/town/runs", None).await;
    assert_eq!(none["data"], json!([]), "the anonymous one is nobody's");
}
