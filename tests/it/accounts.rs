//! Accounts: signing up and in, tokens, sessions and what another site may do with them, and the
//! end of an account.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::api::{account, as_who, assert_error, make_as, post, read};
use crate::serving::{header, id};
use crate::town::{OWNER, TOKEN, Town};

const PASSWORD: &str = "a password of some length";

/// A town that takes its time: to check a password is to stand still, on a busy machine for long.
async fn start() -> Town {
    start_root().await.somewhere_inside().await
}

/// The same with a folder of its own, for a test that looks into it.
async fn start_root() -> Town {
    Town::start_with(&["--stall-limit", "60000"]).await
}

/// A form as a browser posts it.
async fn form(town: &Town, path: &str, fields: &str) -> Response {
    let request = town
        .bare(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(fields.to_string());
    request.send().await.expect("an answer")
}

/// Signs in; the cookie, or the status that refused it.
async fn sign_in(town: &Town, username: &str, password: &str) -> Result<String, u16> {
    let fields = format!(
        "username={username}&password={}",
        password.replace(' ', "+")
    );
    let answer = form(town, "/signin", &fields).await;
    if answer.status() != 303 {
        return Err(answer.status().as_u16());
    }
    let cookie = header(&answer, "set-cookie");
    Ok(cookie.split(';').next().expect("a pair").to_string())
}

async fn sign_up(town: &Town, body: Value) -> (u16, Value) {
    as_who(town, None, Method::POST, "/api/town/sign-up", Some(body)).await
}

async fn settings(town: &Town, sign_up: &str) {
    let body = Some(json!({ "signUp": sign_up }));
    assert_eq!(
        town.api(Method::PATCH, "/api/town/settings", body).await.0,
        200
    );
}

#[tokio::test]
async fn who_may_sign_up_is_a_setting() {
    let town = start().await;
    let wish = |name: &str| json!({ "username": name, "password": PASSWORD });
    let refused = sign_up(&town, wish("early")).await;
    assert_error(&refused, 403, "closed", "no new accounts");

    settings(&town, "invitation").await;
    assert_error(
        &sign_up(&town, wish("uninvited")).await,
        403,
        "forbidden",
        "invitation",
    );
    let (status, made) = post(&town, "/api/town/invitations", json!({})).await;
    assert_eq!(status, 201, "{made}");
    let invited =
        |name: &str| json!({ "username": name, "password": PASSWORD, "invitation": made["code"] });
    // Of several at the same moment one gets in; a name that is refused does not use it up.
    assert_error(
        &sign_up(&town, invited(OWNER)).await,
        409,
        "name_taken",
        OWNER,
    );
    let guests = ["guestA", "guestB", "guestC"];
    let tries = guests.map(|name| sign_up(&town, invited(name)));
    let answers = futures_util::future::join_all(tries).await;
    let let_in = answers.iter().filter(|answer| answer.0 == 201).count();
    assert_eq!(let_in, 1, "{answers:?}");
    assert!(
        answers.iter().all(|answer| matches!(answer.0, 201 | 403)),
        "{answers:?}"
    );
    assert_eq!(
        read(&town, "/api/town/invitations").await["data"],
        json!([])
    );

    settings(&town, "open").await;
    let (status, made) = sign_up(&town, wish("anybody")).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["user"]["role"], "member", "{made}");
    assert!(sign_in(&town, "anybody", PASSWORD).await.is_ok());
    for (name, words) in [
        ("1a", "29 letters"),
        ("a--b", "29 letters"),
        ("std", "taken"),
        ("Anybody", "taken"),
    ] {
        let refused = sign_up(&town, wish(name)).await;
        assert!(
            refused.1["message"]
                .as_str()
                .is_some_and(|text| text.contains(words)),
            "{name}: {}",
            refused.1
        );
    }
    let short = json!({ "username": "short", "password": "1234567" });
    assert_error(
        &sign_up(&town, short).await,
        400,
        "bad_request",
        "8 characters",
    );
}

#[tokio::test]
async fn guesses_at_a_password_are_bounded_and_disturb_nobody_else() {
    let town = start().await;
    for name in ["bob", "carol"] {
        let body = json!({ "username": name, "password": PASSWORD });
        assert_eq!(post(&town, "/api/town/users", body).await.0, 201);
    }
    let mut refused = Vec::new();
    for guess in 0..12 {
        refused.push(sign_in(&town, "bob", &format!("a guess {guess}")).await);
    }
    assert_eq!(
        refused[..10],
        [const { Err(401) }; 10].map(|error: Result<String, u16>| error)
    );
    assert_eq!(refused[11], Err(429));
    assert_eq!(
        sign_in(&town, "bob", PASSWORD).await,
        Err(429),
        "right or wrong"
    );
    assert!(
        sign_in(&town, "carol", PASSWORD).await.is_ok(),
        "others are let in"
    );
    let answer = form(&town, "/signin", "username=bob&password=x").await;
    let wait: u32 = header(&answer, "retry-after").parse().expect("seconds");
    assert!((1..=900).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_until_it_is_revoked() {
    let town = start().await;
    let tokens = "/api/town/tokens";
    let make = async |body: Value| post(&town, tokens, body).await;
    let (status, made) =
        make(json!({ "name": "reads", "scopes": ["val:read", "user:write"] })).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().expect("a secret").to_string();
    let with = async |method: Method, path: &str, body: Option<Value>| {
        as_who(&town, Some(&secret), method, path, body).await
    };
    assert_eq!(with(Method::GET, "/api/v2/me/vals", None).await.0, 200);
    let refused = with(Method::POST, "/api/v2/vals", Some(json!({ "name": "a" }))).await;
    assert_error(&refused, 403, "forbidden", "scope val:write");
    assert_error(
        &with(Method::GET, "/api/v1/me", None).await,
        403,
        "forbidden",
        "scope user:read",
    );
    // It makes tokens with no more than it has, and neither a password nor the end of the account.
    let body = Some(json!({ "name": "more", "scopes": ["val:write"] }));
    assert_error(
        &with(Method::POST, tokens, body).await,
        403,
        "forbidden",
        "val:write",
    );
    let body = Some(json!({ "name": "all", "scopes": ["*"] }));
    assert_error(
        &with(Method::POST, tokens, body).await,
        403,
        "forbidden",
        "scope *",
    );
    let body = Some(json!({ "name": "less", "scopes": ["val:read"] }));
    assert_eq!(with(Method::POST, tokens, body).await.0, 201);
    let body = Some(json!({ "password": PASSWORD }));
    assert_error(
        &with(Method::PUT, "/api/town/me/password", body).await,
        403,
        "forbidden",
        "scope *",
    );
    let body = Some(json!({ "username": OWNER }));
    assert_error(
        &with(Method::DELETE, "/api/town/me", body).await,
        403,
        "forbidden",
        "scope *",
    );

    let listed = read(&town, tokens).await;
    assert!(!listed.to_string().contains(&secret), "{listed}");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(3), "{listed}");
    let one = format!("{tokens}/{}", id(&made["token"]));
    let bob = account(&town, "bob").await;
    assert_eq!(
        as_who(&town, Some(&bob), Method::DELETE, &one, None)
            .await
            .0,
        404,
        "not theirs"
    );
    assert_eq!(town.api(Method::DELETE, &one, None).await.0, 204);
    assert_error(
        &with(Method::GET, "/api/v2/me/vals", None).await,
        401,
        "unauthorized",
        "unknown",
    );

    for (body, words) in [
        (json!({ "name": "a", "scopes": [] }), "at least one"),
        (json!({ "name": "a", "scopes": ["val:admin"] }), "no scope"),
        (json!({ "name": "a", "scopes": "*" }), "array"),
        (json!({ "name": "", "scopes": ["*"] }), "64"),
        (
            json!({ "name": "a", "scopes": ["*"], "expiresAt": "2020-01-01T00:00:00Z" }),
            "future",
        ),
        (
            json!({ "name": "a", "scopes": ["*"], "expiresAt": "soon" }),
            "expiresAt",
        ),
    ] {
        assert_error(&make(body).await, 400, "bad_request", words);
    }
}

#[tokio::test]
async fn a_session_acts_for_the_pages_of_the_town_and_for_no_other_site() {
    let town = start().await;
    let cookie = sign_in(&town, OWNER, TOKEN).await.expect("signed in");
    let made = town
        .val("target", "export default () => new Response('here')")
        .await;
    let at = format!("/api/v2/vals/{}", id(&made));
    let ask = async |method: Method, headers: &[(&str, &str)]| {
        let mut request = town.bare(method, &at).header("cookie", &cookie).body("{}");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask(Method::GET, &[]).await, 200);
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &format!("{}.evil.example", town.base))],
        &[(
            "origin",
            &town.base.replace("http://", "http://alice--target."),
        )],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        assert_eq!(ask(Method::DELETE, headers).await, 403, "{headers:?}");
    }
    assert_eq!(town.run("target").await.0, 200, "it is still there");
    // A token is nothing that a browser sends by itself, so it may come from anywhere.
    let request = town
        .request(Method::GET, &at)
        .header("origin", "https://else.example");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    assert_eq!(ask(Method::DELETE, &[("origin", &town.base)]).await, 204);
}

#[tokio::test]
async fn signing_out_everywhere_and_a_new_password_end_every_session() {
    let town = start().await;
    let body = json!({ "username": "bob", "password": PASSWORD });
    let (_, made) = post(&town, "/api/town/users", body).await;
    let token = made["token"].as_str().expect("a token").to_string();
    let signed_in = async |cookie: &str| {
        let request = town
            .bare(Method::GET, "/api/v1/me")
            .header("cookie", cookie);
        request.send().await.expect("an answer").status() == 200
    };
    let own = [(); 2].map(|()| sign_in(&town, "bob", PASSWORD));
    let own = futures_util::future::join_all(own)
        .await
        .into_iter()
        .map(|one| one.expect("signed in"));
    let own: Vec<String> = own.collect();
    let owners = sign_in(&town, OWNER, TOKEN).await.expect("signed in");
    assert!(signed_in(&own[0]).await && signed_in(&own[1]).await);
    let everywhere = as_who(
        &town,
        Some(&token),
        Method::DELETE,
        "/api/town/me/sessions",
        None,
    )
    .await;
    assert_eq!(everywhere, (200, json!({ "ended": 2 })));
    assert!(!signed_in(&own[0]).await && !signed_in(&own[1]).await);
    assert!(signed_in(&owners).await, "others stay signed in");

    let third = sign_in(&town, "bob", PASSWORD).await.expect("signed in");
    let change = async |current: &str| {
        let body = json!({ "current": current, "password": "another long password" });
        as_who(
            &town,
            Some(&token),
            Method::PUT,
            "/api/town/me/password",
            Some(body),
        )
        .await
    };
    assert_error(
        &change("not it").await,
        403,
        "forbidden",
        "current password",
    );
    assert!(signed_in(&third).await);
    assert_eq!(change(PASSWORD).await.0, 204);
    assert!(!signed_in(&third).await);
    assert_eq!(sign_in(&town, "bob", PASSWORD).await, Err(401));
    assert!(sign_in(&town, "bob", "another long password").await.is_ok());
}

#[tokio::test]
async fn a_profile_says_what_its_account_wants() {
    let town = start().await;
    let change = async |body: Value| town.api(Method::PATCH, "/api/town/me", Some(body)).await;
    let profile = json!({ "bio": "Keeps a town", "email": "alice@example.com", "imageUrl": "https://example.com/a.png" });
    let (status, me) = change(profile).await;
    assert_eq!((status, &me["bio"]), (200, &json!("Keeps a town")), "{me}");
    let (_, public) = as_who(
        &town,
        None,
        Method::GET,
        &format!("/api/v1/alias/{OWNER}"),
        None,
    )
    .await;
    assert_eq!(
        public["profileImageUrl"], "https://example.com/a.png",
        "{public}"
    );
    assert!(
        !public.to_string().contains("alice@example.com"),
        "an address is for oneself: {public}"
    );
    let (_, me) = change(json!({ "bio": null })).await;
    assert_eq!(
        (&me["bio"], &me["email"]),
        (&json!(null), &json!("alice@example.com")),
        "{me}"
    );
    for (body, words) in [
        (json!({ "bio": "x".repeat(257) }), "256"),
        (json!({ "email": "no address" }), "email"),
        (json!({ "imageUrl": "javascript:alert(1)" }), "https:"),
    ] {
        assert_error(&change(body).await, 400, "bad_request", words);
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind_and_nobody_takes_its_name() {
    let town = start_root().await;
    let bob = account(&town, "bob").await;
    let code = r#"import { storage } from "town:kernel";
      export default async () => { await storage.execute("CREATE TABLE IF NOT EXISTS secret (a)"); return new Response("bobs"); }"#;
    let made = make_as(&town, &bob, "diary", "public", code).await;
    assert_eq!(town.text("/run/bob/diary").await, (200, "bobs".into()));
    let deleted = make_as(&town, &bob, "undone", "public", "export {}").await;
    let at = format!("/api/v2/vals/{}", id(&deleted));
    assert_eq!(
        as_who(&town, Some(&bob), Method::DELETE, &at, None).await.0,
        204
    );
    let group = Some(json!({ "name": "keys" }));
    assert_eq!(
        as_who(
            &town,
            Some(&bob),
            Method::POST,
            "/api/town/environment-groups",
            group
        )
        .await
        .0,
        201
    );
    let mine = town.val("stays", code).await;

    let end = async |name: &str| {
        as_who(
            &town,
            Some(&bob),
            Method::DELETE,
            "/api/town/me",
            Some(json!({ "username": name })),
        )
        .await
    };
    assert_error(&end("bobby").await, 400, "bad_request", "yours");
    assert_eq!(end("bob").await.0, 204);
    assert_error(
        &as_who(&town, Some(&bob), Method::GET, "/api/v1/me", None).await,
        401,
        "unauthorized",
        "",
    );
    for path in [
        "/run/bob/diary",
        "/v/bob/diary",
        "/api/v1/alias/bob",
        &format!("/api/v2/vals/{}", id(&made)),
    ] {
        assert_eq!(town.api(Method::GET, path, None).await.0, 404, "{path}");
    }
    let found = read(&town, "/api/town/search?query=diary").await;
    assert_eq!(found["data"], json!([]));
    // No row and no database of theirs is left; the contents that others have too are.
    assert_eq!(
        town.text(&format!("/run/{OWNER}/stays")).await,
        (200, "bobs".into())
    );
    let (_, data) = town.stop().await;
    let ids = [id(&made), id(&deleted)].map(str::to_string);
    let below = std::fs::read_dir(data.path().join("data/below")).expect("databases");
    let files = below.map(|file| file.expect("an entry").path());
    let root = data.path().join("data");
    let databases = std::fs::read_dir(root)
        .expect("a folder")
        .map(|file| file.expect("an entry").path());
    let mut seen_mine = false;
    for file in files
        .chain(databases)
        .filter(|path| path.extension().is_some_and(|end| end == "db"))
    {
        let database = rusqlite::Connection::open(&file).expect("a database");
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN
          ('val', 'deleted_val', 'branch', 'version_file', 'env', 'searchable', 'account', 'token', 'env_group', 'schedule')";
        let mut statement = database.prepare(tables).expect("prepared");
        let names = statement
            .query_map([], |row| row.get::<_, String>(0))
            .expect("names");
        for table in names.map(|name| name.expect("a name")) {
            let dump = format!("SELECT * FROM {table}");
            let mut statement = database.prepare(&dump).expect("prepared");
            let columns = statement.column_count();
            let mut rows = statement.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for column in 0..columns {
                    let value = row.get_ref(column).expect("a value");
                    let Ok(text) = value.as_str() else { continue };
                    assert!(
                        !ids.iter().any(|id| id == text) && text != "bob",
                        "{table} still has {text}"
                    );
                    seen_mine |= text == id(&mine);
                }
            }
        }
    }
    assert!(seen_mine, "the tables were looked at");

    let town = Town::start_in(data, &[]).await;
    let refused = post(&town, "/api/town/users", json!({ "username": "Bob" })).await;
    assert_error(&refused, 409, "name_taken", "Bob");
    let last = town
        .api(
            Method::DELETE,
            "/api/town/me",
            Some(json!({ "username": OWNER })),
        )
        .await;
    assert_error(&last, 409, "last_owner", "only owner");
}
