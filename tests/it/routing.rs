//! Requests that the kernel hands on by a route: what visitors see is what the program would have
//! made of them, and the program is asked again as soon as anything may be different.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::serving::{endpoint, id, run_of, save};
use crate::town::Town;

/// Hands `/in/...` on to a program of its own, and counts how often it is asked.
const HOST: &str = r#"import { loader, storage } from "town:kernel";
let asked = 0;
const source = `export default (request) => {
  const url = new URL(request.url);
  if (url.pathname === "/fail") throw new Error("it failed");
  return Response.json([url.href, request.headers.get("x-set"), request.headers.get("x-gone")]);
}`;
const inner = loader.get("inner", () => ({ main: "m.js", modules: { "m.js": { type: "js", source } } }));
const handler = {
  async fetch(request: Request) {
    asked++;
    const { origin, pathname } = new URL(request.url);
    if (pathname === "/asked") return Response.json(asked);
    if (pathname === "/commit") {
      await storage!.execute(`CREATE TABLE t${asked} (x)`);
      return new Response("committed");
    }
    return inner.fetch("http://inner" + pathname.slice("/in".length), request, {
      request: { "x-set": "yes", "x-gone": null },
      response: { append: { "x-appended": "too" } },
      route: { by: handler, from: origin + "/in", to: "http://inner", when: { "x-no": null }, revision: storage!.revision },
    });
  },
  failed: (request: Request, error: any) => Response.json([error.outcome, request.url.endsWith("/in/fail")], { status: 599 }),
};
"#;

async fn asked(town: &Town, at: &str) -> i64 {
    let text = town.text(&format!("{at}/asked")).await.1;
    text.parse().expect("a number")
}

async fn inner(town: &Town, at: &str, path: &str) -> Value {
    let request = town.bare(Method::GET, &format!("{at}/in{path}"));
    let answer = request.header("x-gone", "still").send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["x-appended"], "too");
    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
}

#[tokio::test]
async fn what_a_route_takes_does_not_ask_the_program_until_something_is_committed() {
    let town = Town::start().await;
    let code = format!("{HOST}export default handler;");
    let at = endpoint(&town.val("host", &code).await).to_string();
    for path in ["/a", "/b?c=d", "/", "/a"] {
        let expected = json!([format!("http://inner{path}"), "yes", null]);
        assert_eq!(inner(&town, &at, path).await, expected);
    }
    assert_eq!(asked(&town, &at).await, 2, "the first one, and this one");
    let request = town.bare(Method::GET, &format!("{at}/in/a"));
    let other = request.header("x-no", "1").send().await.expect("an answer");
    assert_eq!(other.status(), 200);
    assert_eq!(
        asked(&town, &at).await,
        4,
        "a header that the route forbids"
    );
    assert_eq!(town.text(&format!("{at}/commit")).await.0, 200);
    inner(&town, &at, "/a").await;
    inner(&town, &at, "/a").await;
    assert_eq!(asked(&town, &at).await, 7, "once after the commit");
}

#[tokio::test]
async fn what_fails_on_its_route_is_worded_by_the_program() {
    let town = Town::start().await;
    let code = format!("{HOST}export default handler;");
    let at = endpoint(&town.val("host", &code).await).to_string();
    inner(&town, &at, "/a").await;
    assert_eq!(
        town.text(&format!("{at}/in/fail")).await,
        (599, r#"["exception",true]"#.into())
    );
}

#[tokio::test]
async fn whoever_wraps_a_handler_goes_on_being_asked() {
    let town = Town::start().await;
    let code = format!("{HOST}export default {{ ...handler }};");
    let at = endpoint(&town.val("host", &code).await).to_string();
    for _ in 0..3 {
        inner(&town, &at, "/a").await;
    }
    assert_eq!(asked(&town, &at).await, 4);
}

async fn seen(answer: Response) -> (u16, Vec<(String, String)>, String) {
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().filter(|(name, _)| *name != "date");
    let mut headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    headers.sort();
    (status, headers, answer.text().await.expect("a body"))
}

#[tokio::test]
async fn a_val_answers_the_same_whether_the_platform_is_asked_or_not() {
    let code = r#"export default (request: Request) => {
      const url = new URL(request.url);
      if (url.pathname === "/throw") throw new Error("secret");
      const headers = new Headers({ "x-url": request.url });
      headers.append("set-cookie", "a=1; Domain=localhost; Path=/");
      headers.append("set-cookie", "town=evil; Path=/");
      if (url.pathname === "/cors") headers.set("access-control-allow-origin", "https://a.example");
      const names = ["x-forwarded-host", "x-forwarded-prefix", "x-forwarded-proto", "cookie"];
      return Response.json(names.map((name) => request.headers.get(name)), { headers });
    }"#;
    let town = Town::start().await;
    let host = endpoint(&town.val("v", code).await).to_string();
    let below = town.inside_by_host("nested").await;
    let nested = endpoint(&below.val("v", code).await).to_string();
    let ways = [
        host,
        format!("{}/run/alice/v", town.base),
        nested,
        format!("{}/run/alice/v", below.base),
        format!("{}/run/alice/nested/run/alice/v", town.base),
    ];
    for way in ways {
        for path in ["/", "/a?b", "/cors", "/throw"] {
            let at = format!("{way}{path}");
            let look = async || seen(town.bare(Method::GET, &at).send().await.expect("one")).await;
            let first = look().await;
            for _ in 0..2 {
                assert_eq!(look().await, first, "{at}");
            }
            // With a cookie the platform is asked where the val shares the host of its pages.
            let request = town
                .bare(Method::GET, &at)
                .header("cookie", "town=session; b=2");
            let (status, _, body) = seen(request.send().await.expect("one")).await;
            assert_eq!(status, first.0, "{at}");
            assert!(
                !way.contains("/run/") || !body.contains("session"),
                "{at}: {body}"
            );
        }
    }
}

#[tokio::test]
async fn a_saved_change_is_live_at_the_next_request_each_time() {
    let town = Town::start().await;
    let made = town
        .val("v", "export default () => new Response('0')")
        .await;
    for number in 1..6 {
        for _ in 0..2 {
            assert_eq!(town.run("v").await, (200, (number - 1).to_string()));
        }
        let code = format!("export default () => new Response('{number}')");
        save(&town, id(&made), "main.tsx", &code).await;
    }
    assert_eq!(town.run("v").await, (200, "5".into()));
}

#[tokio::test]
async fn a_town_within_is_on_record_for_requests_that_it_was_spared() {
    let town = Town::start().await;
    let below = town.inside_by_path("nested").await;
    below
        .val("v", "export default () => new Response('hi')")
        .await;
    for number in 0..3 {
        let at = format!("{}/run/alice/v/{number}", below.base);
        assert_eq!(town.text(&at).await.0, 200);
    }
    let (_, vals) = town.api(Method::GET, "/api/v2/me/vals", None).await;
    let vals = vals["data"].as_array().expect("a list");
    let nested = vals.iter().find(|val| val["name"] == "nested");
    let nested = id(nested.expect("the val")).to_string();
    for number in 0..3 {
        let ends = format!("/run/alice/v/{number}");
        let fits = |run: &Value| run["url"].as_str().is_some_and(|url| url.ends_with(&ends));
        let run = run_of(&town, &nested, fits).await;
        assert_eq!(
            (&run["status"], &run["outcome"]),
            (&json!(200), &json!("ok"))
        );
    }
}
