//! What a program is given by the one that starts it: databases from elsewhere, and names of its
//! modules' own.

use crate::town::{PATIENCE, Town};
use crate::watching::within;

#[tokio::test]
async fn a_program_reaches_what_is_mounted_and_nothing_above_it() {
    let town = Town::root().await;
    let code = r#"import { loader, storage } from "town:kernel";
const source = `import { storage } from "town:kernel";
  export default async (request) => {
    const shared = storage.sub("shared");
    const refused = await storage.drop("shared").then(() => "dropped", (error) => error.message);
    const before = shared.revision;
    await shared.sub("below").execute("CREATE TABLE deep (word TEXT)");
    await shared.execute("INSERT INTO kept VALUES ('from the child')");
    const { rows } = await shared.execute("SELECT word FROM kept ORDER BY word");
    return Response.json({
      words: rows.flat(), refused, listed: await storage.subs(), moved: shared.revision > before,
      own: (await storage.execute("SELECT name FROM sqlite_schema")).rows,
    });
  }`;
export default async (request) => {
  const shared = storage.sub("account");
  await shared.execute("CREATE TABLE kept (word TEXT)");
  await shared.execute("INSERT INTO kept VALUES ('by the parent')");
  const child = loader.load({
    main: "child.ts", modules: { "child.ts": { type: "ts", source } },
    storage: storage.sub("child"), mounts: { shared },
  });
  const answer = await (await child.fetch(request)).json();
  const { rows } = await shared.execute("SELECT word FROM kept ORDER BY word");
  const bare = loader.load({ main: "child.ts", modules: { "child.ts": { type: "ts", source } }, mounts: { shared } });
  const placeless = await bare.fetch(request).then(() => "ran", (error) => error.message);
  return Response.json({ ...answer, after: rows.flat(), below: await shared.subs(), placeless });
}"#;
    town.val("mounting", code).await;
    let (status, text) = town.run("mounting").await;
    assert_eq!(status, 200, "{text}");
    let seen: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let both = serde_json::json!(["by the parent", "from the child"]);
    assert_eq!(seen["words"], both);
    assert_eq!(seen["after"], both);
    assert_eq!(seen["refused"], "shared is another's database");
    assert_eq!(seen["below"], serde_json::json!(["below"]));
    assert_eq!(seen["listed"], serde_json::json!([]));
    assert_eq!(seen["own"], serde_json::json!([]));
    assert_eq!(seen["moved"], true);
    let placeless = seen["placeless"].as_str().expect("a message");
    assert!(placeless.contains("without storage"), "{placeless}");
}

#[tokio::test]
async fn modules_of_one_program_may_mean_different_things_by_one_name() {
    let town = Town::root().await;
    let code = r#"import { loader } from "town:kernel";
const ts = (source, imports) => ({ type: "ts", source, imports });
export default (request) => loader.load({
  main: "main.ts",
  modules: {
    "main.ts": ts(`import { a } from "a"; import b from "b"; import late from "./late";
      export default async () => Response.json([a, b, late, (await import("dynamic")).word])`, {
      a: "https://one.test/a.ts", b: "https://one.test/b.ts", "./late": "https://one.test/v1.ts", dynamic: "https://one.test/v2.ts",
    }),
    "https://one.test/a.ts": ts(`import v, { word } from "same"; export const a = v + word`, { same: "https://one.test/v1.ts" }),
    "https://one.test/b.ts": ts(`import v, { word } from "same"; export default v + word`, { same: "https://one.test/v2.ts" }),
    "https://one.test/v1.ts": ts(`export default "one "; export const word = "1"`),
    "https://one.test/v2.ts": ts(`export default "two "; export const word = "2"`),
  },
}).fetch(request)"#;
    town.val("naming", code).await;
    let answer = town.run("naming").await;
    let expected = r#"["one 1","two 2","one ","2"]"#;
    assert_eq!(answer, (200, expected.into()));
}

/// A process of its own for each request ends with it, unless something is waited for.
#[tokio::test]
async fn what_a_program_waits_for_is_done_after_its_answer() {
    let town = Town::root().await;
    let code = r#"// town: isolation=request
    import { waitUntil } from "town:runtime";
    import { storage } from "town:kernel";
    const note = async (word: string) => {
      await new Promise((done) => setTimeout(done, 50));
      await storage.batch(["CREATE TABLE IF NOT EXISTS words (word TEXT)", { sql: "INSERT INTO words VALUES (?)", args: [word] }], "write");
    };
    export default { async fetch(request: Request, env: unknown, ctx: { waitUntil(work: Promise<unknown>): void }) {
      const word = new URL(request.url).searchParams.get("word");
      if (word === "runtime") waitUntil(note(word));
      else if (word === "ctx") ctx.waitUntil(note(word));
      else {
        const found = await storage.execute("SELECT group_concat(word) AS words FROM words").catch(() => null);
        return new Response(String(found?.rows[0]?.[0] ?? ""));
      }
      return new Response("answered");
    } };"#;
    town.val("waiting", code).await;
    for word in ["runtime", "ctx"] {
        let answer = town.text(&format!("/run/alice/waiting/?word={word}")).await;
        assert_eq!(answer, (200, "answered".into()));
        within(PATIENCE, "what was waited for is written", async || {
            let (_, words) = town.text("/run/alice/waiting/").await;
            words.contains(word).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_prepared_program_is_known_and_has_not_been_started() {
    let town = Town::root().await;
    let code = r#"import { loader } from "town:kernel";
let made = 0;
const program = (source) => () => {
  made++;
  return { main: "main.js", modules: { "main.js": { type: "js", source } } };
};
export default async () => {
  const one = loader.get("one", program("export default () => new Response('hello')"));
  await one.prepare();
  await one.prepare();
  const before = { made, ...(await one.usage()) };
  const answer = await (await one.fetch(new Request("http://a/"))).text();
  const rehearsed = await import(`town:${"rehearsal"}`).then(() => "there", () => "gone");
  const broken = loader.get("broken", program("export default ("));
  const prepared = await broken.prepare().then(() => "ready", (error) => error.message);
  const failed = await broken.fetch(new Request("http://a/")).then(() => "ran", (error) => error.outcome);
  await loader.load({ main: "no", modules: {} }).prepare();
  return Response.json({ before, answer, made, rehearsed, prepared, failed });
}"#;
    town.val("preparing", code).await;
    let (status, text) = town.run("preparing").await;
    assert_eq!(status, 200, "{text}");
    let seen: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let before = serde_json::json!({ "made": 1, "isolates": 0, "runs": 0, "cpuMs": 0 });
    assert_eq!(seen["before"], before);
    assert_eq!(seen["answer"], "hello");
    assert_eq!(seen["made"], 2);
    // What a process does before it has a program is not to be found in it.
    assert_eq!(seen["rehearsed"], "gone");
    // What is wrong with it is told by a run, as always.
    assert_eq!(seen["prepared"], "ready");
    assert_eq!(seen["failed"], "load");
}

#[tokio::test]
async fn a_module_that_throws_beside_one_that_waits_fails_at_once() {
    let town = Town::root().await;
    let code = r#"import { loader } from "town:kernel";
const js = (source) => ({ type: "js", source });
export default async () => {
  const program = loader.load({
    main: "main.js",
    modules: {
      "main.js": js("import './dep.js'; null.x; export default () => new Response('ran');"),
      "./dep.js": js("await 1; export {};"),
    },
    limits: { deadlineMs: 20_000 },
  });
  const outcome = await program.fetch(new Request("http://a/")).then(() => "ran", (error) => error.outcome);
  return Response.json(outcome);
}"#;
    town.val("throwing", code).await;
    assert_eq!(town.run("throwing").await, (200, "\"load\"".into()));
}
