//! The platform is changed from inside, and a change that is broken never locks its owner out.

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{endpoint, id, save};
use crate::town::{OWNER, Town};

const HOME: &str = include_str!("../../bootstrap-vals/pages/home.ts");
const MAIN: &str = include_str!("../../bootstrap-vals/main.ts");

/// The front page with another title.
fn home(title: &str) -> String {
    let changed = HOME.replace("<h1>Val Town Town</h1>", &format!("<h1>{title}</h1>"));
    assert_ne!(changed, HOME, "the image still has that line");
    changed
}

async fn write(town: &Town, path: &str, source: &str) {
    let at = format!("/api/town/system/files/{path}");
    let (status, written) = town
        .api(Method::PUT, &at, Some(json!({ "source": source })))
        .await;
    assert_eq!(status, 200, "{written}");
}

async fn reload(town: &Town) -> (u16, Value) {
    town.api(Method::POST, "/api/town/system/reload", None)
        .await
}

async fn restore(town: &Town, path: &str) {
    assert_eq!(
        town.api(Method::DELETE, &format!("/api/town/system{path}"), None)
            .await
            .0,
        204
    );
}

async fn overridden(town: &Town) -> Vec<String> {
    let (status, files) = town.api(Method::GET, "/api/town/system", None).await;
    assert_eq!(status, 200, "{files}");
    let files = files["data"].as_array().expect("a list");
    let changed = files.iter().filter(|file| file["from"] != "image");
    changed
        .map(|file| file["path"].as_str().expect("a path").to_string())
        .collect()
}

#[tokio::test]
async fn an_override_changes_its_page_at_reload_and_restoring_brings_back_the_image() {
    let town = Town::start().await;
    let pid = town.pid();
    town.val("hello", "export default () => new Response('hello')")
        .await;
    assert_eq!(town.run("hello").await, (200, "hello".into()));
    write(&town, "pages/home.ts", &home("My town")).await;
    assert!(
        town.text("/").await.1.contains("<h1>Val Town Town</h1>"),
        "not before reload"
    );
    assert_eq!(reload(&town).await, (200, json!({ "reloaded": true })));
    assert!(town.text("/").await.1.contains("<h1>My town</h1>"));
    assert_eq!(town.run("hello").await, (200, "hello".into()));
    assert_eq!(overridden(&town).await, ["pages/home.ts"]);
    let at = "/api/town/system/files/pages/home.ts";
    let (_, file) = town.api(Method::GET, at, None).await;
    assert_eq!(
        (&file["from"], &file["image"]),
        (&json!("override"), &json!(HOME))
    );
    assert_eq!(file["source"], home("My town"));
    // What is in force is what is found, by its line.
    let at = "/api/town/system/search?q=%3Ch1%3Emy%20TOWN";
    let (_, found) = town.api(Method::GET, at, None).await;
    let [only] = found["data"].as_array().expect("a list").as_slice() else {
        panic!("one line has it: {found}");
    };
    let lines = home("My town");
    let line = usize::try_from(only["line"].as_u64().expect("a number")).expect("small");
    let text = lines.lines().nth(line - 1).expect("a line");
    assert!(
        only["path"] == "pages/home.ts" && text.contains("<h1>My town"),
        "{only}"
    );
    let page = town.text("/@town/system?q=homeRoutes").await.1;
    let link = "/@town/system/pages/home.ts#L";
    assert!(page.contains(link), "{page}");
    restore(&town, "/files/pages/home.ts").await;
    assert_eq!(reload(&town).await.0, 200);
    assert!(town.text("/").await.1.contains("<h1>Val Town Town</h1>"));
    assert_eq!(overridden(&town).await, Vec::<String>::new());
    assert_eq!(town.pid(), pid, "all without a restart");
}

#[tokio::test]
async fn an_override_is_kept_across_a_restart() {
    // Of a root: it is started anew on its folder.
    let town = Town::root().await;
    write(&town, "pages/home.ts", &home("Kept")).await;
    assert_eq!(reload(&town).await.0, 200);
    let (code, data) = town.stop().await;
    assert_eq!(code, Some(0));
    let town = Town::start_in(data, &[]).await;
    assert!(town.text("/").await.1.contains("<h1>Kept</h1>"));
    let (_, data) = town.stop().await;
    let town = Town::start_in(data, &["--safe-mode"]).await;
    assert!(
        town.text("/").await.1.contains("<h1>Val Town Town</h1>"),
        "safe mode ignores it"
    );
}

#[tokio::test]
async fn a_file_that_is_added_can_be_imported() {
    let town = Town::start().await;
    write(
        &town,
        "pages/word.ts",
        "export const word: string = \"<added>\";\n",
    )
    .await;
    let source = format!("import {{ word }} from \"./word.ts\";\n{}", home("${word}"));
    write(&town, "pages/home.ts", &source).await;
    assert_eq!(reload(&town).await, (200, json!({ "reloaded": true })));
    assert!(town.text("/").await.1.contains("<h1>&lt;added&gt;</h1>"));
    assert_eq!(overridden(&town).await, ["pages/home.ts", "pages/word.ts"]);
}

#[tokio::test]
async fn a_broken_override_is_refused_with_its_place_and_the_old_program_serves_on() {
    // Of a root: inside another it is a val that lacks the export.
    let town = Town::root().await;
    write(&town, "pages/home.ts", &home("Good")).await;
    assert_eq!(reload(&town).await.0, 200);
    let syntax = HOME.replacen("const LISTED_MAX = 50;", "const LISTED_MAX = = 50;", 1);
    let throws = format!("{HOME}\nthrow new Error(\"at load\");\n");
    let import =
        format!("import {{ nothing }} from \"./layout.ts\";\n{HOME}\nconsole.log(nothing);\n");
    let line = |source: &str, text: &str| {
        1 + source
            .lines()
            .position(|line| line.contains(text))
            .expect("the line")
    };
    let cases = [
        (
            "pages/home.ts",
            syntax.clone(),
            format!("pages/home.ts:{}:20", line(&syntax, "= = 50")),
        ),
        (
            "pages/home.ts",
            throws.clone(),
            format!("pages/home.ts:{}:", line(&throws, "at load")),
        ),
        ("pages/home.ts", import, "nothing".to_string()),
        (
            "pages/home.ts",
            format!("import \"./missing.ts\";\n{HOME}"),
            "missing.ts".to_string(),
        ),
        (
            "main.ts",
            "export const nothing = 1;\n".into(),
            "no handler".to_string(),
        ),
        (
            "main.ts",
            "export default { alarm() {} };\n".into(),
            "no handler".to_string(),
        ),
    ];
    for (path, source, place) in cases {
        write(&town, path, &source).await;
        let (status, refused) = reload(&town).await;
        assert_eq!(
            (status, &refused["code"]),
            (422, &json!("load")),
            "{place}: {refused}"
        );
        let told = format!("{} {}", refused["message"], refused["stack"]);
        assert!(told.contains(&place), "{place:?} is not in {told}");
        assert!(
            town.text("/").await.1.contains("<h1>Good</h1>"),
            "{place}: the old one serves"
        );
        let at = format!("/files/{path}");
        restore(&town, &at).await;
        if path == "main.ts" {
            assert_eq!(overridden(&town).await, ["pages/home.ts"]);
        }
        write(&town, "pages/home.ts", &home("Good")).await;
    }
    assert_eq!(reload(&town).await.0, 200);
    assert!(town.text("/").await.1.contains("<h1>Good</h1>"));
}

#[tokio::test]
async fn an_override_that_never_finishes_loading_is_refused() {
    let town = Town::start_with(&["--time-limit", "3"]).await;
    let pid = town.pid();
    write(
        &town,
        "main.ts",
        "await new Promise(() => {});\nexport default () => {};\n",
    )
    .await;
    let (status, refused) = reload(&town).await;
    assert_eq!(
        (town.get("/").await.status().as_u16(), town.pid()),
        (200, pid)
    );
    assert_eq!(
        (status, &refused["code"]),
        (422, &json!("load")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_broken_override_in_the_database_is_survived_by_safe_mode_and_restored_by_one_call() {
    // Of a root: it is started anew on its folder.
    let town = Town::root().await;
    town.val("hello", "export default () => new Response('hello')")
        .await;
    // Written and never reloaded; the next start finds it.
    write(&town, "main.ts", "export default SECRET_OF_THE_SOURCE(;\n").await;
    write(&town, "pages/home.ts", "throw new Error('at load')\n").await;
    let (_, data) = town.stop().await;
    let town = Town::start_in(data, &[]).await;
    for path in ["/", "/run/alice/hello/", "/api/v1/me", "/healthz"] {
        let (status, page) = town.text(path).await;
        assert_eq!(status, 500, "{path}: {page}");
        assert!(page.contains("--safe-mode"), "it says what to do: {page}");
        assert!(!page.contains("SECRET_OF_THE_SOURCE"), "{page}");
        assert!(!page.contains(&*town.data().to_string_lossy()), "{page}");
    }
    assert!(
        town.log().contains("main.ts:1:"),
        "the log has the place: {}",
        town.log()
    );
    let (code, data) = town.stop().await;
    assert_eq!(code, Some(0));
    let town = Town::start_in(data, &["--safe-mode"]).await;
    assert_eq!(town.get("/").await.status(), 200);
    assert_eq!(town.run("hello").await, (200, "hello".into()));
    assert_eq!(overridden(&town).await, ["main.ts", "pages/home.ts"]);
    restore(&town, "").await;
    assert_eq!(overridden(&town).await, Vec::<String>::new());
    let (_, data) = town.stop().await;
    let town = Town::start_in(data, &[]).await;
    assert_eq!(town.get("/").await.status(), 200);
    assert_eq!(town.run("hello").await, (200, "hello".into()));
}

#[tokio::test]
async fn an_override_in_a_nested_town_changes_that_town_alone() {
    let town = Town::start().await;
    let one = town.inside_by_host("one").await;
    let two = town.inside_by_path("two").await;
    let deep = one.inside_by_host("deep").await;
    let everyone = [&town, &one, &two, &deep];
    let titles = async || {
        let mut titles = Vec::new();
        for town in everyone {
            let (status, page) = town.text("/").await;
            assert_eq!(status, 200, "{page}");
            let title = page
                .split("<h1>")
                .nth(1)
                .and_then(|rest| rest.split("</h1>").next());
            titles.push(title.expect("a title").to_string());
        }
        titles
    };
    let image = "Val Town Town";
    assert_eq!(titles().await, [image, image, image, image]);
    write(&one, "pages/home.ts", &home("One")).await;
    assert_eq!(reload(&one).await, (200, json!({ "reloaded": true })));
    assert_eq!(titles().await, [image, "One", image, image]);
    write(&deep, "pages/home.ts", &home("Deep")).await;
    assert_eq!(reload(&deep).await.0, 200);
    assert_eq!(titles().await, [image, "One", image, "Deep"]);
    write(&town, "pages/home.ts", &home("Root")).await;
    assert_eq!(reload(&town).await.0, 200);
    assert_eq!(titles().await, ["Root", "One", image, "Deep"]);
    write(&one, "main.ts", "nonsense(").await;
    assert_eq!(reload(&one).await.0, 422);
    assert_eq!(titles().await, ["Root", "One", image, "Deep"]);
    // Its vals' own processes end with a restart: then it is loaded anew, with its overrides.
    restore(&one, "/files/main.ts").await;
    for (town, expected) in [
        (&one, vec!["pages/home.ts"]),
        (&two, vec![]),
        (&town, vec!["pages/home.ts"]),
    ] {
        assert_eq!(overridden(town).await, expected);
    }
}

#[tokio::test]
async fn a_nested_town_that_was_broken_by_force_is_repaired_by_its_val() {
    let town = Town::start().await;
    let inner = town.inside_by_host("broken").await;
    inner
        .val("kept", "export default () => new Response('kept')")
        .await;
    write(&inner, "main.ts", "nonsense(").await;
    let alias = format!("/api/v2/alias/vals/{OWNER}/broken");
    let (_, val) = town.api(Method::GET, &alias, None).await;
    // Another version is another program, which finds the override.
    let line = "export { default } from \"town:system/main.ts\";\n";
    save(
        &town,
        id(&val),
        "main.ts",
        &format!("{line}// Loaded anew.\n"),
    )
    .await;
    assert_eq!(
        inner.text("/").await,
        (500, "This val could not be loaded\n".into())
    );
    assert_eq!(
        town.get("/").await.status(),
        200,
        "the town around it is well"
    );
    let repair = "import { system } from \"town:kernel\";\n\
        export default async () => { await system!.restore(); return new Response('restored'); };\n";
    save(&town, id(&val), "main.ts", repair).await;
    assert_eq!(inner.text("/").await, (200, "restored".into()));
    save(&town, id(&val), "main.ts", line).await;
    assert_eq!(inner.get("/").await.status(), 200);
    assert_eq!(inner.run("kept").await, (200, "kept".into()));
}

#[tokio::test]
async fn a_val_is_given_the_image_and_not_its_towns_overrides() {
    let town = Town::start().await;
    write(
        &town,
        "pages/word.ts",
        "export const word = 'of the town';\n",
    )
    .await;
    assert_eq!(reload(&town).await.0, 200);
    let code = "import { word } from \"town:system/pages/word.ts\";\nexport default () => new Response(word)";
    let made = town.val("curious", code).await;
    let (status, text) = town.text(endpoint(&made)).await;
    assert_eq!(status, 500, "{text}");
}

#[tokio::test]
async fn the_program_of_the_town_may_be_replaced_as_a_whole() {
    let town = Town::start().await;
    let wrapped = MAIN.replace(
        "export default handler;",
        "export default { alarm, tail, fetch: async (request: Request) => {\n  const response = await fetch(request);\n  response.headers.set(\"x-wrapped\", \"yes\");\n  return response;\n} };",
    );
    assert_ne!(wrapped, MAIN);
    write(&town, "main.ts", &wrapped).await;
    assert_eq!(reload(&town).await, (200, json!({ "reloaded": true })));
    town.val("hello", "export default () => new Response('hello')")
        .await;
    let answer = town.get("/run/alice/hello/").await;
    assert_eq!(crate::serving::header(&answer, "x-wrapped"), "yes");
    assert_eq!(answer.text().await.expect("a body"), "hello");
}
