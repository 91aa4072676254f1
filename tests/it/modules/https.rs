//! Imports by `https:` address: fetched once, kept, and there when nobody else is.

use reqwest::Method;
use serde_json::{Value, json};

use super::elsewhere::Elsewhere;
use crate::serving::{id, save};
use crate::town::Town;

const TYPESCRIPT: &str = "application/typescript; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript";

/// A town whose mirror of the world is on this machine.
async fn town_beside(elsewhere: &Elsewhere) -> Town {
    let variables = [("TOWN_MODULE_MIRROR", elsewhere.base.as_str())];
    Town::start_under(&variables, &["--allow-private-network"]).await
}

#[tokio::test]
async fn modules_by_address_are_followed_fetched_once_and_run_offline() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.redirect("cdn.test/lib", "/lib@1.2.3/main.ts?flags=a,b");
    elsewhere.put(
        "cdn.test/lib@1.2.3/main.ts?flags=a,b",
        TYPESCRIPT,
        "import { part } from './part'; import { dep } from '/dep@2/mod.js';\n\
         import * as far from 'https://other.test/far.js';\n\
         export const word: string = [part, dep, far.far, import.meta.url].join(' ');",
    );
    elsewhere.put(
        "cdn.test/lib@1.2.3/part",
        TYPESCRIPT,
        "export const part = 'part' as string",
    );
    elsewhere.put(
        "cdn.test/dep@2/mod.js",
        JAVASCRIPT,
        "export const dep = 'dep'",
    );
    elsewhere.put(
        "other.test/far.js",
        JAVASCRIPT,
        "export { far } from 'https://cdn.test/dep@2/re.js'",
    );
    elsewhere.put(
        "cdn.test/dep@2/re.js",
        JAVASCRIPT,
        "export const far = 'far'",
    );
    elsewhere.put("cdn.test/data.json", "application/json", "[1, 2]");
    elsewhere.put("cdn.test/text.ts", TYPESCRIPT, "export const n: number = 1");
    let code = "import { word } from 'https://cdn.test/lib';\n\
        import list from 'https://cdn.test/data.json' with { type: 'json' };\n\
        import text from 'https://cdn.test/text.ts' with { type: 'text' };\n\
        import { n } from './n.ts';\n\
        export default () => Response.json([word, list, text, n])";
    let town = town_beside(&elsewhere).await;
    let files = [
        ("main.tsx", "http", code),
        (
            "n.ts",
            "script",
            "export { n } from 'https://cdn.test/text.ts'",
        ),
    ];
    let made = town.val_of("remote", &files).await;
    assert_eq!(made["diagnostics"], json!([]));
    let expected = json!([
        "part dep far https://cdn.test/lib@1.2.3/main.ts?flags=a,b",
        [1, 2],
        "export const n: number = 1",
        1
    ]);
    let answer = async |name: &str| {
        let (status, text) = town.run(name).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    assert_eq!(answer("remote").await, expected);
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), 8, "each once: {asked:?}");
    // Another version, another val, another process: all of it is here.
    elsewhere.forget_all();
    save(&town, id(&made), "main.tsx", &format!("// Again.\n{code}")).await;
    assert_eq!(answer("remote").await, expected);
    let again = town.val_of("remoteToo", &files).await;
    assert_eq!(again["diagnostics"], json!([]));
    assert_eq!(answer("remoteToo").await, expected);
    assert_eq!(elsewhere.asked().len(), asked.len());
}

#[tokio::test]
async fn a_val_names_what_it_imports_in_its_deno_json() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.put("cdn.test/one.js", JAVASCRIPT, "export const one = 1");
    elsewhere.put("cdn.test/many/two.js", JAVASCRIPT, "export const two = 2");
    let town = town_beside(&elsewhere).await;
    let config = r#"{
      // Names of ours.
      "imports": { "one": "https://cdn.test/one.js", "many/": "https://cdn.test/many/", "local": "./deep/three.ts", },
    }"#;
    let code = "import { one } from 'one'; import { two } from 'many/two.js'; import { three } from '../local';\n\
        import { three as same } from 'local'; export default () => Response.json([one, two, three, same])";
    let files = [
        ("deep/main.ts", "http", code),
        ("deep/three.ts", "script", "export const three = 3"),
        ("local", "file", "export const three = 'text'"),
        ("deno.json", "file", config),
    ];
    let code = code.replace("'../local'", "'./three.ts'");
    let files = [("deep/main.ts", "http", code.as_str()), files[1], files[3]];
    let made = town.val_of("aliased", &files).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(town.run("aliased").await, (200, "[1,2,3,3]".into()));
}

#[tokio::test]
async fn an_import_that_leads_nowhere_is_told_with_its_place_and_what_was_meant() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.put(
        "cdn.test/bad.js",
        JAVASCRIPT,
        "import './gone.js'; export default 1",
    );
    elsewhere.redirect("cdn.test/circle", "/circle");
    elsewhere.redirect("cdn.test/down", "http://cdn.test/plain");
    elsewhere.put("cdn.test/large.js", JAVASCRIPT, &" ".repeat(5 << 20));
    let town = town_beside(&elsewhere).await;
    town.val_of(
        "greeter",
        &[
            ("main.ts", "script", "export const hi = 1"),
            ("hello.ts", "script", "export default 1"),
        ],
    )
    .await;
    let cases = [
        ("https://cdn.test/none.js", "answered 404", ""),
        (
            "https://cdn.test/bad.js",
            "https://cdn.test/gone.js answered 404 (imported by https://cdn.test/bad.js)",
            "",
        ),
        ("https://cdn.test/circle", "redirects more than", ""),
        ("https://cdn.test/down", "which is not https", ""),
        ("https://cdn.test/large.js", "more than 4194304 bytes", ""),
        (
            "http://cdn.test/a.js",
            "not secure",
            "Write https://cdn.test/a.js",
        ),
        (
            "lodash",
            "Nothing is known by the name lodash",
            "Write npm:lodash",
        ),
        (
            "helper.ts",
            "Nothing is known by the name helper.ts",
            "Write ./helper.ts",
        ),
        (
            "./helpr.ts",
            "There is no file helpr.ts",
            "Write ./helper.ts",
        ),
        ("./helper", "There is no file helper", "Write ./helper.ts"),
        (
            "https://esm.town/v/alice/greter",
            "no val alice/greter",
            "Did you mean alice/greeter?",
        ),
        (
            "https://esm.town/v/alice/greeter/helo.ts",
            "has no file helo.ts",
            "Did you mean hello.ts?",
        ),
        (
            "/v/alice/greeter@7-main/main.ts",
            "has no file main.ts",
            "Its newest version is 0",
        ),
    ];
    let imports = cases.iter().enumerate();
    let code: String = imports
        .map(|(n, (specifier, ..))| format!("import i{n} from '{specifier}';\n"))
        .collect();
    let names: Vec<String> = (0..cases.len()).map(|n| format!("i{n}")).collect();
    let code = format!("{code}export default () => [{}]", names.join(", "));
    let made = town
        .val_of(
            "astray",
            &[
                ("main.ts", "http", &code),
                ("helper.ts", "script", "export default 1"),
            ],
        )
        .await;
    let diagnostics = made["diagnostics"].as_array().expect("a list");
    assert_eq!(diagnostics.len(), cases.len(), "{diagnostics:#?}");
    for (number, (specifier, message, suggestion)) in cases.iter().enumerate() {
        let at = |diagnostic: &&Value| diagnostic["line"] == number + 1;
        let found = diagnostics
            .iter()
            .find(at)
            .unwrap_or_else(|| panic!("none for {specifier}"));
        assert_eq!(found["path"], "main.ts", "{found}");
        let column = format!("import i{number} from ").len() + 1;
        assert_eq!(found["column"], column, "{found}");
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_string();
        assert!(text("message").contains(message), "{specifier}: {found}");
        assert!(
            text("suggestion").contains(suggestion),
            "{specifier}: {found}"
        );
    }
}

#[tokio::test]
async fn a_private_address_is_no_place_for_modules_unless_the_operator_says_so() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.put("cdn.test/lib.js", JAVASCRIPT, "export default 1");
    let variables = [("TOWN_MODULE_MIRROR", elsewhere.base.as_str())];
    let town = Town::start_under(&variables, &[]).await;
    let code = "import lib from 'https://cdn.test/lib.js'; export default () => new Response(lib)";
    let made = town.val("inward", code).await;
    let message = made["diagnostics"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(message.contains("private address"), "{message}");
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
    assert_eq!(town.run("inward").await.0, 500);
}

#[tokio::test]
async fn a_module_from_elsewhere_has_no_authority() {
    let elsewhere = Elsewhere::start().await;
    let spy = "import * as kernel from 'town:kernel'; import { sqlite } from 'https://esm.town/v/std/sqlite';\n\
        export const seen = async () => [typeof kernel.storage, Object.keys(kernel.env ?? {}).length,\n\
          await Promise.resolve().then(() => sqlite.execute('select 1')).catch((error) => error.message)];";
    elsewhere.put("cdn.test/spy.js", JAVASCRIPT, spy);
    let town = town_beside(&elsewhere).await;
    let code = "import { seen } from 'https://cdn.test/spy.js';\n\
        import { sqlite } from 'https://esm.town/v/std/sqlite';\n\
        export default async () => Response.json([await seen(), (await sqlite.execute('select 1')).rows])";
    let made = town.val("watched", code).await;
    assert_eq!(made["diagnostics"], json!([]));
    let (status, text) = town.run("watched").await;
    assert_eq!(status, 200, "{text}");
    let seen: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(seen[0][0], "undefined", "{text}");
    assert_eq!(seen[0][1], 0, "{text}");
    assert!(
        seen[0][2]
            .as_str()
            .expect("a message")
            .contains("not given authority"),
        "{text}"
    );
    assert_eq!(seen[1], json!([[1]]), "{text}");
}

#[tokio::test]
async fn what_is_kept_is_asked_for_again_only_on_request() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.put("cdn.test/lib.js", JAVASCRIPT, "export default 'old'");
    let town = town_beside(&elsewhere).await;
    let code = "import lib from 'https://cdn.test/lib.js'; export default () => new Response(lib)";
    let made = town.val("locked", code).await;
    elsewhere.put("cdn.test/lib.js", JAVASCRIPT, "export default 'new'");
    save(&town, id(&made), "main.tsx", &format!("{code} // Again.")).await;
    assert_eq!(town.run("locked").await, (200, "old".into()));
    let at = format!("/api/town/vals/{}/modules", id(&made));
    let (status, listed) = town.api(Method::GET, &at, None).await;
    assert_eq!(status, 200, "{listed}");
    assert_eq!(listed["data"][0]["specifier"], "https://cdn.test/lib.js");
    let old = listed["data"][0]["hash"].clone();
    let (status, updated) = town.api(Method::POST, &at, None).await;
    assert_eq!(status, 200, "{updated}");
    assert_eq!(updated["version"], 2);
    assert_eq!(town.run("locked").await, (200, "new".into()));
    let (_, listed) = town.api(Method::GET, &at, None).await;
    assert_ne!(listed["data"][0]["hash"], old);
}
