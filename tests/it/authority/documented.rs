//! The examples of `docs/restricted-library-mode.md` do what the page says of them, as they stand there.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::modules::{elsewhere::Elsewhere, packages::town_beside, registry::Registry};
use crate::serving::eventually;

/// What a library has and what it was given.
const LIBRARY: &str = r#"export async function complete(key: string, prompt: string) {
  return [prompt, key, typeof Deno.env.get("OPENAI_API_KEY")].join();
}"#;

/// State of its author's.
const COUNTER: &str = r#"import { blob } from "https://esm.town/v/std/blob";
export default async (by: number) => {
  const count = ((await blob.getJSON("count")) ?? 0) + by;
  await blob.setJSON("count", count);
  return count;
};"#;

/// A package that takes its key from the environment, by a module of its own, as that one does.
const PACKAGE: [(&str, &str); 2] = [
    (
        "index.js",
        "import { key } from './key.js'; export default class { models = { list: async () => [key()] }; }",
    ),
    (
        "key.js",
        "export const key = () => process.env.OPENAI_API_KEY;",
    ),
];

#[tokio::test]
async fn the_documented_examples_do_what_is_said_of_them() {
    let page = std::fs::read_to_string("docs/restricted-library-mode.md").expect("the page");
    let blocks = page.split("```ts\n").skip(1);
    let examples: Vec<&str> = blocks
        .map(|block| block.split("```").next().expect("its text"))
        .collect();
    let [passes, calls, hands_over] = examples[..] else {
        panic!("the page has {} examples", examples.len());
    };
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    let manifest =
        json!({ "name": "openai", "version": "4.104.0", "type": "module", "main": "./index.js" });
    registry.add(&elsewhere, &manifest, &PACKAGE);
    let town = town_beside(&elsewhere).await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    bert.val("llm", "public", "script", LIBRARY, &[]).await;
    bert.val("counter", "public", "script", COUNTER, &[]).await;

    let key = [("OPENAI_API_KEY", "annas")];
    let answer = async |name: &str| town.text(&format!("/run/anna/{name}")).await;
    anna.val("passes", "public", "http", passes, &key).await;
    assert_eq!(
        answer("passes").await,
        (200, "Say hi,annas,undefined".into())
    );
    anna.val("calls", "public", "http", calls, &[]).await;
    for count in ["1", "2"] {
        assert_eq!(answer("calls").await, (200, count.into()));
    }
    for (method, query, body, count) in [
        (Method::POST, "", Some(json!([1])), 3),
        (Method::POST, "", Some(json!({ "args": [1] })), 4),
        (Method::GET, "?args=[1]", None, 5),
    ] {
        let path = format!("/api/v1/run/bert.counter{query}");
        assert_eq!(anna.ask(method, &path, body).await, (200, json!(count)));
    }
    anna.val("hands", "public", "http", hands_over, &key).await;
    assert_eq!(answer("hands").await, (200, "[\"annas\"]".into()));
    let withheld = hands_over.replace(" with { authority: \"caller\" }", "");
    assert_ne!(withheld, hands_over);
    anna.val("keeps", "public", "http", &withheld, &key).await;
    assert_eq!(answer("keeps").await, (200, "[null]".into()));

    // Records come in a moment after the answers that they are of.
    eventually("what was refused", async || {
        let (_, found) = anna.ask(Method::GET, "/api/town/runs", None).await;
        let path = format!("/api/town/runs/{}", found["data"][0]["id"].as_str()?);
        let (_, told) = anna.ask(Method::GET, &path, None).await;
        let refused = told["refused"].as_array()?;
        let is_there = |one: &Value| one["name"] == "OPENAI_API_KEY";
        refused.iter().any(is_there).then_some(())
    })
    .await;
}
