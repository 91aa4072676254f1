//! Trying a changed platform on a copy of the town's own data.

use reqwest::Method;
use serde_json::{Value, json};

use crate::changing::{fork_home, get, ok, post};
use crate::serving::id;
use crate::town::Town;

/// Counts its visits, and says whether it has its variable.
const COUNTS: &str = r#"import { storage } from "town:kernel";
export default async (request: Request) => {
  const { searchParams } = new URL(request.url);
  if (searchParams.has("fetch")) return new Response(await fetch(searchParams.get("fetch")!).then((r) => r.text(), String));
  await storage!.batch(["CREATE TABLE IF NOT EXISTS visit (at)", "INSERT INTO visit VALUES (1)"]);
  const { rows } = await storage!.execute("SELECT count(*) FROM visit");
  return Response.json([rows[0][0], Deno.env.get("SEALED") ?? null]);
};"#;

#[tokio::test]
async fn a_trial_on_a_copy_has_what_people_made_and_can_act_for_nobody() {
    let town = Town::start().await;
    let bob = json!({ "username": "bob" });
    let (_, bob) = town.api(Method::POST, "/api/town/users", Some(bob)).await;
    let bob = bob["token"].as_str().expect("a token").to_string();
    let counts = town.val("counts", COUNTS).await;
    let at = format!("/api/v2/vals/{}/environment_variables", id(&counts));
    let body = json!({ "key": "SEALED", "value": "a secret" });
    assert_eq!(town.api(Method::POST, &at, Some(body)).await.0, 201);
    for visits in 1..3 {
        let seen = (200, format!(r#"[{visits},"a secret"]"#));
        assert_eq!(town.run("counts").await, seen);
    }
    let ticks = "export default () => console.log('ticked');";
    let ticks = town
        .val_of("ticks", &[("cron.ts", "interval", ticks)])
        .await;
    let schedule = format!("/api/town/files/{}/schedule", id(&ticks["files"][0]));
    let wish = json!({ "schedule": "every 15 minutes" });
    assert_eq!(town.api(Method::PUT, &schedule, Some(wish)).await.0, 200);
    let relay = "/api/town/email/relay";
    let body = json!({ "kind": "postmark", "token": "a token" });
    let (status, set) = town.api(Method::PUT, relay, Some(body)).await;
    assert_eq!(status, 200, "{set}");
    let inner = town.inside_by_path("inner").await;
    inner
        .val("guest", "export default () => new Response()")
        .await;
    let fork = fork_home(&town, "front", "Mine").await;

    let wish = json!({ "val": id(&fork), "snapshot": true });
    let (status, _) = {
        let as_bob = town.other(&town.base, &bob);
        post(&as_bob, "trials", wish.clone()).await
    };
    assert_eq!(status, 403, "everybody's data is for the owner");
    let trial = ok(&town, "trials", wish).await;
    let url = trial["url"].as_str().expect("a url").to_string();
    let there = town.other(&url, trial["token"].as_str().expect("a token"));
    assert!(there.text("/").await.1.contains("<h1>Mine</h1>"));
    let seen = (200, "[3,null]".to_string());
    assert_eq!(there.run("counts").await, seen, "its rows, no variable");
    let seen = (200, r#"[3,"a secret"]"#.to_string());
    assert_eq!(town.run("counts").await, seen, "each goes its own way");
    let (_, vals) = there.api(Method::GET, "/api/v2/vals", None).await;
    let names = vals["data"].as_array().expect("vals").iter();
    let mut names: Vec<&str> = names.filter_map(|val| val["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["counts", "front", "inner", "ticks"]);

    // Nothing is due, nobody else is let in, no mail leaves, a town inside sleeps and is empty.
    let (_, paused) = there.api(Method::GET, &schedule, None).await;
    assert_eq!(
        (&paused["paused"], &paused["dueAt"]),
        (&json!(true), &Value::Null)
    );
    let (_, goes_on) = town.api(Method::GET, &schedule, None).await;
    assert_eq!(goes_on["paused"], false);
    for token in [town.token(), &bob] {
        let stranger = town.other(&url, token);
        assert_eq!(stranger.api(Method::GET, "/api/v1/me", None).await.0, 401);
    }
    assert_eq!(there.api(Method::GET, relay, None).await.0, 404);
    assert_eq!(there.text("/run/alice/inner/").await.0, 503);
    let size = format!(
        "/api/town/instances/{}",
        id(&instance(&there, "inner").await)
    );
    let (_, size) = there.api(Method::GET, &size, None).await;
    assert_eq!(size["usage"]["storageBytes"], 0, "{size}");
    // It reaches itself, and neither the town around it nor anybody else.
    let asked = async |address: &str| {
        there
            .text(&format!("/run/alice/counts/?fetch={address}"))
            .await
            .1
    };
    assert!(
        asked(&format!("{url}/api/openapi.json"))
            .await
            .contains("openapi")
    );
    for address in [town.base.as_str(), "http://example.com/"] {
        let answer = asked(address).await;
        assert!(answer.contains("may not reach"), "{address}: {answer}");
    }
    let listed = get(&town, "trials").await;
    assert_eq!(listed["data"][0]["snapshot"], true);
    let gone = format!("/api/town/system/trials/{}", id(&trial["val"]));
    assert_eq!(town.api(Method::DELETE, &gone, None).await.0, 204);
    assert_eq!(town.get(&url).await.status(), 404);
}

async fn instance(town: &Town, name: &str) -> Value {
    let (_, list) = town.api(Method::GET, "/api/town/instances", None).await;
    let list = list["data"].as_array().expect("a list").clone();
    let found = list.into_iter().find(|instance| instance["name"] == name);
    found.expect("a town of that name")
}
