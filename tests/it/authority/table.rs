//! The table of Restricted Library Mode in today's spelling: what code of one person sees that
//! another calls, as a library and as an API, in a town and in a town inside it.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::town::Town;

/// What stands in B's function. Each way to a private val is one that fails where it is not there.
const LIBRARY: &str = r#"import { env, storage, loader } from "town:kernel";
import publicOfA from "https://esm.town/v/anna/open";
import publicOfB from "https://esm.town/v/bert/open";
const or = (loading: Promise<{ default: unknown }>) => loading.then((module) => module.default, () => null);
export default async () => ({
  secret: Deno.env.get("foo") ?? null,
  secretOfProcess: process.env.foo ?? null,
  secretOfMeta: import.meta.env.foo ?? null,
  secretOfKernel: env.foo ?? null,
  capabilities: [storage !== undefined, loader !== undefined],
  privateOfA: await or(import("https://esm.town/v/anna/closed")),
  privateOfB: await or(import("https://esm.town/v/bert/closed")),
  publicOfA,
  publicOfB,
});"#;

async fn table_holds(town: &Town) {
    let anna = Person::new(town, "anna").await;
    let bert = Person::new(town, "bert").await;
    for person in [&anna, &bert] {
        let open = format!("export default \"open of {}\";", person.name);
        let closed = format!("export default \"closed of {}\";", person.name);
        person.val("open", "public", "script", &open, &[]).await;
        person
            .val("closed", "private", "script", &closed, &[])
            .await;
    }
    let secret = [("foo", "secret of bert")];
    bert.val("library", "public", "script", LIBRARY, &secret)
        .await;
    // Anna's own code imports her private val as well, so that it is in the same process.
    let calling = r#"import foo from "https://esm.town/v/bert/library";
import own from "https://esm.town/v/anna/closed";
export default async () => Response.json({ ...(await foo()), own, mine: Deno.env.get("foo") });"#;
    let secret = [("foo", "secret of anna")];
    anna.val("calling", "public", "http", calling, &secret)
        .await;

    let (status, text) = town.text("/run/anna/calling/").await;
    assert_eq!(status, 200, "{text}\n{}", town.log());
    let as_library: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        as_library,
        json!({
            "secret": null, "secretOfProcess": null, "secretOfMeta": null, "secretOfKernel": null,
            "capabilities": [false, false],
            "privateOfA": null, "privateOfB": null,
            "publicOfA": "open of anna", "publicOfB": "open of bert",
            "own": "closed of anna", "mine": "secret of anna",
        }),
        "as a library"
    );

    let path = "/api/v1/run/bert.library";
    let (status, as_api) = anna.ask(Method::POST, path, Some(json!([]))).await;
    assert_eq!(status, 200, "{as_api}");
    let secret = "secret of bert";
    assert_eq!(
        as_api,
        json!({
            "secret": secret, "secretOfProcess": secret, "secretOfMeta": secret, "secretOfKernel": secret,
            "capabilities": [true, true],
            "privateOfA": null, "privateOfB": "closed of bert",
            "publicOfA": "open of anna", "publicOfB": "open of bert",
        }),
        "as an API"
    );
}

#[tokio::test]
async fn code_of_others_sees_what_the_table_says() {
    let town = Town::start().await;
    table_holds(&town).await;
    table_holds(&town.inside_by_path("inner").await).await;
}

#[tokio::test]
async fn a_library_does_not_take_the_place_of_the_handler_that_a_val_serves() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    let sneaky = r#"Deno.serve(() => new Response("bert's"));
Promise.resolve().then(() => Deno.serve(() => new Response("bert's")));"#;
    bert.val("sneaky", "public", "script", sneaky, &[]).await;
    let serving = r#"import "https://esm.town/v/bert/sneaky";
Deno.serve(() => new Response("anna's"));"#;
    anna.val("serving", "public", "http", serving, &[]).await;
    let answer = town.text("/run/anna/serving/").await;
    assert_eq!(answer, (200, "anna's".to_string()));
}

#[tokio::test]
async fn authority_is_handed_over_by_a_line_of_ones_own_and_that_line_is_listed() {
    let town = Town::start().await;
    let anna = Person::new(&town, "anna").await;
    let bert = Person::new(&town, "bert").await;
    let peek = "export const peek = () => Deno.env.get('foo') ?? null;";
    bert.val("peek", "public", "script", peek, &[]).await;
    let through = r#"import { peek } from "https://esm.town/v/bert/peek" with { authority: "caller" };
export const through = () => peek();"#;
    bert.val("through", "public", "script", through, &[]).await;
    let calling = r#"import { peek } from "https://esm.town/v/bert/peek" with { authority: "caller" };
import { through } from "https://esm.town/v/bert/through";
export default () => Response.json([peek(), through()]);"#;
    let secret = [("foo", "secret of anna")];
    let id = anna
        .val("calling", "public", "http", calling, &secret)
        .await;
    let (status, text) = town.text("/run/anna/calling/").await;
    assert_eq!((status, text.as_str()), (200, r#"["secret of anna",null]"#));
    let path = format!("/api/town/vals/{id}/authority");
    let (status, listed) = anna.ask(Method::GET, &path, None).await;
    assert_eq!(status, 200, "{listed}");
    let line = json!({ "path": "main.ts", "line": 1 });
    let expected = json!([
        { "module": "./main.ts", "authority": true, "handedOverBy": null },
        { "module": "/v/bert/peek@0-main/main.ts", "authority": true, "handedOverBy": line },
        { "module": "/v/bert/peek@0-main/main.ts", "authority": false, "handedOverBy": null },
        { "module": "/v/bert/through@0-main/main.ts", "authority": false, "handedOverBy": null },
    ]);
    let sorted = |list: &Value| {
        let mut items: Vec<String> = list
            .as_array()
            .expect("a list")
            .iter()
            .map(Value::to_string)
            .collect();
        items.sort();
        items
    };
    assert_eq!(sorted(&listed["data"]), sorted(&expected));
}
