//! Imports of packages, from a registry on this machine.

use serde_json::{Value, json};

use super::elsewhere::Elsewhere;
use super::registry::Registry;
use crate::town::Town;

/// A town whose registries and mirror are on this machine.
pub async fn town_beside(elsewhere: &Elsewhere) -> Town {
    let registry = format!("{}/npm", elsewhere.base);
    let variables = [
        ("TOWN_NPM_REGISTRY", registry.as_str()),
        ("TOWN_JSR_REGISTRY", registry.as_str()),
        ("TOWN_MODULE_MIRROR", elsewhere.base.as_str()),
    ];
    Town::start_under(&variables, &["--allow-private-network"]).await
}

/// What a val answers, as JSON.
pub async fn answer(town: &Town, name: &str) -> Value {
    let (status, text) = town.run(name).await;
    assert_eq!(status, 200, "{text}\n{}", town.log());
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn packages_are_resolved_as_node_does_and_kept() {
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    let module =
        |name: &str, version: &str| json!({ "name": name, "version": version, "type": "module" });
    let with = |mut manifest: Value, key: &str, value: Value| {
        manifest[key] = value;
        manifest
    };
    // Two versions of one package in one program, by the ranges of two others.
    for version in ["1.0.0", "1.4.2", "2.0.0", "3.0.0-beta.1"] {
        let code = format!("export default '{version}'");
        registry.add(
            &elsewhere,
            &with(module("dep", version), "main", json!("./main.js")),
            &[("main.js", &code)],
        );
    }
    let reexport = [("index.js", "export { default } from 'dep'")];
    registry.add(
        &elsewhere,
        &with(
            module("old", "1.0.0"),
            "dependencies",
            json!({ "dep": "^1.0.0" }),
        ),
        &reexport,
    );
    registry.add(
        &elsewhere,
        &with(
            module("new", "1.0.0"),
            "peerDependencies",
            json!({ "dep": ">=2 <3" }),
        ),
        &reexport,
    );
    // Exports by condition, by pattern and by #name; what is not exported is not there.
    let exports = json!({
        ".": { "browser": "./browser.js", "import": "./module.js", "require": "./other.cjs" },
        "./parts/*": "./parts/*.js",
        "./data": "./data.json",
    });
    let manifest = with(
        with(module("@scope/modern", "1.0.0"), "exports", exports),
        "imports",
        json!({ "#inner": "./inner.js" }),
    );
    let long = format!(
        "parts/{}/deep.js",
        "folder-of-a-long-name/".repeat(6).trim_end_matches('/')
    );
    let files = [
        (
            "module.js",
            "export { inner } from '#inner'; export { default as self } from '@scope/modern/parts/one'; export const where = import.meta.url;",
        ),
        ("browser.js", "export const inner = 'browser'"),
        ("inner.js", "export const inner = 'inner'"),
        ("parts/one.js", "export default 'one'"),
        ("hidden.js", "export default 'hidden'"),
        ("data.json", "{\"a\":1}"),
        (long.as_str(), "export default 'deep'"),
    ];
    registry.add(&elsewhere, &manifest, &files);
    // A package of JSR is one of its registry in npm's form.
    registry.add(
        &elsewhere,
        &module("@jsr/std__thing", "0.2.0"),
        &[("index.js", "export const thing = 'jsr'")],
    );
    let town = town_beside(&elsewhere).await;
    let deep = long
        .strip_prefix("parts/")
        .expect("it begins so")
        .strip_suffix(".js")
        .expect("it ends so");
    let code = format!(
        "import dep from 'npm:dep'; import old from 'npm:old@1'; import fresh from 'npm:new'; import beta from 'npm:dep@3.0.0-beta.1';\n\
         import {{ inner, self, where }} from 'npm:@scope/modern@^1.0.0'; import one from 'npm:@scope/modern@1/parts/one';\n\
         import deep from 'npm:@scope/modern/parts/{deep}'; import data from 'npm:@scope/modern/data' with {{ type: 'json' }};\n\
         import {{ thing }} from 'jsr:@std/thing@^0.2.0';\n\
         export default () => Response.json([dep, old, fresh, beta, inner, self, where, one, deep, data, thing])"
    );
    let made = town.val("packed", &code).await;
    assert_eq!(made["diagnostics"], json!([]));
    let expected = json!([
        "2.0.0", "1.4.2", "2.0.0", "3.0.0-beta.1", "inner", "one", "npm:/@scope/modern@1.0.0/module.js", "one", "deep", { "a": 1 }, "jsr"
    ]);
    assert_eq!(answer(&town, "packed").await, expected);
    let asked = elsewhere.asked();
    elsewhere.forget_all();
    town.val("packedToo", &code).await;
    assert_eq!(answer(&town, "packedToo").await, expected);
    assert_eq!(elsewhere.asked().len(), asked.len(), "all of it is here");
    let diagnosed = async |specifier: &str| {
        let made = town
            .val(
                "wrong",
                &format!("import x from '{specifier}'; export default () => x"),
            )
            .await;
        let at = format!("/api/v2/vals/{}", made["id"].as_str().expect("an id"));
        town.api(reqwest::Method::DELETE, &at, None).await;
        made["diagnostics"][0].to_string()
    };
    let hidden = diagnosed("npm:@scope/modern@1/hidden.js").await;
    assert!(
        hidden.contains("exports no ./hidden.js") && hidden.contains("./parts/*"),
        "{hidden}"
    );
    let unknown = diagnosed("npm:nothing-like-it").await;
    assert!(
        unknown.contains("There is no package nothing-like-it"),
        "{unknown}"
    );
}

#[tokio::test]
async fn an_archive_that_is_not_what_the_registry_promised_is_refused() {
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    let manifest = json!({ "name": "swapped", "version": "1.0.0" });
    registry.add(&elsewhere, &manifest, &[("index.js", "module.exports = 1")]);
    elsewhere.answer(
        "/npm/swapped/-/1.0.0.tgz",
        200,
        String::new(),
        b"something else".to_vec(),
    );
    let town = town_beside(&elsewhere).await;
    let made = town
        .val(
            "trusting",
            "import x from 'npm:swapped'; export default () => x",
        )
        .await;
    let message = made["diagnostics"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(
        message.contains("not what the registry promised"),
        "{message}"
    );
}

#[tokio::test]
async fn commonjs_packages_are_required_and_imported() {
    let elsewhere = Elsewhere::start().await;
    let mut registry = Registry::default();
    let common = json!({ "name": "common", "version": "1.0.0", "main": "lib", "dependencies": { "leaf": "1" } });
    let files = [
        (
            "lib/index.js",
            "const leaf = require('leaf'); const { part } = require('./part');\n\
            module.exports = function whole() { return leaf.word + part; }; module.exports.named = require('../data.json').n + require('./toString');",
        ),
        (
            "lib/part.js",
            "if (process.env.NODE_ENV === 'never') require('not-there'); exports.part = ' part';",
        ),
        ("data.json", "{ \"n\": 7 }"),
        ("lib/toString.js", "module.exports = 1;"),
    ];
    registry.add(&elsewhere, &common, &files);
    let leaf = json!({ "name": "leaf", "version": "1.2.0" });
    registry.add(
        &elsewhere,
        &leaf,
        &[(
            "index.js",
            "exports.word = 'leaf'; exports.__esModule = true;",
        )],
    );
    let town = town_beside(&elsewhere).await;
    let code = "import whole, { named } from 'npm:common'; import { word } from 'npm:leaf@1';\n\
        export default () => Response.json([whole(), named, word])";
    let made = town.val("commonly", code).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(
        answer(&town, "commonly").await,
        json!(["leaf part", 8, "leaf"])
    );
}

#[tokio::test]
async fn ranges_mean_what_npm_means_by_them() {
    let town = Town::start().await;
    let code = r#"import { choose } from "town:system/modules/semver.ts";
const versions = ["0.0.1", "0.1.0", "0.1.5", "0.2.0", "1.0.0-beta.2", "1.0.0", "1.2.0", "1.2.3", "1.9.9", "2.0.0-rc.1", "2.0.0", "10.4.5"];
export default async (request) => Response.json((await request.json()).map((range) => choose(versions, range) ?? null))"#;
    town.val("ranges", code).await;
    let cases = [
        ("*", Some("10.4.5")),
        ("", Some("10.4.5")),
        ("1", Some("1.9.9")),
        ("1.2", Some("1.2.3")),
        ("1.x", Some("1.9.9")),
        ("^1.2.0", Some("1.9.9")),
        ("~1.2.0", Some("1.2.3")),
        ("^0.1.0", Some("0.1.5")),
        ("^0.0.1", Some("0.0.1")),
        ("^0", Some("0.2.0")),
        (">1.2", Some("10.4.5")),
        ("<=1.2", Some("1.2.3")),
        ("<1.2", Some("1.0.0")),
        (">=1.0.0 <2", Some("1.9.9")),
        ("1.0 - 1.2", Some("1.2.3")),
        ("0.1 || 1.2.0", Some("1.2.0")),
        ("=1.2.3", Some("1.2.3")),
        ("1.0.0-beta.2", Some("1.0.0-beta.2")),
        ("^1.0.0-beta.1", Some("1.9.9")),
        (">=2.0.0-rc.0 <2.0.0", Some("2.0.0-rc.1")),
        (">= 1.0.0 < 1.2", Some("1.0.0")),
        ("3", None),
        ("next", None),
        ("1.2.3.4", None),
    ];
    let asked: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let request = town.bare(reqwest::Method::POST, "/run/alice/ranges/");
    let body = serde_json::to_string(&asked).expect("JSON");
    let text = request
        .body(body)
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let found: Vec<Option<String>> = serde_json::from_str(&text).expect("JSON");
    for ((range, expected), found) in cases.iter().zip(found) {
        assert_eq!(found.as_deref(), *expected, "{range}");
    }
}
