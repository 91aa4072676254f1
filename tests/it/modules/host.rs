//! The module host, as browsers see it and as Deno does.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::npm_folder::installed;
use crate::serving::{checks, header, id, save};
use crate::town::{TOKEN, Town};

checks! {
    every_form_of_an_address_leads_to_one_pinned_module,
    javascript_has_a_map_to_the_source_and_a_digest,
    imports_of_vals_lead_to_the_town_and_the_version_they_had,
    the_standard_library_is_served_too,
    a_private_module_is_for_who_may_see_it,
}

const AS_DENO: (&str, &str) = ("user-agent", "Deno/2.9.6");

async fn make(town: &Town, name: &str, privacy: &str, files: &[(&str, &str)]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|(path, content)| json!({ "path": path, "type": "script", "content": content }))
        .collect();
    let body = json!({ "name": name, "privacy": privacy, "files": files });
    let (status, made) = town.api(Method::POST, "/api/town/vals", Some(body)).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// What Deno gets.
async fn source(town: &Town, path: &str) -> (u16, String) {
    let request = town.bare(Method::GET, path).header(AS_DENO.0, AS_DENO.1);
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

pub async fn every_form_of_an_address_leads_to_one_pinned_module(town: &Town) {
    let made = make(
        town,
        "forms",
        "public",
        &[("main.ts", "export default 0"), ("lib/a.ts", "")],
    )
    .await;
    save(town, id(&made), "main.ts", "export default 1").await;
    let branch = json!({ "name": "dev" });
    let branches = format!("/api/v2/vals/{}/branches", id(&made));
    let (status, dev) = town.api(Method::POST, &branches, Some(branch)).await;
    assert_eq!(status, 201, "{dev}");
    let forms = [
        ("/v/alice/forms", "@1-main/main.ts"),
        ("/v/alice/forms/lib/a.ts", "@1-main/lib/a.ts"),
        ("/v/alice/forms/main.ts?v=0", "@0-main/main.ts"),
        ("/v/alice/forms@0", "@0-main/main.ts"),
        ("/v/alice/forms@0/main.ts", "@0-main/main.ts"),
        ("/v/alice/forms@1-main", "@1-main/main.ts"),
        ("/v/alice/forms@0-dev", "@0-dev/main.ts"),
        ("/v/alice/forms@dev/lib/a.ts", "@0-dev/lib/a.ts"),
    ];
    for (form, pinned) in forms {
        let response = town.get(form).await;
        assert_eq!(response.status(), 302, "{form}");
        let location = header(&response, "location");
        assert!(
            location.ends_with(&format!("/v/alice/forms{pinned}")),
            "{form}: {location}"
        );
        assert_eq!(header(&response, "cache-control"), "no-cache", "{form}");
    }
    for form in [
        "/v/alice/forms@9",
        "/v/alice/forms@0-none",
        "/v/alice/forms@none",
        "/v/alice/forms/none.ts",
        "/v/nobody/forms",
    ] {
        assert_eq!(town.get(form).await.status(), 404, "{form}");
    }
    assert_eq!(
        source(town, "/v/alice/forms@0-main/main.ts").await,
        (200, "export default 0".into())
    );
    assert_eq!(
        source(town, "/v/alice/forms@0-dev/main.ts").await,
        (200, "export default 1".into())
    );
}

pub async fn javascript_has_a_map_to_the_source_and_a_digest(town: &Town) {
    let code = "// First.\nexport const double = (n: number): number => n * 2;\n";
    make(town, "mapped", "public", &[("main.ts", code)]).await;
    let path = "/v/alice/mapped@0-main/main.ts";
    let response = town.get(path).await;
    assert_eq!(
        header(&response, "content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(
        header(&response, "cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    assert!(header(&response, "repr-digest").starts_with("sha-256=:"));
    let etag = header(&response, "etag").to_string();
    let text = response.text().await.expect("a body");
    assert!(!text.contains("number"), "{text}");
    assert!(
        text.ends_with("//# sourceMappingURL=main.ts?map\n"),
        "{text}"
    );
    let map = town.get(&format!("{path}?map")).await;
    assert_eq!(header(&map, "content-type"), "application/json");
    let map: Value = serde_json::from_str(&map.text().await.expect("a body")).expect("JSON");
    assert_eq!(map["version"], 3);
    assert_eq!(map["sourcesContent"], json!([code]));
    let known = town.bare(Method::GET, path).header("if-none-match", etag);
    assert_eq!(known.send().await.expect("an answer").status(), 304);
    assert_eq!(source(town, path).await.1, code);
    let asked = town
        .bare(Method::GET, path)
        .header("accept", "application/typescript");
    assert_eq!(
        asked
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body"),
        code
    );
}

pub async fn imports_of_vals_lead_to_the_town_and_the_version_they_had(town: &Town) {
    let part = make(
        town,
        "part",
        "public",
        &[("main.ts", "export const part = 'old'")],
    )
    .await;
    let code = "import { part } from 'https://esm.town/v/alice/part'; import * as other from \"/v/alice/part/main.ts\";\n\
        export const text: string = `${part} https://esm.town/v/alice/part ${other.part}`;\n";
    make(town, "whole", "public", &[("main.ts", code)]).await;
    save(town, id(&part), "main.ts", "export const part = 'new'").await;
    let pinned = format!("{}/v/alice/part@0-main/main.ts", town.base);
    let expected = code
        .replace("'https://esm.town/v/alice/part'", &format!("'{pinned}'"))
        .replace("\"/v/alice/part/main.ts\"", &format!("\"{pinned}\""));
    assert_eq!(
        source(town, "/v/alice/whole@0-main/main.ts").await,
        (200, expected)
    );
    let (_, script) = town.text("/v/alice/whole@0-main/main.ts").await;
    assert_eq!(script.matches(&pinned).count(), 2, "{script}");
}

pub async fn the_standard_library_is_served_too(town: &Town) {
    let (status, text) = source(town, "/v/std/rpc@12-main/main.ts").await;
    assert_eq!(status, 200);
    assert!(text.contains("export function rpc"), "{text}");
    assert_eq!(source(town, "/v/std/blob").await.0, 200);
    assert_eq!(source(town, "/v/std/nothing").await.0, 404);
}

pub async fn a_private_module_is_for_who_may_see_it(town: &Town) {
    make(
        town,
        "hidden",
        "private",
        &[("main.ts", "export default 1")],
    )
    .await;
    let path = "/v/alice/hidden@0-main/main.ts";
    assert_eq!(town.get(path).await.status(), 404);
    let mine = town
        .request(Method::GET, path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(mine.status(), 200);
    assert_eq!(
        header(&mine, "cache-control"),
        "private, max-age=31536000, immutable"
    );
    let body = json!({ "username": "moduleReader" });
    let (_, other) = town.api(Method::POST, "/api/town/users", Some(body)).await;
    let token = other["token"].as_str().expect("a token");
    let theirs = town
        .bare(Method::GET, path)
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer");
    assert_eq!(theirs.status(), 404);
}

#[tokio::test]
async fn deno_imports_public_pinned_unlisted_and_with_a_token_private_modules() {
    // Of a root: the names of towns inside are below localhost, where Deno finds none.
    let town = Town::root().await;
    let library = make(
        &town,
        "open",
        "public",
        &[
            (
                "main.ts",
                "import { n } from './n.ts'; export const open = (x: number) => `open${x + n}`",
            ),
            ("n.ts", "export const n: number = 1"),
        ],
    )
    .await;
    make(
        &town,
        "quiet",
        "unlisted",
        &[("main.tsx", "export const quiet: string = 'quiet'")],
    )
    .await;
    make(&town, "secret", "private", &[("main.ts", "export { open } from 'https://esm.town/v/alice/open@0'; export const secret = 'secret'")]).await;
    save(&town, id(&library), "n.ts", "export const n: number = 2").await;
    let base = &town.base;
    let folder = TempDir::new().expect("a folder");
    let run = async |code: &str, tokens: &str| {
        let file = folder.path().join("main.ts");
        std::fs::write(&file, code).expect("the folder is writable");
        let host = base.strip_prefix("http://").expect("a plain address");
        let child = Command::new(installed("@deno/linux-x64-glibc/deno"))
            .args(["run", "--quiet", "--no-lock", "--no-config", "--allow-env"])
            .arg(format!("--allow-import={host}"))
            .arg(&file)
            .env_clear()
            // It remembers what it did not get, so whoever has a token has a cache of their own.
            .env(
                "DENO_DIR",
                folder.path().join(format!("cache-{}", tokens.len())),
            )
            .env("DENO_AUTH_TOKENS", tokens)
            .env("DENO_NO_UPDATE_CHECK", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .await
            .expect("Deno starts");
        (
            child.status.success(),
            String::from_utf8_lossy(&child.stdout).into_owned(),
            String::from_utf8_lossy(&child.stderr).into_owned(),
        )
    };
    let open = format!(
        "import {{ open }} from '{base}/v/alice/open'; import {{ open as pinned }} from '{base}/v/alice/open@0-main/main.ts';\n\
         import {{ quiet }} from '{base}/v/alice/quiet/main.tsx'; console.log(open(1), pinned(1), quiet);"
    );
    let (done, out, error) = run(&open, "").await;
    assert!(done, "{error}");
    assert_eq!(out, "open3 open2 quiet\n");
    let private = format!(
        "import {{ secret, open }} from '{base}/v/alice/secret'; console.log(secret, open(1), import.meta.url.length > 0);"
    );
    let (done, _, error) = run(&private, "").await;
    assert!(!done && error.contains("Module not found"), "{error}");
    let host = base.strip_prefix("http://").expect("a plain address");
    let (done, out, error) = run(&private, &format!("{TOKEN}@{host}")).await;
    assert!(done, "{error}");
    assert_eq!(out, "secret open2 true\n");
}
