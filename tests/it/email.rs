//! Mail: to files of type email, from accounts, through the relay.

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{eventually, id, line_of};
use crate::town::{OWNER, TOKEN, Town};

/// Prints the mail it gets, with what is in its files.
pub const PRINTS: &str = r#"export default async function (email: Email) {
  const files = email.attachments.map(async (f) => [f.name, f.type, f instanceof File, await f.text()]);
  console.log("got", JSON.stringify({ ...email, attachments: await Promise.all(files) }));
  if (email.subject === "throw") throw new Error("not that");
}"#;

/// Umlauts in a name, a character parted between two words, a list in a group, a nested
/// multipart, quoted-printable, another charset, a file's name in pieces, a mail in the mail.
const RAW: &str = "From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.com>\r
To: \"Doe, Jane\" <jane@x.test>, alice.mail@localhost\r
Cc: friends: a@b.c, d@e.f;\r
Subject: =?utf-8?B?R3LDvMOf?= =?utf-8?B?ZSDwn5g=?=\r
 =?utf-8?B?gA==?= and more\r
Received: one\r
Received: two\r
Content-Type: multipart/mixed; boundary=\"b=1\"\r
\r
not shown\r
--b=1\r
Content-Type: multipart/alternative; boundary=b2\r
\r
--b2\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Hello w=C3=B6rld 100% =\r
soft=3D\r
--b2\r
Content-Type: text/html; charset=iso-8859-1\r
Content-Transfer-Encoding: base64\r
\r
PHA+/Dwv\r
cD4=\r
--b2--\r
--b=1\r
Content-Type: text/csv; name=x.csv\r
Content-Disposition: attachment;\r
 filename*0*=utf-8''%e2%82%ac%20; filename*1=\"r.csv\"\r
Content-Transfer-Encoding: base64\r
\r
YSxi\r
--b=1\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
\r
x\r
--b=1--\r
";

pub async fn mail_in(town: &Town, path: &str, body: &str) -> (u16, Value) {
    let request = town.request(Method::POST, &format!("/api/town/email{path}"));
    let answer = request
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).expect("JSON"))
}

pub async fn got(town: &Town, val: &str, words: &str) -> Value {
    let line = line_of(town, val, words).await;
    let text = line["text"].as_str().expect("text");
    serde_json::from_str(text.strip_prefix("got ").expect("what was got")).expect("JSON")
}

async fn outbox(town: &Town, subject: &str, status: &str) -> Value {
    eventually(&format!("{subject} {status}"), async || {
        let (_, sent) = town
            .api(Method::GET, "/api/town/email/outbox?limit=100", None)
            .await;
        let mut sent = sent["data"].as_array()?.iter();
        sent.find(|one| one["subject"] == subject && one["status"] == status)
            .cloned()
    })
    .await
}

async fn send(town: &Town, message: Value) -> (u16, Value) {
    town.api(Method::POST, "/api/v1/email", Some(message)).await
}

/// The part of a town's mail addresses behind the `@`.
fn domain(town: &Town) -> String {
    let base = url::Url::parse(&town.base).expect("a base");
    base.host_str().expect("a host").to_string()
}

#[tokio::test]
async fn mail_reaches_the_file_that_its_address_names() {
    let town = Town::start().await;
    let files = [
        ("email.ts", "email", PRINTS),
        ("other.ts", "email", PRINTS),
        ("main.ts", "http", "export default () => new Response('')"),
    ];
    let made = town.val_of("mail", &files).await;
    let links = |path: &str| {
        let files = made["files"].as_array().expect("files");
        let file = files.iter().find(|file| file["path"] == path);
        file.expect("the file")["links"].clone()
    };
    let own = format!("alice.mail@{}", domain(&town));
    assert_eq!(links("email.ts")["email"], own);
    let other = links("other.ts")["email"]
        .as_str()
        .expect("an address")
        .to_string();
    assert!(links("main.ts")["email"].is_null());

    let (status, answer) = mail_in(&town, "?to=Alice.Mail%2Btag@localhost", RAW).await;
    assert_eq!(
        (status, &answer["data"][0]["outcome"]),
        (200, &json!("ok")),
        "{answer}"
    );
    let mail = got(&town, id(&made), "Grüße").await;
    let expected = json!({
        "from": "Jürgen Müller <juergen@example.com>",
        "to": ["\"Doe, Jane\" <jane@x.test>", "alice.mail@localhost"],
        "cc": ["a@b.c", "d@e.f"],
        "subject": "Grüße 😀 and more",
        "text": "Hello wörld 100% soft=",
        "html": "<p>ü</p>",
        "attachments": [
            ["€ r.csv", "text/csv", true, "a,b"],
            ["message.eml", "message/rfc822", true, "Subject: inner\r\n\r\nx"],
        ],
        "headers": {
            "From": "Jürgen Müller <juergen@example.com>",
            "To": "\"Doe, Jane\" <jane@x.test>, alice.mail@localhost",
            "Cc": "friends: a@b.c, d@e.f;",
            "Subject": "Grüße 😀 and more",
            "Received": "one\ntwo",
            "Content-Type": "multipart/mixed; boundary=\"b=1\"",
        },
    });
    assert_eq!(mail, expected);

    // By its own header, in which only one of two is an address here.
    let (status, answer) = mail_in(&town, "", RAW).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["data"],
        json!([
            { "address": "jane@x.test", "outcome": "unknown" },
            { "address": "alice.mail@localhost", "outcome": "ok" },
        ])
    );
    let text = "no header at all";
    let (status, _) = mail_in(&town, &format!("?to={other}&from=eve@x.test"), text).await;
    assert_eq!(status, 200);
    let mail = got(&town, id(&made), text).await;
    assert_eq!(
        (&mail["from"], &mail["to"], &mail["text"]),
        (&json!("eve@x.test"), &json!([other]), &json!(text))
    );
    let (status, answer) = mail_in(&town, "?to=alice.mail@x", "Subject: throw\n\n").await;
    assert_eq!(
        (status, &answer["data"][0]["outcome"]),
        (200, &json!("exception")),
        "what a handler throws is not the sender's concern"
    );

    for (path, status) in [
        ("?to=nobody.mail@x", 404),
        ("?to=alice.none@x", 404),
        ("", 400),
    ] {
        let (found, answer) = mail_in(&town, path, "Subject: lost\n\n").await;
        assert_eq!(found, status, "{path}: {answer}");
    }
    let bare = town.bare(Method::POST, "/api/town/email?to=alice.mail@x");
    assert_eq!(bare.send().await.expect("an answer").status(), 401);
    let (_, bob) = town
        .api(
            Method::POST,
            "/api/town/users",
            Some(json!({ "username": "bob" })),
        )
        .await;
    let request = town.bare(Method::POST, "/api/town/email?to=alice.mail@x");
    let answer = request
        .bearer_auth(bob["token"].as_str().expect("a token"))
        .send();
    assert_eq!(
        answer.await.expect("an answer").status(),
        404,
        "members bring mail for their own vals only"
    );

    let (_, inbox) = town.api(Method::GET, "/api/town/email/inbox", None).await;
    let outcomes: Vec<&Value> = inbox["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert_eq!(outcomes, ["exception", "ok", "ok", "ok"]);
    assert_eq!(inbox["data"][3]["subject"], "Grüße 😀 and more");
}

#[tokio::test]
async fn a_town_inside_a_town_has_mail_of_its_own() {
    let town = Town::start().await;
    let inner = town.inside_by_path("inner").await;
    let made = inner.val_of("mail", &[("email.ts", "email", PRINTS)]).await;
    let address = made["files"][0]["links"]["email"]
        .as_str()
        .expect("an address");
    let expected = format!("alice.mail@alice--inner.{}", domain(&town));
    assert_eq!(address, expected);
    let (status, answer) = mail_in(&inner, "?to=alice.mail@x", "Subject: inside\n\nt").await;
    assert_eq!(status, 200, "{answer}");
    got(&inner, id(&made), "inside").await;
    let (status, _) = mail_in(&town, "?to=alice.mail@x", "Subject: outside\n\nt").await;
    assert_eq!(status, 404, "the town around it knows no such address");
    let message = json!({ "to": address, "subject": "to my val", "text": "x" });
    assert_eq!(send(&inner, message).await.0, 202);
    outbox(&inner, "to my val", "sent").await;
    got(&inner, id(&made), "to my val").await;
}

#[tokio::test]
async fn webhooks_of_providers_bring_mail() {
    let town = Town::start().await;
    let made = town.val_of("mail", &[("email.ts", "email", PRINTS)]).await;
    let post = |provider: &str| {
        town.bare(Method::POST, &format!("/api/town/email/{provider}"))
            .basic_auth("webhook", Some(TOKEN))
    };
    let postmark = json!({
        "From": "Ann <ann@x.test>", "To": "Alice <alice.mail@localhost>", "Subject": "by postmark", "TextBody": "t",
        "Headers": [{ "Name": "X-A", "Value": "b" }],
        "Attachments": [{ "Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain" }],
    });
    let answer = post("postmark").body(postmark.to_string()).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
    let mail = got(&town, id(&made), "by postmark").await;
    assert_eq!(mail["from"], "Ann <ann@x.test>");
    assert_eq!(
        mail["attachments"],
        json!([["a.txt", "text/plain", true, "hi"]])
    );
    assert_eq!(mail["headers"], json!({ "X-A": "b" }));

    let form = |fields: &[(&str, &str)]| {
        let mut body = String::new();
        for (name, value) in fields {
            let file = if name.starts_with("attachment") {
                "; filename=\"f.txt\"\r\nContent-Type: text/plain"
            } else {
                ""
            };
            body += &format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
            );
        }
        body + "--x--\r\n"
    };
    let cases = [
        (
            "mailgun",
            form(&[
                ("recipient", "alice.mail@localhost"),
                ("sender", "ann@x.test"),
                ("from", "Ann <ann@x.test>"),
                ("subject", "by mailgun"),
                ("body-plain", "t"),
                ("message-headers", "[[\"X-A\", \"b\"]]"),
                ("attachment-1", "hi"),
            ]),
        ),
        (
            "sendgrid",
            form(&[
                (
                    "envelope",
                    r#"{"to":["alice.mail@localhost"],"from":"ann@x.test"}"#,
                ),
                ("from", "Ann <ann@x.test>"),
                ("subject", "by sendgrid"),
                ("text", "t"),
                ("headers", "X-A: b"),
                ("attachment1", "hi"),
            ]),
        ),
    ];
    for (provider, body) in cases {
        let request = post(provider).header("content-type", "multipart/form-data; boundary=x");
        let answer = request.body(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{provider}");
        let mail = got(&town, id(&made), &format!("by {provider}")).await;
        assert_eq!(
            (
                &mail["from"],
                &mail["text"],
                &mail["headers"],
                &mail["attachments"][0][3]
            ),
            (
                &json!("Ann <ann@x.test>"),
                &json!("t"),
                &json!({ "X-A": "b" }),
                &json!("hi")
            ),
            "{provider}"
        );
    }
    let raw = form(&[
        ("recipient", "alice.mail@localhost"),
        ("body-mime", "Subject: raw by mailgun\r\n\r\nt"),
    ]);
    let request = post("mailgun").header("content-type", "multipart/form-data; boundary=x");
    assert_eq!(
        request.body(raw).send().await.expect("an answer").status(),
        200
    );
    got(&town, id(&made), "raw by mailgun").await;
    for (provider, status) in [("hotmail", 404), ("mailgun", 400)] {
        let answer = post(provider).body("{}").send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{provider}");
    }
}

#[tokio::test]
async fn what_is_sent_is_kept_delivered_within_the_town_and_given_to_the_relay() {
    let town = Town::start().await;
    let made = town.val_of("mail", &[("email.ts", "email", PRINTS)]).await;
    let relay = r#"import { storage } from "town:kernel";
    export default async (request: Request) => {
      await storage.execute("CREATE TABLE IF NOT EXISTS mail (body)");
      if (request.method === "GET") return Response.json((await storage.execute("SELECT body FROM mail")).rows.map(([body]) => JSON.parse(body)));
      const body = { ...(await request.json()), authorization: request.headers.get("authorization") };
      if (body.subject === "busy") return new Response("later", { status: 503 });
      if (body.subject === "refused") return new Response("never", { status: 422 });
      await storage.execute({ sql: "INSERT INTO mail VALUES (?)", args: [JSON.stringify(body)] });
      return new Response("", { status: 202 });
    };"#;
    town.val("relay", relay).await;

    let (status, answer) = send(&town, json!({ "subject": "first", "text": "to myself" })).await;
    assert_eq!(status, 202, "{answer}");
    let kept = outbox(&town, "first", "kept").await;
    let domain = domain(&town);
    let [alice, mailbox] = ["alice", "alice.mail"].map(|local| format!("{local}@{domain}"));
    assert_eq!(
        (&kept["from"], &kept["to"]),
        (&json!(alice), &json!([alice]))
    );
    let (_, whole) = town
        .api(
            Method::GET,
            &format!("/api/town/email/outbox/{}", id(&kept)),
            None,
        )
        .await;
    assert_eq!(whole["letter"]["text"], "to myself");

    let message = json!({
        "to": [mailbox, { "email": "joe@x.test", "name": "Joe" }], "subject": "both", "html": "<b>hi</b>",
        "attachments": [{ "filename": "a.txt", "content": "aGk=", "type": "text/plain" }],
    });
    assert_eq!(send(&town, message.clone()).await.0, 202);
    let mail = got(&town, id(&made), "<b>hi</b>").await;
    assert_eq!(mail["from"], alice);
    assert_eq!(
        mail["attachments"],
        json!([["a.txt", "text/plain", true, "hi"]])
    );
    let kept = outbox(&town, "both", "kept").await;
    assert_eq!(kept["pending"], json!(["joe@x.test"]), "{kept}");

    let url = format!("{}/run/{OWNER}/relay/", town.base);
    let setting =
        json!({ "kind": "json", "url": url, "token": "relay-secret", "from": "town@x.test" });
    let (status, shown) = town
        .api(Method::PUT, "/api/town/email/relay", Some(setting))
        .await;
    assert_eq!(status, 200, "{shown}");
    assert!(!shown.to_string().contains("relay-secret"), "{shown}");
    let mut relayed = message;
    relayed["subject"] = json!("relayed");
    relayed["replyTo"] = json!(mailbox);
    assert_eq!(send(&town, relayed).await.0, 202);
    let sent = outbox(&town, "relayed", "sent").await;
    assert_eq!(sent["pending"], json!([]));
    let (_, taken) = town.run("relay").await;
    let taken: Value = serde_json::from_str(&taken).expect("JSON");
    assert_eq!(taken.as_array().map(Vec::len), Some(1), "{taken}");
    assert_eq!(
        taken[0]["to"],
        json!(["\"Joe\" <joe@x.test>"]),
        "who is of the town has it already"
    );
    assert_eq!(taken[0]["from"], "town@x.test");
    assert_eq!(taken[0]["replyTo"], json!([mailbox]));
    assert_eq!(taken[0]["attachments"][0]["content"], "aGk=");
    assert_eq!(taken[0]["authorization"], "Bearer relay-secret");

    for (subject, status, words) in [
        ("busy", "queued", "503: later"),
        ("refused", "failed", "422: never"),
    ] {
        let to = json!({ "to": "joe@x.test", "subject": subject });
        assert_eq!(send(&town, to).await.0, 202);
        let row = eventually("an attempt", async || {
            let row = outbox(&town, subject, status).await;
            row["error"].is_string().then_some(row)
        })
        .await;
        assert!(
            row["error"]
                .as_str()
                .is_some_and(|error| error.contains(words)),
            "{row}"
        );
        assert_eq!(
            row["nextAttemptAt"].is_string(),
            status == "queued",
            "{row}"
        );
    }

    let (_, bob) = town
        .api(
            Method::POST,
            "/api/town/users",
            Some(json!({ "username": "bob" })),
        )
        .await;
    let bob = bob["token"].as_str().expect("a token");
    let as_bob = async |message: Value| {
        let request = town.bare(Method::POST, "/api/v1/email").bearer_auth(bob);
        let request = request.body(message.to_string()).send();
        request.await.expect("an answer").status().as_u16()
    };
    let member = json!({ "text": "x", "to": "joe@x.test" });
    assert_eq!(
        as_bob(member).await,
        403,
        "strangers are the owner's to allow"
    );
    let forged = json!({ "text": "x", "from": alice });
    assert_eq!(as_bob(forged).await, 403);
    let own = json!({ "text": "x", "from": format!("bob.any@{domain}"), "to": mailbox });
    assert_eq!(as_bob(own).await, 202);
    let relay = town.bare(Method::GET, "/api/town/email/relay");
    let answer = relay.bearer_auth(bob).send().await.expect("an answer");
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn messages_are_checked_before_they_are_taken() {
    let town = Town::start().await;
    let many: Vec<String> = (0..51).map(|n| format!("a{n}@x.test")).collect();
    let files: Vec<Value> = (0..6)
        .map(|n| json!({ "filename": format!("{n}"), "content": "" }))
        .collect();
    let long = "x".repeat(7 * 1024 * 1024);
    for (message, status, words) in [
        (json!({ "text": "x", "to": many }), 400, "may have 50"),
        (json!({ "text": "x", "to": "nowhere" }), 400, "no address"),
        (json!({ "text": "x", "to": [5] }), 400, "an address"),
        (json!({ "text": 5 }), 400, "\"text\" must be a string"),
        (json!({ "subject": "a\r\nBcc: b@c.d" }), 400, "one line"),
        (
            json!({ "text": "x", "headers": { "X-A": "a\nb: c" } }),
            400,
            "one line",
        ),
        (
            json!({ "text": "x", "headers": { "X A": "a" } }),
            400,
            "no header",
        ),
        (
            json!({ "text": "x", "attachments": files }),
            400,
            "5 attachments",
        ),
        (
            json!({ "text": "x", "attachments": [{ "filename": "a", "content": "?" }] }),
            400,
            "not base64",
        ),
        (json!({ "text": long }), 413, "characters"),
    ] {
        let (found, answer) = send(&town, message).await;
        let text = answer["message"].as_str().expect("a message");
        assert!(found == status && text.contains(words), "{found}: {text}");
    }
    for _ in 0..100 {
        assert_eq!(send(&town, json!({ "text": "x" })).await.0, 202);
    }
    let (status, answer) = send(&town, json!({ "text": "x" })).await;
    assert_eq!((status, &answer["code"]), (429, &json!("too_many")));
}
