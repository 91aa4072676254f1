//! The REST API: vals, files, versions, who may what; the same at any depth (see `nesting`).

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{checks, endpoint, eventually, header, id, line_of, run_of, save};
use crate::town::{OWNER, Town};

checks! {
    a_val_is_made_read_listed_and_deleted,
    a_list_is_read_page_by_page,
    every_link_of_an_answer_leads_there,
    files_are_made_changed_moved_listed_and_deleted,
    every_version_stays_readable,
    content_has_an_entity_tag,
    a_stale_write_changes_nothing,
    of_writes_with_the_same_expectation_one_is_taken,
    a_save_of_what_is_there_makes_no_version,
    names_paths_and_types_are_refused_with_the_rule,
    what_is_not_there_is_not_found,
    a_method_that_is_none_of_an_address_is_refused_with_those_that_are,
    a_taken_name_is_a_conflict,
    who_is_not_signed_in_is_told_to,
    others_may_read_but_not_change,
    a_private_val_does_not_exist_for_others,
    vals_import_each_other_by_every_form_of_name,
    an_import_stays_what_it_was_when_saved,
    the_module_host_pins_and_serves_each_reader_its_language,
    a_module_of_another_author_gets_no_authority,
    environment_variables_reach_the_val_and_are_never_shown,
    logs_and_traces_are_readable_by_the_author,
    a_save_that_does_not_compile_is_kept_and_diagnosed,
    what_is_too_large_is_refused_with_the_limit,
}

/// Posts JSON with the owner's token.
pub async fn post(town: &Town, path: &str, body: Value) -> (u16, Value) {
    town.api(Method::POST, path, Some(body)).await
}

/// What the owner reads at an address of the API.
pub async fn read(town: &Town, path: &str) -> Value {
    let (status, answer) = town.api(Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// The text of a file at a version, or at the newest.
async fn content(town: &Town, val: &str, path: &str, version: Option<u32>) -> String {
    let version = version.map_or(String::new(), |version| format!("&version={version}"));
    let at = format!("/api/v2/vals/{val}/files/content?path={path}{version}");
    let response = town
        .request(Method::GET, &at)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200, "{at}");
    response.text().await.expect("a body")
}

/// A new account; its token.
pub async fn account(town: &Town, username: &str) -> String {
    let (status, made) = post(town, "/api/town/users", json!({ "username": username })).await;
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().expect("a token").to_string()
}

/// A request of somebody else than the owner.
pub async fn as_who(
    town: &Town,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let mut request = town.bare(method.clone(), path);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let response = request.send().await.expect("an answer");
    town.described(method, path, response).await
}

/// A val of one HTTP file, made by whoever's token that is.
pub async fn make_as(town: &Town, token: &str, name: &str, privacy: &str, code: &str) -> Value {
    let files = json!([{ "path": "main.ts", "type": "http", "content": code }]);
    let body = json!({ "name": name, "privacy": privacy, "files": files });
    let made = as_who(
        town,
        Some(token),
        Method::POST,
        "/api/town/vals",
        Some(body),
    )
    .await;
    assert_eq!(made.0, 201, "{}", made.1);
    made.1
}

/// Asserts that an answer is that error.
pub fn assert_error(answer: &(u16, Value), status: u16, code: &str, words: &str) {
    assert_eq!(answer.0, status, "{}", answer.1);
    assert_eq!(answer.1["code"], code, "{}", answer.1);
    let message = answer.1["message"].as_str().expect("a message");
    assert!(message.contains(words), "{words:?} is not in {message:?}");
}

// ---- Vals ------------------------------------------------------------------------------------

pub async fn a_val_is_made_read_listed_and_deleted(town: &Town) {
    let body = json!({ "name": "made", "privacy": "unlisted", "description": "About it" });
    let (status, made) = post(town, "/api/v2/vals", body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["name"], "made");
    assert_eq!(made["version"], 0);
    assert_eq!(made["author"]["username"], OWNER);
    assert_eq!(
        read(town, &format!("/api/v2/vals/{}", id(&made))).await,
        made
    );
    assert_eq!(
        read(town, &format!("/api/v2/alias/vals/{OWNER}/made")).await,
        made
    );
    let listed = async |path: &str| {
        let vals = read(town, path).await;
        vals["data"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|val| val["id"] == made["id"])
    };
    assert!(listed("/api/v2/me/vals?limit=100").await);
    assert!(listed("/api/v2/vals?limit=100").await);
    let anyone = as_who(town, None, Method::GET, "/api/v2/vals?limit=100", None).await;
    assert!(
        !anyone.1.to_string().contains(id(&made)),
        "unlisted is not listed for others"
    );
    let at = format!("/api/v2/vals/{}", id(&made));
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    assert_error(
        &town.api(Method::GET, &at, None).await,
        404,
        "not_found",
        "Val",
    );
    assert!(!listed("/api/v2/me/vals?limit=100").await);
    assert_eq!(town.run("made").await.0, 404);
}

pub async fn a_list_is_read_page_by_page(town: &Town) {
    for number in 0..5 {
        town.val(
            &format!("page{number}"),
            "export default () => new Response('')",
        )
        .await;
    }
    for path in [
        "/api/v2/vals?limit=2&privacy=public",
        "/api/v2/me/vals?limit=2",
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut next = Some(path.to_string());
        while let Some(path) = next {
            let page = read(town, &path).await;
            let vals = page["data"].as_array().expect("a list");
            assert!((1..=2).contains(&vals.len()), "{path}: {page}");
            seen.extend(vals.iter().map(|val| id(val).to_string()));
            next = page["links"]["next"].as_str().map(str::to_string);
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count, "{path}: none twice");
        assert!(count >= 5, "{path}: {count}");
    }
    for limit in ["0", "101", "x", "-1"] {
        let answer = town
            .api(Method::GET, &format!("/api/v2/vals?limit={limit}"), None)
            .await;
        assert_error(&answer, 400, "bad_request", "limit");
    }
    let answer = town
        .api(Method::GET, "/api/v2/vals?cursor=nonsense", None)
        .await;
    assert_error(&answer, 400, "bad_request", "cursor");
}

pub async fn every_link_of_an_answer_leads_there(town: &Town) {
    let made = town
        .val("linked", "export default () => new Response('')")
        .await;
    let file = &made["files"][0]["links"];
    let me = read(town, "/api/v1/me").await;
    assert_eq!(me["username"], OWNER);
    let links = [
        &made["links"]["self"],
        &made["links"]["html"],
        &file["self"],
        &file["html"],
        &file["module"],
        &file["endpoint"],
        &me["links"]["self"],
        &me["url"],
    ];
    for link in links {
        let link = link.as_str().expect("a link");
        let answer = town
            .request(Method::GET, link)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{link}");
    }
    let own = made["links"]["self"].as_str().expect("a link");
    assert!(own.starts_with(&town.base), "{own} is at {}", town.base);
}

// ---- Files -----------------------------------------------------------------------------------

pub async fn files_are_made_changed_moved_listed_and_deleted(town: &Town) {
    let made = town
        .val("files", "export default () => new Response('')")
        .await;
    let files = format!("/api/v2/vals/{}/files", id(&made));
    let at = |path: &str| format!("{files}?path={path}");
    let paths = async |query: &str| -> Vec<String> {
        let list = read(town, &format!("{files}?{query}")).await;
        let list = list["data"].as_array().expect("a list");
        list.iter()
            .map(|file| file["path"].as_str().expect("a path").to_string())
            .collect()
    };
    let body = json!({ "type": "script", "content": "export const one = 1;\n" });
    let (status, file) = post(town, &at("lib/deep/one.ts"), body).await;
    assert_eq!((status, &file["version"]), (201, &json!(1)), "{file}");
    let (status, _) = post(town, &at("empty"), json!({ "type": "directory" })).await;
    assert_eq!(status, 201);
    assert_eq!(paths("path=").await, ["empty", "lib", "main.tsx"]);
    assert_eq!(
        paths("path=lib&recursive=true").await,
        ["lib/deep", "lib/deep/one.ts"]
    );
    let moved = json!({ "parent_path": "lib", "name": "uno.ts" });
    let (status, moved) = town
        .api(Method::PUT, &at("lib/deep/one.ts"), Some(moved))
        .await;
    assert_eq!(
        (status, &moved["path"]),
        (200, &json!("lib/uno.ts")),
        "{moved}"
    );
    assert_eq!(
        moved["id"], file["id"],
        "a file keeps its id when it is moved"
    );
    assert_eq!(
        content(town, id(&made), "lib/uno.ts", None).await,
        "export const one = 1;\n"
    );
    let by_id = read(town, &format!("/api/v2/files/{}", id(&file))).await;
    assert_eq!(by_id["path"], "lib/uno.ts");
    let refused = town.api(Method::DELETE, &at("lib"), None).await;
    assert_error(&refused, 400, "bad_request", "recursive");
    let deleted = town
        .api(
            Method::DELETE,
            &format!("{}&recursive=true", at("lib")),
            None,
        )
        .await;
    assert_eq!(deleted.0, 204);
    assert_eq!(paths("path=&recursive=true").await, ["empty", "main.tsx"]);
    assert_error(
        &town.api(Method::DELETE, &at("lib"), None).await,
        404,
        "not_found",
        "File",
    );
}

pub async fn every_version_stays_readable(town: &Town) {
    let made = town
        .val("history", "export default () => new Response('0')")
        .await;
    let val = id(&made);
    for number in 1..4 {
        let code = format!("export default () => new Response('{number}')");
        assert_eq!(save(town, val, "main.tsx", &code).await["version"], number);
    }
    let at = format!("/api/v2/vals/{val}/files?path=main.tsx");
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    for number in 0..4 {
        let code = format!("export default () => new Response('{number}')");
        assert_eq!(content(town, val, "main.tsx", Some(number)).await, code);
    }
    let gone = format!("/api/v2/vals/{val}/files/content?path=main.tsx");
    assert_error(
        &town.api(Method::GET, &gone, None).await,
        404,
        "not_found",
        "File",
    );
    let later = format!("{gone}&version=5");
    assert_error(
        &town.api(Method::GET, &later, None).await,
        404,
        "not_found",
        "Version",
    );
    assert_eq!(
        read(town, &format!("/api/v2/vals/{val}")).await["version"],
        4
    );
}

pub async fn content_has_an_entity_tag(town: &Town) {
    let made = town
        .val("tagged", "export default () => new Response('')")
        .await;
    let at = format!("/api/v2/vals/{}/files/content?path=main.tsx", id(&made));
    let get = async |name: &str, value: &str| {
        let request = town.request(Method::GET, &at).header(name, value);
        request.send().await.expect("an answer")
    };
    let first = get("accept", "*/*").await;
    assert_eq!(
        (first.status().as_u16(), header(&first, "etag")),
        (200, "\"0\"")
    );
    assert!(header(&first, "content-type").starts_with("text/plain"));
    assert_eq!(get("if-none-match", "\"0\"").await.status(), 304);
    assert_eq!(get("if-none-match", "W/\"9\", W/\"0\"").await.status(), 304);
    assert_eq!(get("if-match", "\"0\"").await.status(), 200);
    assert_eq!(get("if-match", "\"7\"").await.status(), 412);
    assert_eq!(get("if-match", "nonsense").await.status(), 400);
    save(
        town,
        id(&made),
        "main.tsx",
        "export default () => new Response('1')",
    )
    .await;
    let second = get("if-none-match", "\"0\"").await;
    assert_eq!(
        (second.status().as_u16(), header(&second, "etag")),
        (200, "\"1\"")
    );
}

pub async fn a_stale_write_changes_nothing(town: &Town) {
    let made = town
        .val("stale", "export default () => new Response('0')")
        .await;
    let val = id(&made);
    let current = "export default () => new Response('1')";
    save(town, val, "main.tsx", current).await;
    let main = format!("/api/v2/vals/{val}/files?path=main.tsx");
    let new = format!("/api/v2/vals/{val}/files?path=new.ts");
    let whole = format!("/api/v2/vals/{val}");
    let about = format!("/api/town/vals/{val}");
    let variables = format!("{whole}/environment_variables");
    let variable = json!({ "key": "STALE", "value": "stale" });
    let body = json!({ "type": "script", "content": "stale" });
    let writes = [
        (
            Method::PATCH,
            &about,
            Some(json!({ "description": "stale" })),
        ),
        (Method::POST, &variables, Some(variable)),
        (Method::PUT, &main, Some(json!({ "content": "stale" }))),
        (Method::POST, &new, Some(body.clone())),
        (Method::DELETE, &main, None),
        (Method::DELETE, &whole, None),
    ];
    let with_version = async |method: Method, at: &str, body: Option<Value>, version: &str| {
        let request = town.request(method, at).header("if-match", version);
        let request = request.header("content-type", "application/json");
        let request = request.body(body.map_or(String::new(), |body| body.to_string()));
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (
            status,
            serde_json::from_str::<Value>(&text).unwrap_or_default(),
        )
    };
    for (method, at, body) in writes {
        let refused = with_version(method, at, body, "\"0\"").await;
        assert_error(&refused, 412, "stale", "version 1, not 0");
    }
    assert_eq!(content(town, val, "main.tsx", None).await, current);
    let seen = read(town, &whole).await;
    assert_eq!(
        (&seen["version"], &seen["description"]),
        (&json!(1), &json!(null))
    );
    assert_eq!(read(town, &variables).await["data"], json!([]));
    let list = read(
        town,
        &format!("/api/v2/vals/{val}/files?path=&recursive=true"),
    )
    .await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    let (status, saved) = with_version(Method::POST, &new, Some(body), "\"1\"").await;
    assert_eq!((status, &saved["version"]), (201, &json!(2)), "{saved}");
}

pub async fn of_writes_with_the_same_expectation_one_is_taken(town: &Town) {
    let made = town
        .val("raced", "export default () => new Response('0')")
        .await;
    let at = format!("/api/v2/vals/{}/files?path=main.tsx", id(&made));
    let writes = (0..6).map(|number| {
        let code = format!("export default () => new Response('by {number}')");
        let request = town.request(Method::PUT, &at).header("if-match", "\"0\"");
        let request = request.header("content-type", "application/json");
        let request = request.body(json!({ "content": code }).to_string());
        async move {
            (
                number,
                request.send().await.expect("an answer").status().as_u16(),
            )
        }
    });
    let answers = futures_util::future::join_all(writes).await;
    let taken: Vec<u32> = answers.iter().filter(|a| a.1 == 200).map(|a| a.0).collect();
    assert_eq!(taken.len(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, status)| matches!(status, 200 | 412)),
        "{answers:?}"
    );
    assert_eq!(town.run("raced").await, (200, format!("by {}", taken[0])));
    assert_eq!(
        read(town, &format!("/api/v2/vals/{}", id(&made))).await["version"],
        1
    );
}

pub async fn a_save_of_what_is_there_makes_no_version(town: &Town) {
    let code = "export default () => new Response('same')";
    let made = town.val("same", code).await;
    assert_eq!(save(town, id(&made), "main.tsx", code).await["version"], 0);
}

// ---- Refusals --------------------------------------------------------------------------------

pub async fn names_paths_and_types_are_refused_with_the_rule(town: &Town) {
    let long = "a".repeat(49);
    for name in [
        "", "1a", "a b", "a/b", "-a", "é", "a.b", "../a", "a\0", &long,
    ] {
        let refused = post(town, "/api/town/vals", json!({ "name": name })).await;
        assert_error(&refused, 400, "bad_request", "48 letters");
    }
    let with = |path: &str, kind: &str| {
        let file = json!({ "path": path, "type": kind, "content": "" });
        json!({ "name": "refused", "files": [file] })
    };
    let segment = format!("{}.ts", "a".repeat(80));
    let deep = format!("{}a.ts", "a/".repeat(256));
    for path in [
        "",
        "/a.ts",
        "a//b.ts",
        "../a.ts",
        "a/../b.ts",
        "./a.ts",
        "a b.ts",
        "a\\b.ts",
        "é.ts",
        "a/",
        &segment,
        &deep,
    ] {
        let refused = post(town, "/api/town/vals", with(path, "script")).await;
        assert_error(&refused, 400, "bad_request", "is no path");
    }
    let refused = post(town, "/api/town/vals", with("a.ts", "cron")).await;
    assert_error(
        &refused,
        400,
        "bad_request",
        "http, script, interval, email, file",
    );
    let refused = post(town, "/api/town/vals", with("a.txt", "http")).await;
    assert_error(&refused, 400, "bad_request", "must end in");
    let refused = post(
        town,
        "/api/town/vals",
        json!({ "name": "refused", "privacy": "secret" }),
    )
    .await;
    assert_error(&refused, 400, "bad_request", "privacy");
    for body in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "a", "files": {} }),
        json!({ "name": "a", "files": [1] }),
        json!([]),
    ] {
        assert_eq!(
            post(town, "/api/town/vals", body.clone()).await.0,
            400,
            "{body}"
        );
    }
    for text in ["{", "nonsense", "\u{0}", "[[[["] {
        let request = town.request(Method::POST, "/api/town/vals").body(text);
        assert_eq!(
            request.send().await.expect("an answer").status(),
            400,
            "{text}"
        );
    }
    let (_, mine) = town
        .api(Method::GET, "/api/v2/me/vals?limit=100", None)
        .await;
    assert!(
        !mine.to_string().contains("refused"),
        "nothing of it was made: {mine}"
    );
}

pub async fn what_is_too_large_is_refused_with_the_limit(town: &Town) {
    let made = town
        .val_of("large", &[("main.ts", "script", "export {}")])
        .await;
    let small = town
        .val_of("small", &[("main.ts", "script", "export {}")])
        .await;
    let at = format!("/api/v2/vals/{}/files?path=big.txt", id(&made));
    let text = "x".repeat((8 << 20) + 1);
    let refused = post(town, &at, json!({ "type": "file", "content": text })).await;
    assert_error(&refused, 413, "too_large", "8388608");
    let body = json!({ "type": "file", "content": &text[1..] });
    assert_eq!(post(town, &at, body).await.0, 201);
    assert_eq!(
        content(town, id(&made), "big.txt", None).await.len(),
        8 << 20
    );
    // The owner of the town may allow less.
    let settings = async |wish: Value| {
        town.api(Method::PATCH, "/api/town/settings", Some(wish))
            .await
    };
    let (status, old) = settings(json!({ "fileBytes": 1000, "valFiles": 2 })).await;
    assert_eq!((status, &old["valBytes"]), (200, &json!(64 << 20)), "{old}");
    let add = async |path: &str, length: usize| {
        let at = format!("/api/v2/vals/{}/files?path={path}", id(&small));
        post(
            town,
            &at,
            json!({ "type": "file", "content": "x".repeat(length) }),
        )
        .await
    };
    assert_error(&add("a.txt", 1001).await, 413, "too_large", "1000 bytes");
    assert_eq!(add("a.txt", 1000).await.0, 201);
    assert_error(&add("b.txt", 1).await, 413, "too_large", "2 files");
    let (status, _) = settings(json!({ "fileBytes": 8 << 20, "valFiles": 10_000 })).await;
    assert_eq!(status, 200);
    let refused = settings(json!({ "fileBytes": (8 << 20) + 1 })).await;
    assert_error(&refused, 400, "bad_request", "8388608");
    let description = json!({ "name": "largeToo", "description": "x".repeat(65) });
    assert_error(
        &post(town, "/api/v2/vals", description).await,
        400,
        "bad_request",
        "64",
    );
}

pub async fn what_is_not_there_is_not_found(town: &Town) {
    let made = town
        .val("there", "export default () => new Response('')")
        .await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for path in [
        format!("/api/v2/vals/{nobody}"),
        format!("/api/v2/vals/{nobody}/files?path="),
        format!("/api/v2/files/{nobody}"),
        format!("/api/v2/alias/vals/{OWNER}/nothing"),
        format!("/api/v2/vals/{}/files?path=nothing.ts", id(&made)),
        format!("/api/v2/vals/{}/files/content?path=nothing.ts", id(&made)),
        format!("/api/v2/vals/{}/branches/{nobody}", id(&made)),
        format!("/api/town/vals/{}/runs/0123456789abcdef", id(&made)),
        "/api/v1/alias/nobody".into(),
        "/api/v1/users/nobody".into(),
        "/api/v2/nothing".into(),
        "/api/".into(),
        "/api/town/system/files/no/such.ts".into(),
    ] {
        let answer = town.api(Method::GET, &path, None).await;
        assert_error(&answer, 404, "not_found", "not found");
    }
}

pub async fn a_method_that_is_none_of_an_address_is_refused_with_those_that_are(town: &Town) {
    let answer = town
        .request(Method::PATCH, "/api/v2/vals")
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "allow")),
        (405, "GET, POST")
    );
}

pub async fn a_taken_name_is_a_conflict(town: &Town) {
    let made = town
        .val("taken", "export default () => new Response('first')")
        .await;
    for path in ["/api/v2/vals", "/api/town/vals", "/api/town/instances"] {
        let refused = post(town, path, json!({ "name": "taken" })).await;
        assert_error(&refused, 409, "name_taken", "taken");
    }
    let at = format!("/api/v2/vals/{}/files?path=main.tsx", id(&made));
    let refused = post(town, &at, json!({ "type": "http", "content": "" })).await;
    assert_error(&refused, 409, "name_taken", "main.tsx");
    let inside = format!("/api/v2/vals/{}/files?path=main.tsx/a.ts", id(&made));
    let refused = post(town, &inside, json!({ "type": "script", "content": "" })).await;
    assert_error(&refused, 409, "name_taken", "main.tsx is a file");
    let refused = post(town, "/api/town/users", json!({ "username": OWNER })).await;
    assert_error(&refused, 409, "name_taken", OWNER);
    assert_eq!(town.run("taken").await, (200, "first".into()));
}

pub async fn who_is_not_signed_in_is_told_to(town: &Town) {
    let made = town
        .val("guarded", "export default () => new Response('')")
        .await;
    let val = format!("/api/v2/vals/{}", id(&made));
    let file = format!("{val}/files?path=main.tsx");
    let name = json!({ "name": "byNobody" });
    let requests = [
        (Method::GET, "/api/v1/me", None),
        (Method::GET, "/api/v2/me/vals", None),
        (Method::POST, "/api/v2/vals", Some(name.clone())),
        (Method::POST, "/api/town/vals", Some(name.clone())),
        (Method::POST, "/api/town/instances", Some(name.clone())),
        (
            Method::POST,
            "/api/town/users",
            Some(json!({ "username": "mallory" })),
        ),
        (Method::DELETE, &val, None),
        (Method::PUT, &file, Some(json!({ "content": "" }))),
        (Method::DELETE, &file, None),
        (Method::GET, "/api/v1/telemetry/logs", None),
        (Method::GET, "/api/v1/telemetry/traces", None),
        (Method::GET, "/api/town/system", None),
        (
            Method::PUT,
            "/api/town/system/files/main.ts",
            Some(json!({ "source": "" })),
        ),
        (Method::DELETE, "/api/town/system", None),
        (Method::POST, "/api/town/system/reload", None),
    ];
    for (method, path, body) in requests {
        for token in [None, Some("nonsense"), Some("")] {
            let answer = as_who(town, token, method.clone(), path, body.clone()).await;
            assert_eq!(answer.0, 401, "{method} {path} {token:?}: {}", answer.1);
            assert_error(&answer, 401, "unauthorized", "");
        }
    }
    // A token that is none is refused even where none is needed.
    let answer = as_who(town, Some("nonsense"), Method::GET, "/api/v2/vals", None).await;
    assert_error(&answer, 401, "unauthorized", "unknown");
}

pub async fn others_may_read_but_not_change(town: &Town) {
    let bob = account(town, "bobReader").await;
    let code = "export default () => new Response('mine')";
    let made = town.val("open", code).await;
    let val = format!("/api/v2/vals/{}", id(&made));
    let file = format!("{val}/files?path=main.tsx");
    let variables = format!("{val}/environment_variables");
    assert_eq!(
        as_who(town, Some(&bob), Method::GET, &val, None).await.0,
        200
    );
    assert_eq!(as_who(town, None, Method::GET, &file, None).await.0, 200);
    let variable = json!({ "key": "A", "value": "B" });
    let new = format!("{val}/files?path=new.ts");
    let script = json!({ "type": "script", "content": "" });
    let logs = format!("/api/town/vals/{}/logs", id(&made));
    let runs = format!("/api/town/vals/{}/runs", id(&made));
    let requests = [
        (
            Method::PUT,
            file.as_str(),
            Some(json!({ "content": "theirs" })),
        ),
        (Method::POST, &new, Some(script)),
        (Method::DELETE, &file, None),
        (Method::DELETE, &val, None),
        (Method::POST, &variables, Some(variable)),
        (Method::GET, &variables, None),
        (Method::GET, &logs, None),
        (Method::GET, &runs, None),
        // What only the owner of the town may.
        (
            Method::POST,
            "/api/town/users",
            Some(json!({ "username": "mallory" })),
        ),
        (Method::GET, "/api/town/system", None),
        (
            Method::PUT,
            "/api/town/system/files/main.ts",
            Some(json!({ "source": "" })),
        ),
        (Method::POST, "/api/town/system/reload", None),
    ];
    for (method, path, body) in requests {
        let answer = as_who(town, Some(&bob), method.clone(), path, body).await;
        assert_eq!(answer.0, 403, "{method} {path}: {}", answer.1);
        assert_error(&answer, 403, "forbidden", "Only the");
    }
    assert_eq!(content(town, id(&made), "main.tsx", None).await, code);
}

pub async fn a_private_val_does_not_exist_for_others(town: &Town) {
    let bob = account(town, "bobPrivate").await;
    let made = make_as(
        town,
        &bob,
        "secret",
        "private",
        "export const word = 'bobs word'",
    )
    .await;
    let val = format!("/api/v2/vals/{}", id(&made));
    let file = made["files"][0]["links"]["self"]
        .as_str()
        .expect("a link")
        .to_string();
    let paths = [
        val.clone(),
        file,
        format!("{val}/files?path="),
        format!("{val}/files/content?path=main.ts"),
        format!("{val}/branches"),
        "/api/v2/alias/vals/bobPrivate/secret".into(),
        "/v/bobPrivate/secret".into(),
        "/v/bobPrivate/secret@0-main/main.ts".into(),
    ];
    // The owner of the town is somebody else too.
    for path in &paths {
        let own = as_who(town, Some(&bob), Method::GET, path, None).await.0;
        assert!(matches!(own, 200 | 302), "{path}: {own}");
        let (status, answer) = as_who(town, None, Method::GET, path, None).await;
        assert_eq!(status, 404, "{path}: {answer}");
        let (status, answer) = town.api(Method::GET, path, None).await;
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(!answer.to_string().contains("bobs word"));
    }
    for page in [
        "/@bobPrivate/secret",
        "/@bobPrivate/secret/code",
        "/@bobPrivate/secret/logs",
    ] {
        assert_eq!(town.text(page).await.0, 404, "{page}");
    }
    assert!(!town.text("/@bobPrivate").await.1.contains("secret"));
    for (method, path) in [
        (Method::DELETE, val.clone()),
        (Method::PUT, paths[2].clone()),
    ] {
        let answer = town
            .api(method, &path, Some(json!({ "content": "" })))
            .await;
        assert_error(&answer, 404, "not_found", "Val");
    }
    // Nor can it be imported.
    let code = r#"import { word } from "https://esm.town/v/bobPrivate/secret/main.ts";
      export default () => new Response(word)"#;
    let thief = town.val("thief", code).await;
    let diagnostics = thief["diagnostics"].to_string();
    assert!(
        diagnostics.contains("no val bobPrivate/secret"),
        "{diagnostics}"
    );
    let (status, text) = town.run("thief").await;
    assert_eq!(status, 500);
    assert!(!text.contains("bobs word"));
    assert_eq!(
        as_who(town, Some(&bob), Method::GET, &val, None).await.0,
        200,
        "it is still there"
    );
}

#[tokio::test]
async fn large_saves_in_a_row_leave_the_program_its_memory() {
    let town = Town::start_with(&["--memory-limit", "160"]).await;
    let made = town
        .val_of("many", &[("main.ts", "script", "export {}")])
        .await;
    for number in 0..24 {
        // Each of other characters: what is kept by content must not add up either.
        let text = format!("{number} ").repeat(700_000);
        let at = format!("/api/v2/vals/{}/files?path=file{number}.txt", id(&made));
        let (status, saved) = post(&town, &at, json!({ "type": "file", "content": text })).await;
        assert_eq!(status, 201, "save {number}: {saved}");
    }
    assert!(!town.log().contains("memory"), "{}", town.log());
}

#[tokio::test]
async fn json_from_outside_is_read_and_written_however_deep() {
    let town = Town::start().await;
    let code = "export default async (req) => Response.json(await req.json())";
    let made = town.val("mirror", code).await;
    let mirror = async |text: String| {
        let request = town.bare(Method::POST, endpoint(&made)).body(text);
        let answer = request.send().await.expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a body"),
        )
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(mirror(nested(4_000)).await, (200, nested(4_000)));
    for depth in [6_000, 1_000_000] {
        assert_eq!(
            mirror(nested(depth)).await,
            (500, "This val threw an error\n".into())
        );
        let error = run_of(&town, id(&made), |run| run["outcome"] != "ok").await;
        assert_eq!(
            error["outcome"], "exception",
            "an error and no crash: {error}"
        );
    }
    let text = r#"{"a":[1,-0.5,1e21,"\ud83d\ude00é",null,true],"__proto__":{"b":2},"":{}}"#;
    let expected = text
        .replace("1e21", "1e+21")
        .replace("\\ud83d\\ude00", "\u{1f600}");
    assert_eq!(mirror(text.into()).await, (200, expected));
}

// ---- Modules ---------------------------------------------------------------------------------

pub async fn vals_import_each_other_by_every_form_of_name(town: &Town) {
    let files = [
        (
            "main.ts",
            "script",
            "export { greet } from './parts/greet.ts';",
        ),
        (
            "parts/greet.ts",
            "script",
            "import { mark } from '../mark.ts';\nexport const greet = (whom: string): string => `Hello ${whom}${mark}`;",
        ),
        ("mark.ts", "script", "export const mark = '!';"),
    ];
    town.val_of("greeter", &files).await;
    let forms = [
        "https://esm.town/v/alice/greeter/main.ts",
        "https://esm.town/v/alice/greeter",
        "https://esm.town/v/alice/greeter/parts/greet.ts",
        "https://esm.town/v/alice/greeter@0-main/main.ts",
        "https://esm.town/v/alice/greeter@0/main.ts",
        "https://esm.town/v/alice/greeter/main.ts?v=0",
        "/v/alice/greeter/main.ts",
        "/v/alice/greeter@0-main/parts/greet.ts",
    ];
    for (number, form) in forms.iter().enumerate() {
        let code = format!(
            "import {{ greet }} from \"{form}\";\nexport default () => new Response(greet(\"{number}\"))"
        );
        let name = format!("greets{number}");
        let made = town.val(&name, &code).await;
        assert_eq!(made["diagnostics"], json!([]), "{form}");
        assert_eq!(
            town.run(&name).await,
            (200, format!("Hello {number}!")),
            "{form}"
        );
    }
    let data = [
        (
            "main.ts",
            "http",
            "import list from './list.json' with { type: 'json' };\nimport { n } from './n.js';\nexport default () => Response.json([...list, n])",
        ),
        ("list.json", "file", "[1, 2]"),
        ("n.js", "script", "export const n = 3"),
    ];
    let made = town.val_of("data", &data).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(town.run("data").await, (200, "[1,2,3]".into()));
}

pub async fn an_import_stays_what_it_was_when_saved(town: &Town) {
    let library = town.val("library", "export const number = 1").await;
    let code = |form: &str| {
        format!(
            "import {{ number }} from \"https://esm.town/v/alice/library{form}/main.tsx\";\nexport default () => new Response(String(number))"
        )
    };
    let unpinned = town.val("usesNewest", &code("")).await;
    save(town, id(&library), "main.tsx", "export const number = 2").await;
    assert_eq!(
        town.run("usesNewest").await,
        (200, "1".into()),
        "pinned by its own save"
    );
    town.val("usesOld", &code("@0-main")).await;
    town.val("usesNow", &code("")).await;
    assert_eq!(town.run("usesOld").await, (200, "1".into()));
    assert_eq!(town.run("usesNow").await, (200, "2".into()));
    save(town, id(&unpinned), "main.tsx", &format!("{}\n", code(""))).await;
    assert_eq!(
        town.run("usesNewest").await,
        (200, "2".into()),
        "its next save takes the newest"
    );
    let missing = town.val("usesNone", &code("@9-main")).await;
    assert!(
        missing["diagnostics"].to_string().contains("library@9"),
        "{missing}"
    );
}

pub async fn the_module_host_pins_and_serves_each_reader_its_language(town: &Town) {
    let code = "export const one: number = 1;\n";
    town.val_of(
        "modules",
        &[("main.ts", "script", code), ("note.txt", "file", "text")],
    )
    .await;
    let base = url::Url::parse(&format!("{}/", town.base)).expect("a base");
    for unpinned in [
        "/v/alice/modules",
        "/v/alice/modules/main.ts",
        "/v/alice/modules@0",
    ] {
        let answer = town.get(unpinned).await;
        assert_eq!(answer.status(), 302, "{unpinned}");
        let location = base.join(header(&answer, "location")).expect("an address");
        let pinned = format!("{}/v/alice/modules@0-main/main.ts", town.base);
        assert_eq!(location.as_str(), pinned);
    }
    let pinned = "/v/alice/modules@0-main/main.ts";
    let as_browser = town.get(pinned).await;
    assert!(header(&as_browser, "content-type").starts_with("text/javascript"));
    assert!(header(&as_browser, "cache-control").contains("immutable"));
    let tag = header(&as_browser, "etag").to_string();
    let text = as_browser.text().await.expect("a body");
    assert!(
        text.contains("export const one = 1") && !text.contains("number"),
        "{text}"
    );
    for (name, value) in [
        ("user-agent", "Deno/2.4.0"),
        ("accept", "application/typescript"),
    ] {
        let request = town.bare(Method::GET, pinned).header(name, value);
        let answer = request.send().await.expect("an answer");
        assert_ne!(header(&answer, "etag"), tag);
        assert_eq!(answer.text().await.expect("a body"), code, "{value}");
    }
    let request = town.bare(Method::GET, pinned).header("if-none-match", &tag);
    assert_eq!(request.send().await.expect("an answer").status(), 304);
    assert_eq!(
        town.text("/v/alice/modules@0-main/note.txt").await,
        (200, "text".into())
    );
    for missing in [
        "modules@1-main/main.ts",
        "modules@0-other/main.ts",
        "modules@0-main/no.ts",
        "nothing",
    ] {
        assert_eq!(
            town.text(&format!("/v/alice/{missing}")).await.0,
            404,
            "{missing}"
        );
    }
}

pub async fn a_module_of_another_author_gets_no_authority(town: &Town) {
    let bob = account(town, "bobLibrary").await;
    let spy = r#"import * as kernel from "town:kernel";
      export const authority = () => [
        typeof kernel.storage, typeof kernel.loader, typeof kernel.system,
        kernel.env?.SECRET ?? null, (import.meta as any).env?.SECRET ?? null,
      ];"#;
    make_as(town, &bob, "spy", "public", spy).await;
    town.val("ownSpy", spy).await;
    let code = |author: &str, file: &str| {
        format!(
            "import {{ authority }} from \"https://esm.town/v/{author}/{file}\";\nexport default () => Response.json(authority())"
        )
    };
    for (name, code) in [
        ("usesTheirs", code("bobLibrary", "spy/main.ts")),
        ("usesOwn", code("alice", "ownSpy/main.tsx")),
    ] {
        let made = town.val(name, &code).await;
        let variables = format!("/api/v2/vals/{}/environment_variables", id(&made));
        let variable = json!({ "key": "SECRET", "value": "word of alice" });
        assert_eq!(post(town, &variables, variable).await.0, 201);
    }
    let (status, text) = town.run("usesTheirs").await;
    assert_eq!(status, 200, "{text}");
    let none = json!(["undefined", "undefined", "undefined", null, null]);
    assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), none);
    // The same module of one's own has all of it, so the above is no accident.
    let (status, text) = town.run("usesOwn").await;
    assert_eq!(status, 200, "{text}");
    let word = "word of alice";
    let all = json!(["object", "object", "object", word, word]);
    assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), all);
}

// ---- What a val is given and what it leaves --------------------------------------------------

pub async fn environment_variables_reach_the_val_and_are_never_shown(town: &Town) {
    let code = r#"import { env } from "town:kernel";
      export default () => Response.json([
        Deno.env.get("WORD") ?? null, process.env.WORD ?? null, import.meta.env.WORD ?? null, env.WORD ?? null,
      ])"#;
    let made = town.val("settings", code).await;
    let at = format!("/api/v2/vals/{}/environment_variables", id(&made));
    let seen = |word: Option<&str>| (200, json!([word, word, word, word]).to_string());
    assert_eq!(town.run("settings").await, seen(None));
    let (status, variable) = post(town, &at, json!({ "key": "WORD", "value": "first" })).await;
    assert_eq!(
        (status, &variable["key"]),
        (201, &json!("WORD")),
        "{variable}"
    );
    assert!(!variable.to_string().contains("first"));
    assert_eq!(town.run("settings").await, seen(Some("first")));
    let one = format!("{at}/WORD");
    let changed = town
        .api(Method::PUT, &one, Some(json!({ "value": "second" })))
        .await;
    assert_eq!(changed.0, 200, "{}", changed.1);
    assert_eq!(town.run("settings").await, seen(Some("second")));
    let list = read(town, &at).await;
    assert_eq!(list["data"][0]["key"], "WORD");
    assert!(!list.to_string().contains("second"));
    let taken = post(town, &at, json!({ "key": "WORD", "value": "third" })).await;
    assert_error(&taken, 409, "name_taken", "WORD");
    for key in ["", "1A", "A B", "A=B", "É"] {
        let refused = post(town, &at, json!({ "key": key, "value": "" })).await;
        assert_error(&refused, 400, "bad_request", "key");
    }
    assert_eq!(town.api(Method::DELETE, &one, None).await.0, 204);
    assert_eq!(town.run("settings").await, seen(None));
    assert_error(
        &town.api(Method::DELETE, &one, None).await,
        404,
        "not_found",
        "variable",
    );
}

pub async fn logs_and_traces_are_readable_by_the_author(town: &Town) {
    let bob = account(town, "bobLogs").await;
    let code = r#"export default (req: Request) => {
      console.log("seen", { path: new URL(req.url).pathname });
      console.error("bad");
      return new Response("", { status: 207 });
    }"#;
    let made = town.val("logging", code).await;
    assert_eq!(
        town.text(&format!("/run/{OWNER}/logging/here")).await.0,
        207
    );
    let line = line_of(town, id(&made), "/here").await;
    assert_eq!(line["level"], "log");
    assert!(
        line["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("seen ")),
        "{line}"
    );
    assert_eq!(line_of(town, id(&made), "bad").await["level"], "error");
    let run = run_of(town, id(&made), |run| run["status"] == 207).await;
    assert_eq!(
        (&run["outcome"], &run["method"]),
        (&json!("ok"), &json!("GET")),
        "{run}"
    );
    assert_eq!(run["id"], line["run"], "the line says of which run it is");
    let whole = format!("/api/town/vals/{}/runs/{}", id(&made), id(&run));
    let whole = read(town, &whole).await;
    assert_eq!(whole["logs"].as_array().map(Vec::len), Some(2), "{whole}");

    let file = made["files"][0]["id"].as_str().expect("an id");
    let traces = format!("/api/v1/telemetry/traces?file_id={file}");
    let trace = eventually("the trace", async || {
        read(town, &traces).await["data"].get(0).cloned()
    })
    .await;
    assert_eq!(trace["status"]["code"], 1, "{trace}");
    let attributes = trace["attributes"].to_string();
    assert!(
        attributes.contains("town.outcome") && attributes.contains("207"),
        "{attributes}"
    );
    let logs = read(town, &format!("/api/v1/telemetry/logs?file_id={file}")).await;
    let logs = logs["data"].as_array().expect("a list");
    assert_eq!(logs.len(), 2, "{logs:?}");
    assert!(
        logs.iter().all(|log| log["traceId"] == trace["traceId"]),
        "{logs:?}"
    );
    for path in ["/api/v1/telemetry/traces", "/api/v1/telemetry/logs"] {
        let (status, theirs) = as_who(town, Some(&bob), Method::GET, path, None).await;
        assert_eq!(
            (status, &theirs["data"]),
            (200, &json!([])),
            "others see none of it"
        );
    }
}

pub async fn a_save_that_does_not_compile_is_kept_and_diagnosed(town: &Town) {
    let made = town
        .val("halfway", "export default () => new Response('whole')")
        .await;
    let code = "const fine = 1;\nexport default () => new Response('half'";
    let saved = save(town, id(&made), "main.tsx", code).await;
    let diagnostic = &saved["diagnostics"][0];
    assert_eq!(diagnostic["line"], 2, "{saved}");
    assert_eq!(
        content(town, id(&made), "main.tsx", None).await,
        code,
        "nothing typed is lost"
    );
    assert_eq!(town.run("halfway").await.0, 500);
    save(
        town,
        id(&made),
        "main.tsx",
        "export default () => new Response('again')",
    )
    .await;
    assert_eq!(town.run("halfway").await, (200, "again".into()));
    assert_eq!(
        endpoint(&made),
        saved["links"]["endpoint"],
        "its address has not changed"
    );
}
