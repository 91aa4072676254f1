//! Vals are live at once, by host and by path; the same at any depth (see `nesting`).

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::town::{OWNER, PATIENCE, Town};

/// Makes each check a test in a town of its own, and all of them one suite for a town at any depth.
macro_rules! checks {
    ($($check:ident,)*) => {
        mod at_depth_0 {
            $(#[tokio::test]
            async fn $check() {
                super::$check(&crate::town::Town::start().await).await;
            })*
        }

        /// Every check of this file, in one town.
        pub async fn suite(town: &crate::town::Town) {
            $(println!("{} in {}", stringify!($check), town.base);
            $check(town).await;)*
        }
    };
}
pub(crate) use checks;

checks! {
    a_new_val_answers_at_its_endpoint_and_by_path,
    a_saved_version_answers_the_next_request,
    a_val_sees_method_path_query_headers_and_body,
    a_val_sees_the_url_of_its_own_host_and_where_it_was_mounted,
    status_headers_and_bytes_of_a_val_arrive_unchanged,
    a_redirect_of_a_val_is_left_to_the_visitor,
    a_default_export_with_fetch_and_a_single_named_export_are_handlers,
    default_cors_headers_are_there_and_a_vals_own_turn_them_off,
    a_preflight_is_answered_for_a_val_that_does_not,
    a_val_by_path_does_not_share_the_origin_of_the_pages,
    a_second_http_file_has_an_endpoint_of_its_own,
    the_storage_of_a_val_is_its_own_and_stays,
    an_unknown_val_is_not_found,
    the_front_page_lists_public_vals_and_escapes_what_it_shows,
}

/// Looks until there is something to see. It bounds how long a test hangs, not how fast the town is.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "never seen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The id in an answer.
pub fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

/// The address of the first file of a val that was made.
pub fn endpoint(made: &Value) -> &str {
    made["files"][0]["links"]["endpoint"]
        .as_str()
        .expect("an endpoint")
}

/// A header as text, empty where there is none.
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}

/// Writes a file of a val as its next version.
pub async fn save(town: &Town, val: &str, path: &str, content: &str) -> Value {
    let at = format!("/api/v2/vals/{val}/files?path={path}");
    let (status, saved) = town
        .api(Method::PUT, &at, Some(json!({ "content": content })))
        .await;
    assert_eq!(status, 200, "saving {path}: {saved}");
    saved
}

/// The newest run of a val that fits, once the town has kept it.
pub async fn run_of(town: &Town, val: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let at = format!("/api/town/vals/{val}/runs");
    eventually("a run that fits", async || {
        let (_, runs) = town.api(Method::GET, &at, None).await;
        runs["data"]
            .as_array()?
            .iter()
            .find(|run| fits(run))
            .cloned()
    })
    .await
}

/// A console line of a val with that text in it, once the town has kept it.
pub async fn line_of(town: &Town, val: &str, text: &str) -> Value {
    let at = format!("/api/town/vals/{val}/logs");
    eventually(&format!("the line {text}"), async || {
        let (_, lines) = town.api(Method::GET, &at, None).await;
        let has = |line: &&Value| {
            line["text"]
                .as_str()
                .is_some_and(|found| found.contains(text))
        };
        lines["data"].as_array()?.iter().find(has).cloned()
    })
    .await
}

pub async fn a_new_val_answers_at_its_endpoint_and_by_path(town: &Town) {
    let made = town
        .val(
            "hello",
            r#"export default (req) => Response.json("I work!")"#,
        )
        .await;
    assert_eq!(
        town.text(endpoint(&made)).await,
        (200, "\"I work!\"".into())
    );
    assert_eq!(town.run("hello").await, (200, "\"I work!\"".into()));
}

pub async fn a_saved_version_answers_the_next_request(town: &Town) {
    let code = |number: u32| format!("export default () => new Response('version {number}')");
    let made = town.val("saved", &code(0)).await;
    for number in 1..4 {
        save(town, id(&made), "main.tsx", &code(number)).await;
        let expected = (200, format!("version {number}"));
        assert_eq!(town.text(endpoint(&made)).await, expected);
        assert_eq!(town.run("saved").await, expected);
    }
}

pub async fn a_val_sees_method_path_query_headers_and_body(town: &Town) {
    let code = r#"export default async (req: Request) => {
      const { pathname, search } = new URL(req.url);
      const body = await req.text();
      return Response.json([req.method, pathname, search, req.headers.get("x-told"), body]);
    }"#;
    let made = town.val("echo", code).await;
    let by_path = format!("{}/run/{OWNER}/echo", town.base);
    for address in [endpoint(&made), &by_path] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let at = format!("{address}/a%20b/%C3%A9?q=1&q=2&empty=");
            let request = town
                .bare(method.clone(), &at)
                .header("x-told", "yes")
                .body("grüße");
            let seen = request
                .send()
                .await
                .expect("an answer")
                .text()
                .await
                .expect("a body");
            let seen: Value = serde_json::from_str(&seen).expect("JSON");
            let path = "/a%20b/%C3%A9";
            let expected = json!([method.as_str(), path, "?q=1&q=2&empty=", "yes", "grüße"]);
            assert_eq!(seen, expected, "{at}");
        }
    }
}

pub async fn a_val_sees_the_url_of_its_own_host_and_where_it_was_mounted(town: &Town) {
    let code = r#"export default (req: Request) =>
      Response.json([new URL(req.url).host, req.headers.get("x-forwarded-prefix")])"#;
    let made = town.val("where", code).await;
    let seen = async |address: &str| -> (String, String) {
        let (status, text) = town.text(address).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    };
    let by_path = format!("/run/{OWNER}/where/");
    let (host, prefix) = seen(&by_path).await;
    assert!(host.starts_with(&format!("{OWNER}--where.")), "{host}");
    let base = url::Url::parse(&town.base).expect("a base");
    let mount = base.path().trim_end_matches('/');
    assert_eq!(prefix, format!("{mount}/run/{OWNER}/where"));
    // By host it is the same program in its own eyes, and below nothing.
    let (by_host, prefix) = seen(endpoint(&made)).await;
    assert_eq!(by_host, host);
    if mount.is_empty() {
        assert_eq!(prefix, "");
    }
}

pub async fn status_headers_and_bytes_of_a_val_arrive_unchanged(town: &Town) {
    let code = r#"export default () => new Response(new Uint8Array([0, 255, 128, 10, 13]), {
      status: 418, headers: [["content-type", "image/x-test"], ["x-own", "a, b"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]],
    })"#;
    let made = town.val("bytes", code).await;
    let by_path = format!("/run/{OWNER}/bytes/");
    for address in [endpoint(&made), &by_path] {
        let response = town.get(address).await;
        assert_eq!(response.status(), 418);
        assert_eq!(header(&response, "content-type"), "image/x-test");
        assert_eq!(header(&response, "x-own"), "a, b");
        assert_eq!(
            response.headers().get_all("set-cookie").iter().count(),
            2,
            "{address}"
        );
        assert_eq!(
            &response.bytes().await.expect("a body")[..],
            [0, 255, 128, 10, 13]
        );
    }
}

pub async fn a_redirect_of_a_val_is_left_to_the_visitor(town: &Town) {
    let code = r#"export default () => Response.redirect("https://example.com/there", 307)"#;
    let made = town.val("redirect", code).await;
    let response = town.get(endpoint(&made)).await;
    assert_eq!(response.status(), 307);
    assert_eq!(header(&response, "location"), "https://example.com/there");
}

pub async fn a_default_export_with_fetch_and_a_single_named_export_are_handlers(town: &Town) {
    let object = "export default { fetch: (req: Request) => new Response('object') }";
    town.val("object", object).await;
    assert_eq!(town.run("object").await, (200, "object".into()));
    town.val(
        "named",
        "export const handler = async () => new Response('named')",
    )
    .await;
    assert_eq!(town.run("named").await, (200, "named".into()));
    let two = "export const a = () => new Response('a'); export const b = a";
    let made = town.val("two", two).await;
    let diagnostic = made["diagnostics"][0]["message"]
        .as_str()
        .expect("a diagnostic");
    assert!(
        diagnostic.contains("default export") && diagnostic.contains("a, b"),
        "{diagnostic}"
    );
    assert_eq!(town.run("two").await.0, 500);
}

pub async fn default_cors_headers_are_there_and_a_vals_own_turn_them_off(town: &Town) {
    let made = town
        .val("cors", "export default () => new Response('any')")
        .await;
    let response = town.get(endpoint(&made)).await;
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    let own = r#"export default () => new Response("own", { headers: { "access-control-max-age": "1" } })"#;
    let made = town.val("corsOwn", own).await;
    let response = town.get(endpoint(&made)).await;
    assert_eq!(header(&response, "access-control-max-age"), "1");
    assert_eq!(header(&response, "access-control-allow-origin"), "");
}

pub async fn a_preflight_is_answered_for_a_val_that_does_not(town: &Town) {
    let code = "export default (req) => { if (req.method === 'OPTIONS') throw 1; return new Response('') }";
    let made = town.val("preflight", code).await;
    let request = town.bare(Method::OPTIONS, endpoint(&made));
    let request = request.header("origin", "https://example.com");
    let request = request.header("access-control-request-method", "PUT");
    let request = request.header("access-control-request-headers", "x-one, x-two");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        "x-one, x-two"
    );
    assert!(header(&response, "access-control-allow-methods").contains("PUT"));
}

pub async fn a_val_by_path_does_not_share_the_origin_of_the_pages(town: &Town) {
    let html =
        r#"export default () => new Response("<p>", { headers: { "content-type": "text/html" } })"#;
    town.val("fenced", html).await;
    let response = town.get(&format!("/run/{OWNER}/fenced/")).await;
    let policies: Vec<&str> = response
        .headers()
        .get_all("content-security-policy")
        .iter()
        .map(|value| value.to_str().expect("text"))
        .collect();
    let fence = policies.iter().find(|policy| policy.starts_with("sandbox"));
    assert!(
        !fence
            .expect("a sandbox policy")
            .contains("allow-same-origin"),
        "{policies:?}"
    );
}

pub async fn a_second_http_file_has_an_endpoint_of_its_own(town: &Town) {
    let files = [
        (
            "main.ts",
            "http",
            "export default () => new Response('first')",
        ),
        (
            "other.ts",
            "http",
            "export default () => new Response('second')",
        ),
    ];
    let made = town.val_of("pair", &files).await;
    let endpoint = |index: usize| {
        made["files"][index]["links"]["endpoint"]
            .as_str()
            .expect("one")
    };
    assert_ne!(endpoint(0), endpoint(1));
    assert_eq!(town.text(endpoint(0)).await, (200, "first".into()));
    assert_eq!(town.text(endpoint(1)).await, (200, "second".into()));
}

pub async fn the_storage_of_a_val_is_its_own_and_stays(town: &Town) {
    let code = r#"import { storage } from "town:kernel";
    export default async () => {
      await storage.execute("CREATE TABLE IF NOT EXISTS visit (at INTEGER)");
      await storage.execute({ sql: "INSERT INTO visit VALUES (:at)", args: { at: 1 } });
      const { rows } = await storage.execute("SELECT count(*) FROM visit");
      return new Response(`${rows[0][0]} ${JSON.stringify(await storage.subs())}`);
    }"#;
    let made = town.val("counter", code).await;
    town.val("counterToo", code).await;
    assert_eq!(town.run("counter").await, (200, "1 []".into()));
    assert_eq!(town.run("counter").await, (200, "2 []".into()));
    save(
        town,
        id(&made),
        "main.tsx",
        &format!("{code}\n// A version later.\n"),
    )
    .await;
    assert_eq!(town.run("counter").await, (200, "3 []".into()));
    assert_eq!(town.run("counterToo").await, (200, "1 []".into()));
}

pub async fn an_unknown_val_is_not_found(town: &Town) {
    for path in [
        "nobody/nothing/",
        &format!("{OWNER}/nothing/"),
        "x",
        "",
        "%2F/%00/",
    ] {
        assert_eq!(
            town.text(&format!("/run/{path}")).await.0,
            404,
            "/run/{path}"
        );
    }
    assert_eq!(town.text(&format!("/@{OWNER}/nothing")).await.0, 404);
    assert_eq!(town.text("/no/such/page").await.0, 404);
    assert_eq!(town.text(&format!("/run/{OWNER}/%zz/")).await.0, 400);
    let base = url::Url::parse(&town.base).expect("a base");
    if base.path() == "/" {
        for label in ["alice--nothing", "nobody--nothing", "nothing", "--", "a--"] {
            let host = town.base.replacen("://", &format!("://{label}."), 1);
            assert_eq!(town.text(&host).await.0, 404, "{host}");
        }
    }
}

pub async fn the_front_page_lists_public_vals_and_escapes_what_it_shows(town: &Town) {
    let code = "export default () => new Response('</textarea><script>alert(1)</script>')";
    for (name, privacy) in [
        ("seenByAll", "public"),
        ("byLink", "unlisted"),
        ("mine", "private"),
    ] {
        let files = json!([{ "path": "main.ts", "type": "http", "content": code }]);
        let body = json!({ "name": name, "privacy": privacy, "files": files,
            "description": "<script>alert(2)</script>" });
        let (status, made) = town.api(Method::POST, "/api/town/vals", Some(body)).await;
        assert_eq!(status, 201, "{made}");
    }
    for page in ["/", &format!("/@{OWNER}")] {
        let (status, text) = town.text(page).await;
        assert_eq!(status, 200, "{text}");
        assert!(
            text.contains(&format!("@{OWNER}/seenByAll")),
            "{page}: {text}"
        );
        assert!(
            !text.contains("byLink") && !text.contains("/mine"),
            "{page}: {text}"
        );
        assert!(!text.contains("<script>"), "{page}: {text}");
    }
    let (status, text) = town.text(&format!("/@{OWNER}/seenByAll/code")).await;
    assert_eq!(status, 200);
    assert!(
        text.contains("&lt;script&gt;alert(1)") && !text.contains("<script>"),
        "{text}"
    );
    assert_eq!(town.text(&format!("/@{OWNER}/byLink")).await.0, 200);
    assert_eq!(town.text(&format!("/@{OWNER}/mine")).await.0, 404);
}
