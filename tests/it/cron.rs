//! Files of type interval: when they are due, and that they run then, once at a time, whatever happens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::town::storage::{Deadline, Statement, Stores, StoresOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serving::{eventually, id, line_of};
use crate::town::{OWNER, Town};

/// Says when it ran last.
const TELLS: &str = r#"
export default async (interval: Interval) => {
  console.log("ran, before that:", interval.lastRunAt instanceof Date ? "a date" : interval.lastRunAt);
  return () => "what a handler returns is nobody's business";
};"#;

fn file<'a>(made: &'a Value, path: &str) -> &'a str {
    let files = made["files"].as_array().expect("files");
    let found = files.iter().find(|file| file["path"] == path);
    found.map(id).expect("the file")
}

async fn put(town: &Town, file: &str, schedule: Value) -> (u16, Value) {
    let at = format!("/api/town/files/{file}/schedule");
    town.api(Method::PUT, &at, Some(schedule)).await
}

async fn schedule(town: &Town, file: &str) -> Value {
    let at = format!("/api/town/files/{file}/schedule");
    let (status, shown) = town.api(Method::GET, &at, None).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

async fn run_now(town: &Town, file: &str) -> (u16, Value) {
    let at = format!("/api/town/files/{file}/run");
    town.api(Method::POST, &at, None).await
}

/// Makes a schedule of a town that is down due as long ago.
pub async fn make_due(data: &Arc<TempDir>, file: &str, ago: Duration) {
    let stores = Stores::open(&data.path().join("data"), &StoresOptions::default());
    let cron = stores.expect("the folder").root().sub("cron").expect("sub");
    let due = SystemTime::now() - ago;
    let due_ms = due
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let sql = format!("UPDATE schedule SET due_at = {due_ms} WHERE file_id = '{file}'");
    let deadline = Deadline::after(Duration::from_secs(60));
    cron.execute(Statement::new(sql), deadline)
        .await
        .expect("the schedule is there");
    let alarm = cron.sub(file).expect("a name");
    alarm.set_alarm(Some(due)).await.expect("an alarm");
}

#[tokio::test]
async fn an_interval_file_is_run_by_hand_scheduled_paused_and_freed() {
    let town = Town::start().await;
    let files = [
        ("cron.ts", "interval", TELLS),
        (
            "bad.ts",
            "interval",
            "export const only = () => { throw new Error('no'); };",
        ),
        ("none.ts", "interval", "export default 5;"),
        ("main.ts", "http", "export default () => new Response('')"),
    ];
    let made = town.val_of("ticking", &files).await;
    let cron = file(&made, "cron.ts");

    let (status, ran) = run_now(&town, cron).await;
    assert_eq!((status, &ran["outcome"]), (200, &json!("ok")), "{ran}");
    line_of(&town, id(&made), "before that: undefined").await;
    let (_, ran) = run_now(&town, file(&made, "bad.ts")).await;
    assert_eq!(ran["outcome"], "exception", "{ran}");
    let error = ran["error"].as_str().expect("a stack");
    assert!(
        error.contains("Error: no") && error.contains("bad.ts:1:"),
        "{error}"
    );
    let (_, ran) = run_now(&town, file(&made, "none.ts")).await;
    assert_eq!(ran["outcome"], "load", "{ran}");

    let wish = json!({ "schedule": "0 9 * * mon-fri", "timeZone": "europe/berlin" });
    let (status, made_schedule) = put(&town, cron, wish).await;
    assert_eq!(status, 200, "{made_schedule}");
    assert_eq!(made_schedule["timeZone"], "Europe/Berlin");
    assert_eq!(
        made_schedule["words"],
        "at 09:00 on Monday to Friday, Europe/Berlin time"
    );
    let next = made_schedule["next"].as_array().expect("next runs");
    assert_eq!(next.len(), 5);
    assert!(
        next.iter().all(|run| run["words"]
            .as_str()
            .is_some_and(|w| w.ends_with(", 09:00"))),
        "{next:?}"
    );
    assert_eq!(made_schedule["dueAt"], next[0]["at"]);

    let (_, ran) = run_now(&town, cron).await;
    assert_eq!(ran["outcome"], "ok");
    let shown = schedule(&town, cron).await;
    assert_eq!(
        (&shown["lastRunAt"], &shown["lastOutcome"], &shown["dueAt"]),
        (&ran["startedAt"], &json!("ok"), &made_schedule["dueAt"]),
        "a run by hand leaves the next one where it is"
    );
    run_now(&town, cron).await;
    line_of(&town, id(&made), "before that: a date").await;

    let (_, paused) = put(&town, cron, json!({ "paused": true })).await;
    assert_eq!(
        (&paused["paused"], &paused["dueAt"], &paused["next"]),
        (&json!(true), &Value::Null, &json!([]))
    );
    assert_eq!(paused["schedule"], "0 9 * * mon-fri", "the rest stays");
    let (_, resumed) = put(&town, cron, json!({ "paused": false })).await;
    assert_eq!(resumed["dueAt"], made_schedule["dueAt"]);
    let (_, shown) = town
        .api(Method::GET, &format!("/api/v2/files/{cron}"), None)
        .await;
    assert_eq!(shown["schedule"], resumed, "the file tells of it");
    let (_, shown) = town.text(&format!("/api/v2/files/{cron}")).await;
    assert!(!shown.contains("schedule"), "to its author: {shown}");
    let of_val = format!("/api/town/vals/{}/schedules", id(&made));
    let (_, listed) = town.api(Method::GET, &of_val, None).await;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    let (_, mine) = town.api(Method::GET, "/api/town/schedules", None).await;
    assert_eq!(mine, listed);

    for (wish, words) in [
        (json!({ "schedule": "61 * * * *" }), "\"61\" is no minute"),
        (json!({ "schedule": "* * * * * *" }), "five fields"),
        (json!({ "schedule": "0 0 30 2 *" }), "never due"),
        (json!({ "schedule": "every 0 minutes" }), "a minute"),
        (json!({ "timeZone": "Europe/Bonn" }), "no time zone"),
        (json!({ "missed": "thrice" }), "once or skip"),
        (json!({ "retries": 99 }), "0 to 10"),
        (json!({ "paused": "yes" }), "boolean"),
    ] {
        let (status, error) = put(&town, cron, wish.clone()).await;
        assert_eq!(status, 400, "{wish}: {error}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(words), "{wish}: {message}");
    }
    let (status, _) = put(&town, file(&made, "bad.ts"), json!({})).await;
    assert_eq!(status, 400, "a first one needs a text");
    let (status, _) = put(
        &town,
        file(&made, "main.ts"),
        json!({ "schedule": "@daily" }),
    )
    .await;
    assert_eq!(status, 400, "only files of type interval have schedules");
    let at = format!("/api/town/files/{cron}/schedule");
    for (method, path) in [
        (Method::GET, &at),
        (Method::PUT, &at),
        (Method::DELETE, &at),
        (Method::GET, &of_val),
    ] {
        let answer = town.bare(method, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "nobody may see or change it");
    }
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    assert_eq!(town.api(Method::GET, &at, None).await.0, 404);
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 404);
}

#[tokio::test]
async fn what_was_due_while_the_town_was_down_runs_once_or_not_as_the_author_wants() {
    // Of a root: its folder is opened while it is down.
    let town = Town::root().await;
    let files = [
        ("once.ts", "interval", TELLS),
        ("skip.ts", "interval", TELLS),
        ("late.ts", "interval", TELLS),
        ("fails.ts", "interval", "export default () => { throw 1; };"),
        ("gone.ts", "interval", TELLS),
        ("main.ts", "http", "export default () => new Response('')"),
    ];
    let made = town.val_of("missing", &files).await;
    let files: Vec<&str> = ["once.ts", "skip.ts", "late.ts", "fails.ts", "gone.ts"]
        .map(|path| file(&made, path))
        .to_vec();
    for (index, file) in files.iter().enumerate() {
        let missed = if index == 1 || index == 2 {
            "skip"
        } else {
            "once"
        };
        let wish = json!({ "schedule": "0 0 1 1 *", "missed": missed });
        assert_eq!(put(&town, file, wish).await.0, 200);
    }
    let before = schedule(&town, files[0]).await;
    let at = format!("/api/v2/vals/{}/files?path=gone.ts", id(&made));
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    let (_, data) = town.stop().await;
    let long = Duration::from_secs(86_400 * 3);
    for (index, file) in files.iter().enumerate() {
        let ago = if index == 2 {
            Duration::from_secs(1)
        } else {
            long
        };
        make_due(&data, file, ago).await;
    }
    let town = Town::start_in(data, &[]).await;
    let settled = |shown: &Value| shown["dueAt"] == before["dueAt"];
    for index in [0, 2] {
        let shown = eventually("a run", async || {
            let shown = schedule(&town, files[index]).await;
            (shown["lastOutcome"] == "ok").then_some(shown)
        })
        .await;
        assert!(
            settled(&shown),
            "one run makes up for all that were missed: {shown}"
        );
    }
    let skipped = eventually("the next due time", async || {
        let shown = schedule(&town, files[1]).await;
        settled(&shown).then_some(shown)
    })
    .await;
    assert_eq!(skipped["lastAttemptAt"], Value::Null, "{skipped}");
    let failed = eventually("a failure", async || {
        let shown = schedule(&town, files[3]).await;
        (shown["failures"] == 1).then_some(shown)
    })
    .await;
    assert_eq!(failed["lastRunAt"], Value::Null, "it is tried again");
    assert!(
        failed["dueAt"].as_str() < before["dueAt"].as_str(),
        "soon: {failed}"
    );
    let mine = eventually("the schedule of no file", async || {
        let (_, mine) = town.api(Method::GET, "/api/town/schedules", None).await;
        let gone = mine["data"].as_array()?.iter();
        gone.filter(|one| one["fileId"] == files[4])
            .find(|one| one["paused"] == true)
            .cloned()
    })
    .await;
    assert!(
        mine["lastError"]
            .as_str()
            .is_some_and(|error| error.contains("no such file")),
        "{mine}"
    );
}

#[tokio::test]
async fn a_run_that_a_crash_cut_off_is_made_again() {
    // Of a root: its folder is opened while it is down.
    let town = Town::root().await;
    let code = r#"
    import { storage } from "town:kernel";
    const begun = async () => {
      await storage.execute("CREATE TABLE IF NOT EXISTS run (at)");
      return Number((await storage.execute("SELECT count(*) FROM run")).rows[0][0]);
    };
    export default async () => {
      const before = await begun();
      await storage.execute("INSERT INTO run VALUES (1)");
      if (before === 0) await new Promise(() => {});
    };"#;
    let counts = r#"
    import { storage } from "town:kernel";
    export default async () => {
      await storage.execute("CREATE TABLE IF NOT EXISTS run (at)");
      return Response.json((await storage.execute("SELECT count(*) FROM run")).rows[0][0]);
    };"#;
    let files = [("cron.ts", "interval", code), ("main.ts", "http", counts)];
    let made = town.val_of("cut", &files).await;
    let cron = file(&made, "cron.ts").to_string();
    let wish = json!({ "schedule": "@yearly" });
    assert_eq!(put(&town, &cron, wish).await.0, 200);
    let (_, data) = town.stop().await;
    make_due(&data, &cron, Duration::from_secs(1)).await;
    let town = Town::start_in(data, &[]).await;
    let runs = async |town: &Town| town.text(&format!("/run/{OWNER}/cut/")).await.1;
    eventually("the first run", async || {
        (runs(&town).await == "1").then_some(())
    })
    .await;
    assert_eq!(schedule(&town, &cron).await["running"], true);
    let (status, error) = run_now(&town, &cron).await;
    assert_eq!(
        (status, &error["code"]),
        (409, &json!("busy")),
        "one at a time"
    );
    let data = town.kill().await;
    let town = Town::start_in(data, &[]).await;
    let shown = eventually("the run again", async || {
        let shown = schedule(&town, &cron).await;
        (shown["lastOutcome"] == "ok").then_some(shown)
    })
    .await;
    assert_eq!(runs(&town).await, "2");
    assert_eq!(shown["running"], false, "{shown}");
}

#[tokio::test]
async fn schedules_of_a_town_inside_a_town_run() {
    let town = Town::start().await;
    let inner = town.inside_by_host("inner").await;
    // The same platform with a door for this test: what is scheduled is due now.
    let main = r#"import town from "town:system/main.ts";
    import { storage } from "town:kernel";
    async function fetch(request: Request): Promise<Response> {
      if (!request.url.endsWith("/make-due")) return town.fetch(request);
      const cron = storage.sub("cron");
      await cron.execute("UPDATE schedule SET due_at = 1");
      const { rows } = await cron.execute("SELECT file_id FROM schedule");
      for (const [file] of rows) await cron.sub(String(file)).setAlarm(new Date(1));
      return new Response("due");
    }
    export default { ...town, fetch };"#;
    let at = format!("/api/v2/alias/vals/{OWNER}/inner");
    let (_, val) = town.api(Method::GET, &at, None).await;
    crate::serving::save(&town, id(&val), "main.ts", main).await;

    let made = inner
        .val_of("ticking", &[("cron.ts", "interval", TELLS)])
        .await;
    let cron = file(&made, "cron.ts");
    let wish = json!({ "schedule": "@yearly", "timeZone": "Asia/Tokyo" });
    assert_eq!(put(&inner, cron, wish).await.0, 200);
    let before = schedule(&inner, cron).await;
    assert_eq!(inner.text("/make-due").await, (200, "due".into()));
    let shown = eventually("a run", async || {
        let shown = schedule(&inner, cron).await;
        (shown["lastOutcome"] == "ok").then_some(shown)
    })
    .await;
    assert_eq!(shown["dueAt"], before["dueAt"]);
    line_of(&inner, id(&made), "before that: undefined").await;
}

#[tokio::test]
async fn schedules_follow_the_clocks_of_their_time_zone() {
    let town = Town::start().await;
    // Schedule, zone, after, the next ones.
    let cases = json!([
        [
            "0 9 * * 1-5",
            "Europe/Berlin",
            "2026-10-23T12:00Z",
            "2026-10-26T08:00Z 2026-10-27T08:00Z"
        ],
        [
            "30 2 * * *",
            "Europe/Berlin",
            "2027-03-27T12:00Z",
            "2027-03-28T01:30Z 2027-03-29T00:30Z"
        ],
        [
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00Z",
            "2026-10-25T00:30Z 2026-10-26T01:30Z"
        ],
        [
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00Z",
            "2026-10-25T00:00Z 2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z 2026-10-26T01:00Z"
        ],
        [
            "0 * * * *",
            "America/New_York",
            "2027-03-14T06:00Z",
            "2027-03-14T07:00Z 2027-03-14T08:00Z"
        ],
        [
            "0 0 29 2 *",
            "UTC",
            "2026-10-24T00:00Z",
            "2028-02-29T00:00Z 2032-02-29T00:00Z"
        ],
        [
            "0 12 L * *",
            "Asia/Kolkata",
            "2027-01-24T00:00Z",
            "2027-01-31T06:30Z 2027-02-28T06:30Z"
        ],
        [
            "0 12 * * fri#2",
            "America/New_York",
            "2027-01-24T00:00Z",
            "2027-02-12T17:00Z 2027-03-12T17:00Z"
        ],
        [
            "0 12 * * 5L",
            "UTC",
            "2027-01-24T00:00Z",
            "2027-01-29T12:00Z 2027-02-26T12:00Z"
        ],
        [
            "0 0 13 * 5",
            "UTC",
            "2027-01-24T00:00Z",
            "2027-01-29T00:00Z 2027-02-05T00:00Z 2027-02-12T00:00Z 2027-02-13T00:00Z"
        ],
        [
            "0 12 * * 7",
            "Pacific/Auckland",
            "2027-01-24T00:00Z",
            "2027-01-30T23:00Z"
        ],
        [
            "0 8-18/5,20 * jan-mar mon",
            "Australia/Lord_Howe",
            "2026-12-01T00:00Z",
            "2027-01-03T21:00Z 2027-01-04T02:00Z"
        ],
        [
            "@weekly",
            "Asia/Gaza",
            "2026-12-01T00:00Z",
            "2026-12-05T22:00Z"
        ],
        [
            "every 90 minutes",
            "UTC",
            "2026-01-01T00:00Z",
            "2026-01-01T01:30Z 2026-01-01T03:00Z"
        ],
        ["EVERY day", "UTC", "2026-01-05T00:00Z", "2026-01-06T00:00Z"],
        ["0 0 30 2 *", "UTC", "2026-01-01T00:00Z", ""],
        [
            "10/20 5 1,15 * ?",
            "UTC",
            "2026-01-01T05:20Z",
            "2026-01-01T05:30Z 2026-01-01T05:50Z 2026-01-15T05:10Z"
        ],
    ]);
    let code = format!(
        r#"import {{ parseSchedule }} from "town:system/lib/cron.ts";
        import {{ zoneOf }} from "town:system/lib/time-zone.ts";
        const cases = {cases};
        export default () => Response.json(cases.map(([text, zone, after, expected]) => {{
          const schedule = parseSchedule(text, zoneOf(zone), Date.UTC(2026, 0, 1));
          let at = Date.parse(after.replace("Z", ":00Z"));
          return Array.from({{ length: Math.max(1, expected.split(" ").length) }}, () => {{
            at = schedule.next(at);
            return at === undefined ? "" : new Date(at).toISOString().slice(0, 16) + "Z";
          }}).join(" ");
        }}));"#
    );
    town.val("clocks", &code).await;
    let (status, text) = town.run("clocks").await;
    assert_eq!(status, 200, "{text}");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let cases = cases.as_array().expect("cases");
    assert_eq!(found.as_array().map(Vec::len), Some(cases.len()));
    for (index, case) in cases.iter().enumerate() {
        assert_eq!(found[index], case[3], "{case}");
    }
}
