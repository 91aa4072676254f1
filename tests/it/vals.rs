//! What a val goes through: versions, branches, copies, names, deletion, search; the same at any
//! depth (see `nesting`).

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{account, as_who, assert_error, make_as, post, read};
use crate::serving::{checks, header, id, save};
use crate::town::{OWNER, Town};

checks! {
    several_files_become_one_version_or_none,
    a_difference_names_files_and_lines,
    a_version_and_a_single_file_come_back,
    the_history_of_a_file_goes_through_renames_and_removal,
    a_branch_is_saved_and_served_apart_from_main,
    a_branch_is_merged_both_ways_with_what_it_was_begun_from,
    pages_show_the_branch_that_their_address_names,
    a_remix_has_the_files_and_a_link_and_no_secrets,
    a_renamed_val_is_found_by_its_former_name,
    a_deleted_val_comes_back_whole,
    search_finds_what_the_asker_may_see,
    a_val_knows_who_imports_it,
    bytes_that_are_no_text_come_back_as_they_were,
    a_template_makes_a_val_that_works,
    a_group_of_variables_reaches_every_val_that_uses_it,
    an_env_file_sets_variables_as_one_writes_them,
}

fn at(val: &Value) -> String {
    format!("/api/town/vals/{}", id(val))
}

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("a list");
    data.iter()
        .map(|item| item["name"].as_str().expect("a name"))
        .collect()
}

async fn patch(town: &Town, path: &str, body: Value) -> (u16, Value) {
    town.api(Method::PATCH, path, Some(body)).await
}

async fn remove(town: &Town, path: &str) -> u16 {
    town.api(Method::DELETE, path, None).await.0
}

pub async fn several_files_become_one_version_or_none(town: &Town) {
    let made = town
        .val("together", "export default () => new Response('0')")
        .await;
    let versions = format!("{}/versions", at(&made));
    let files = json!([
        { "path": "main.tsx", "content": "import { word } from './parts/word.ts';\nexport default () => new Response(word)" },
        { "path": "parts/word.ts", "content": "export const word = 'one save'" },
        { "path": "notes.txt", "content": "kept" },
    ]);
    let (status, saved) = post(
        town,
        &versions,
        json!({ "files": files, "message": "All at once" }),
    )
    .await;
    assert_eq!((status, &saved["version"]), (200, &json!(1)), "{saved}");
    assert_eq!(town.run("together").await, (200, "one save".into()));
    // One edit that cannot be leaves all of them undone.
    let files =
        json!([{ "path": "notes.txt", "content": "lost" }, { "path": "no.txt", "delete": true }]);
    let refused = post(town, &versions, json!({ "files": files })).await;
    assert_error(&refused, 404, "not_found", "File");
    let (_, note) = town
        .api(Method::GET, &format!("{}/raw/notes.txt", at(&made)), None)
        .await;
    assert_eq!(note, "kept");
    let files = json!([{ "path": "parts", "delete": true }, { "path": "notes.txt", "newPath": "docs/notes.md" }]);
    let (_, saved) = post(town, &versions, json!({ "files": files })).await;
    let paths: Vec<&str> = saved["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| file["path"].as_str().expect("a path"))
        .collect();
    assert_eq!((&saved["version"], paths.len()), (&json!(2), 2), "{saved}");
    assert!(
        paths.contains(&"docs/notes.md") && paths.contains(&"main.tsx"),
        "{paths:?}"
    );
    assert!(
        saved["diagnostics"].to_string().contains("parts/word.ts"),
        "{saved}"
    );
    let list = read(town, &versions).await;
    assert_eq!(list["data"][1]["message"], "All at once", "{list}");
    let request = town
        .request(Method::POST, &versions)
        .header("if-match", "\"1\"");
    let body = json!({ "files": [{ "path": "docs/notes.md", "content": "stale" }] });
    let stale = request
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(stale.status(), 412);
}

pub async fn a_difference_names_files_and_lines(town: &Town) {
    let text = |middle: &str| format!("1\n2\n3\n4\n{middle}\n6\n7\n8\n9\n");
    let made = town
        .val_of(
            "differs",
            &[("a.txt", "file", &text("5")), ("gone.txt", "file", "x")],
        )
        .await;
    let files = json!([
        { "path": "a.txt", "content": text("five\nand more") }, { "path": "gone.txt", "delete": true },
        { "path": "new.txt", "content": "no line end" },
    ]);
    post(
        town,
        &format!("{}/versions", at(&made)),
        json!({ "files": files }),
    )
    .await;
    let changes = read(town, &format!("{}/diff", at(&made))).await;
    let expected = json!([
        { "change": "modified", "path": "a.txt", "oldPath": null, "type": "file", "hunks": [{
            "oldStart": 2, "oldLines": 7, "newStart": 2, "newLines": 8,
            "lines": [" 2", " 3", " 4", "-5", "+five", "+and more", " 6", " 7", " 8"] }] },
        { "change": "removed", "path": "gone.txt", "oldPath": null, "type": "file", "hunks": [{
            "oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 0, "lines": ["-x\n\\ No newline at end of file"] }] },
        { "change": "added", "path": "new.txt", "oldPath": null, "type": "file", "hunks": [{
            "oldStart": 1, "oldLines": 0, "newStart": 1, "newLines": 1, "lines": ["+no line end\n\\ No newline at end of file"] }] },
    ]);
    assert_eq!(changes["data"], expected);
    let back = read(town, &format!("{}/diff?from=1&to=0", at(&made))).await;
    assert_eq!(back["data"][1]["change"], "added", "{back}");
    let none = read(town, &format!("{}/diff?from=1&to=1", at(&made))).await;
    assert_eq!(none["data"], json!([]));
    let missing = town
        .api(Method::GET, &format!("{}/diff?to=2", at(&made)), None)
        .await;
    assert_error(&missing, 404, "not_found", "Version");
}

pub async fn a_version_and_a_single_file_come_back(town: &Town) {
    let old = "export default () => new Response('old')";
    let made = town
        .val_of(
            "returns",
            &[("main.tsx", "http", old), ("a/deep.txt", "file", "deep")],
        )
        .await;
    let restore = format!("{}/restore", at(&made));
    let files = json!([{ "path": "main.tsx", "content": "export default () => new Response('new')" }, { "path": "a", "delete": true }]);
    post(
        town,
        &format!("{}/versions", at(&made)),
        json!({ "files": files }),
    )
    .await;
    assert_eq!(town.run("returns").await, (200, "new".into()));
    let one = json!({ "version": 0, "path": "a/deep.txt" });
    let (status, saved) = post(town, &restore, one).await;
    assert_eq!((status, &saved["version"]), (200, &json!(2)), "{saved}");
    assert_eq!(
        town.run("returns").await,
        (200, "new".into()),
        "the rest stays"
    );
    let (status, saved) = post(town, &restore, json!({ "version": 0 })).await;
    assert_eq!((status, &saved["version"]), (200, &json!(3)), "{saved}");
    assert_eq!(town.run("returns").await, (200, "old".into()));
    let files = saved["files"].as_array().expect("files");
    let same = files
        .iter()
        .any(|file| file["id"] == made["files"][0]["id"]);
    assert!(same, "the same file: {saved}");
    let none = read(town, &format!("{}/diff?from=0&to=3", at(&made))).await;
    assert_eq!(none["data"], json!([]));
    let missing = post(town, &restore, json!({ "version": 9 })).await;
    assert_error(&missing, 404, "not_found", "Version");
}

pub async fn the_history_of_a_file_goes_through_renames_and_removal(town: &Town) {
    let made = town.val_of("traced", &[("first.txt", "file", "a")]).await;
    let versions = format!("{}/versions", at(&made));
    for file in [
        json!({ "path": "first.txt", "content": "ab" }),
        json!({ "path": "other.txt", "content": "not of it" }),
        json!({ "path": "first.txt", "newPath": "second.txt" }),
        json!({ "path": "second.txt", "delete": true }),
    ] {
        assert_eq!(
            post(town, &versions, json!({ "files": [file] })).await.0,
            200
        );
    }
    let history = read(
        town,
        &format!("{}/file-versions?path=second.txt", at(&made)),
    )
    .await;
    let seen: Vec<Value> = history["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|version| json!([version["version"], version["path"], version["removed"]]))
        .collect();
    let expected = [
        json!([4, "second.txt", true]),
        json!([3, "second.txt", false]),
        json!([1, "first.txt", false]),
        json!([0, "first.txt", false]),
    ];
    assert_eq!(seen, expected);
}

pub async fn a_branch_is_saved_and_served_apart_from_main(town: &Town) {
    let code = |word: &str| format!("export default () => new Response('{word}')");
    let made = town.val("forked", &code("main")).await;
    let branches = format!("/api/v2/vals/{}/branches", id(&made));
    let (status, branch) = post(town, &branches, json!({ "name": "try-out" })).await;
    assert_eq!((status, &branch["version"]), (201, &json!(0)), "{branch}");
    let files = format!("/api/v2/vals/{}/files", id(&made));
    let on = format!("path=main.tsx&branch_id={}", id(&branch));
    let body = Some(json!({ "content": code("branch") }));
    let (status, saved) = town.api(Method::PUT, &format!("{files}?{on}"), body).await;
    assert_eq!((status, &saved["version"]), (200, &json!(1)), "{saved}");
    assert_eq!(town.run("forked").await, (200, "main".into()));
    let endpoint = saved["links"]["endpoint"].as_str().expect("an endpoint");
    assert_eq!(town.text(endpoint).await, (200, "branch".into()));
    let own = format!(
        "/run/{OWNER}/{}/",
        saved["id"].as_str().expect("an id").replace('-', "")
    );
    assert_eq!(town.text(&own).await, (200, "branch".into()), "by path too");
    let whole = read(town, &format!("/api/v2/vals/{}", id(&made))).await;
    assert_eq!(whole["version"], 0, "main has not moved");
    let content = format!("{files}/content?{on}");
    assert_eq!(
        town.api(Method::GET, &content, None).await.1,
        code("branch")
    );
    assert_eq!(
        town.api(Method::GET, &format!("{content}&version=0"), None)
            .await
            .1,
        code("main")
    );
    assert_eq!(names(&read(town, &branches).await), ["main", "try-out"]);
    let further = json!({ "name": "further", "branchId": id(&branch) });
    let (_, further) = post(town, &branches, further).await;
    assert_eq!(further["forkedBranchId"], branch["id"], "{further}");
    let taken = post(town, &branches, json!({ "name": "try-out" })).await;
    assert_error(&taken, 409, "name_taken", "try-out");
    let refused = post(town, &branches, json!({ "name": "a/b" })).await;
    assert_error(&refused, 400, "bad_request", "48 letters");
    assert_eq!(
        remove(town, &format!("{branches}/{}", id(&branch))).await,
        204
    );
    assert_eq!(town.text(endpoint).await.0, 404, "its address is gone");
    assert_eq!(town.api(Method::GET, &content, None).await.0, 404);
    assert_eq!(town.run("forked").await, (200, "main".into()));
    let main = read(town, &branches).await["data"][0]["id"]
        .as_str()
        .expect("an id")
        .to_string();
    assert_eq!(
        remove(town, &format!("{branches}/{main}")).await,
        400,
        "main stays"
    );
}

/// A val with a branch `dev`: the val, the branch's address, and that of main's and the branch's files.
async fn branched(
    town: &Town,
    name: &str,
    files: &[(&str, &str, &str)],
) -> (Value, String, [String; 2]) {
    let made = town.val_of(name, files).await;
    let branches = format!("/api/v2/vals/{}/branches", id(&made));
    let (status, branch) = post(town, &branches, json!({ "name": "dev" })).await;
    assert_eq!(status, 201, "{branch}");
    let main = read(town, &branches).await["data"][0].clone();
    let files = [&main, &branch].map(|on| {
        let versions = format!("{}/versions", at(&made));
        format!("{versions}?branch_id={}", id(on))
    });
    let merge = format!("{}/branches/{}/merge", at(&made), id(&branch));
    (made, merge, files)
}

pub async fn a_branch_is_merged_both_ways_with_what_it_was_begun_from(town: &Town) {
    let lines = |middle: &str, last: &str| format!("// first\n{middle}\n// between\n{last}\n");
    let before = lines("// middle", "// last");
    let files = [
        ("both.ts", "script", before.as_str()),
        ("gone.ts", "script", "// gone"),
        ("changed.ts", "script", "// as it was"),
    ];
    let (made, merge, [main, dev]) = branched(town, "merged", &files).await;
    let write = async |on: &str, files: Value| {
        let (status, saved) = post(town, on, json!({ "files": files })).await;
        assert_eq!(status, 200, "{saved}");
    };
    let text = async |on: &str, path: &str| {
        let query = on.split_once('?').expect("a branch").1;
        let at = format!(
            "/api/v2/vals/{}/files/content?path={path}&{query}",
            id(&made)
        );
        let answer = town
            .request(Method::GET, &at)
            .send()
            .await
            .expect("an answer");
        (answer.status().is_success()).then_some(answer.text().await.expect("a body"))
    };
    let into = async |into: &str| post(town, &merge, json!({ "into": into })).await;

    // Each side has changed what the other has not: both have all of it after a merge either way.
    let of_dev = json!([
        { "path": "both.ts", "content": lines("// of dev", "// last") },
        { "path": "new/file.ts", "content": "// new" },
        { "path": "gone.ts", "delete": true },
    ]);
    write(&dev, of_dev).await;
    write(
        &main,
        json!([{ "path": "both.ts", "content": lines("// middle", "// of main") }]),
    )
    .await;
    let plan = read(town, &merge).await;
    let changes = json!([
        { "path": "both.ts", "change": "modified" },
        { "path": "gone.ts", "change": "removed" },
        { "path": "new/file.ts", "change": "added" },
    ]);
    assert_eq!(
        (&plan["changes"], &plan["conflicts"]),
        (&changes, &json!([])),
        "{plan}"
    );
    assert_eq!(into("branch").await.0, 200);
    let all = lines("// of dev", "// of main");
    assert_eq!(text(&dev, "both.ts").await, Some(all.clone()));
    assert_eq!(
        text(&main, "both.ts").await,
        Some(lines("// middle", "// of main"))
    );
    let (status, merged) = into("parent").await;
    assert_eq!((status, &merged["version"]), (200, &json!(2)), "{merged}");
    assert_eq!(text(&main, "both.ts").await, Some(all));
    assert_eq!(text(&main, "gone.ts").await, None);
    assert_eq!(text(&main, "new/file.ts").await, Some("// new".into()));
    assert_eq!(
        read(town, &merge).await["changes"],
        json!([]),
        "all of it is there"
    );

    // The same line on both sides: nobody chooses but the author, on the branch.
    write(
        &dev,
        json!([{ "path": "both.ts", "content": lines("// dev again", "// of main") }]),
    )
    .await;
    write(&main, json!([{ "path": "both.ts", "content": lines("// main again", "// of main") }, { "path": "changed.ts", "content": "// kept" }])).await;
    write(&dev, json!([{ "path": "changed.ts", "delete": true }])).await;
    assert_error(&into("parent").await, 409, "conflict", "both.ts");
    let (status, marked) = into("branch").await;
    assert_eq!(status, 200, "{marked}");
    let conflicts =
        json!([{ "path": "both.ts", "places": 1 }, { "path": "changed.ts", "places": 0 }]);
    assert_eq!(marked["conflicts"], conflicts);
    let marks = "// first\n<<<<<<< dev\n// dev again\n=======\n// main again\n>>>>>>> main\n// between\n// of main\n";
    assert_eq!(text(&dev, "both.ts").await.as_deref(), Some(marks));
    assert_eq!(
        text(&dev, "changed.ts").await.as_deref(),
        Some("// kept"),
        "no change is lost"
    );
    assert_error(&into("parent").await, 409, "conflict", "both.ts");
    write(
        &dev,
        json!([{ "path": "both.ts", "content": lines("// chosen", "// of main") }]),
    )
    .await;
    assert_eq!(into("parent").await.0, 200);
    assert_eq!(
        text(&main, "both.ts").await,
        Some(lines("// chosen", "// of main"))
    );
    assert_error(
        &into("sideways").await,
        400,
        "bad_request",
        "parent or branch",
    );
    let (_, branches) = merge.split_once("branches/").expect("a branch");
    let main_id = main.split_once('=').expect("an id").1;
    let of_main = merge.replace(branches.split('/').next().expect("an id"), main_id);
    assert_error(
        &post(town, &of_main, json!({})).await,
        409,
        "no_parent",
        "main",
    );
}

pub async fn pages_show_the_branch_that_their_address_names(town: &Town) {
    let files = [(
        "main.ts",
        "http",
        "// on main\nexport default () => new Response('')",
    )];
    let (_, _, [_, dev]) = branched(town, "shown", &files).await;
    let edit = json!({ "files": [{ "path": "main.ts", "content": "// on dev\nexport default () => new Response('dev')" }, { "path": "README.md", "content": "Words of dev" }] });
    assert_eq!(post(town, &dev, edit).await.0, 200);
    let page = async |path: &str| town.text(&format!("/@{OWNER}/shown{path}")).await.1;
    assert!(page("/code").await.contains("on main"));
    assert!(page("/code/main.ts?branch=dev").await.contains("on dev"));
    let overview = page("?branch=dev").await;
    assert!(
        overview.contains("Words of dev") && overview.contains("/shown/code/main.ts?branch=dev"),
        "{overview}"
    );
    assert!(
        page("/versions?branch=dev")
            .await
            .contains("/versions/1?branch=dev")
    );
    assert!(page("/versions/1?branch=dev").await.contains("README.md"));
    let branches = page("/branches?branch=dev").await;
    assert!(branches.contains("2 files to bring to main"), "{branches}");
    assert_eq!(
        town.get(&format!("/@{OWNER}/shown/code?branch=none"))
            .await
            .status(),
        404
    );
}

pub async fn a_remix_has_the_files_and_a_link_and_no_secrets(town: &Town) {
    let bob = account(town, "bobRemix").await;
    let code = "export default () => new Response(Deno.env.get('WORD') ?? 'no secret')";
    let original = make_as(town, &bob, "original", "public", code).await;
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&original));
    let variable = json!({ "key": "WORD", "value": "of bob" });
    assert_eq!(
        as_who(town, Some(&bob), Method::POST, &variables, Some(variable))
            .await
            .0,
        201
    );
    assert_eq!(
        town.text("/run/bobRemix/original").await,
        (200, "of bob".into())
    );
    let remix = format!("{}/remix", at(&original));
    let (status, copy) = post(town, &remix, json!({ "name": "copied" })).await;
    assert_eq!(status, 201, "{copy}");
    assert_eq!(town.run("copied").await, (200, "no secret".into()));
    assert_ne!(copy["files"][0]["id"], original["files"][0]["id"]);
    let from = read(town, &format!("{}/original", at(&copy))).await;
    assert_eq!(from["id"], original["id"]);
    assert_eq!(
        names(&read(town, &format!("{}/remixes", at(&original))).await),
        ["copied"]
    );
    save(
        town,
        id(&copy),
        "main.ts",
        "export default () => new Response('mine')",
    )
    .await;
    let differs = read(town, &format!("{}/diff-with-original", at(&copy))).await;
    assert_eq!(differs["data"][0]["path"], "main.ts", "{differs}");
    // Once the original is private, the copy tells nothing of it.
    let hide = Some(json!({ "privacy": "private" }));
    assert_eq!(
        as_who(town, Some(&bob), Method::PATCH, &at(&original), hide)
            .await
            .0,
        200
    );
    for path in ["original", "diff-with-original"] {
        let answer = town
            .api(Method::GET, &format!("{}/{path}", at(&copy)), None)
            .await;
        assert_error(&answer, 404, "not_found", "");
    }
    assert_error(
        &post(town, &remix, json!({ "name": "again" })).await,
        404,
        "not_found",
        "Val",
    );
    assert_eq!(
        town.run("copied").await,
        (200, "mine".into()),
        "the copy is its own"
    );
}

pub async fn a_renamed_val_is_found_by_its_former_name(town: &Town) {
    let made = town
        .val("before", "export default (r) => new Response(r.method)")
        .await;
    let lib = town.val("usesBefore", "export const one = 1").await;
    let (status, renamed) = patch(town, &at(&made), json!({ "name": "after" })).await;
    assert_eq!(
        (status, &renamed["name"]),
        (200, &json!("after")),
        "{renamed}"
    );
    for name in ["before", "after"] {
        let alias = read(town, &format!("/api/v2/alias/vals/{OWNER}/{name}")).await;
        assert_eq!(alias["id"], made["id"], "{name}");
        assert_eq!(
            town.run(name).await,
            (200, "GET".into()),
            "a webhook of {name} goes on"
        );
    }
    let module = town.get(&format!("/v/{OWNER}/before/main.tsx")).await;
    assert_eq!(module.status(), 302);
    assert!(header(&module, "location").ends_with(&format!("/v/{OWNER}/after@0-main/main.tsx")));
    // Another val may take the name, and then it leads there.
    let taker = town
        .val("before", "export default () => new Response('taker')")
        .await;
    assert_eq!(town.run("before").await, (200, "taker".into()));
    assert_eq!(town.run("after").await, (200, "GET".into()));
    let taken = patch(town, &at(&lib), json!({ "name": "Before" })).await;
    assert_error(&taken, 409, "name_taken", "Before");
    assert_error(
        &patch(town, &at(&taker), json!({ "name": "1" })).await,
        400,
        "bad_request",
        "48 letters",
    );
    let (status, changed) = patch(
        town,
        &at(&taker),
        json!({ "description": "Said", "privacy": "unlisted" }),
    )
    .await;
    assert_eq!(
        (status, &changed["description"], &changed["privacy"]),
        (200, &json!("Said"), &json!("unlisted"))
    );
    assert_eq!(changed["name"], "before", "what is not given stays");
}

pub async fn a_deleted_val_comes_back_whole(town: &Town) {
    let code = r#"import { storage } from "town:kernel";
      export default async () => {
        await storage.execute("CREATE TABLE IF NOT EXISTS visit (at)");
        await storage.execute("INSERT INTO visit VALUES (1)");
        return new Response((await storage.execute("SELECT count(*) FROM visit")).rows[0][0] + Deno.env.get("WORD"));
      }"#;
    let made = town.val("phoenix", code).await;
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&made));
    post(town, &variables, json!({ "key": "WORD", "value": "!" })).await;
    assert_eq!(town.run("phoenix").await, (200, "1!".into()));
    assert_eq!(
        remove(town, &format!("/api/v2/vals/{}", id(&made))).await,
        204
    );
    assert_eq!(town.run("phoenix").await.0, 404);
    assert_eq!(town.api(Method::GET, &at(&made), None).await.0, 404);
    let found = read(town, "/api/town/search?query=phoenix").await;
    assert_eq!(found["data"], json!([]));
    let deleted = read(town, "/api/town/deleted-vals").await;
    assert!(
        deleted["data"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|val| val["id"] == made["id"]),
        "{deleted}"
    );
    let one = format!("/api/town/deleted-vals/{}", id(&made));
    // Its name is free meanwhile; then it comes back under another.
    let taker = town
        .val("phoenix", "export default () => new Response('taker')")
        .await;
    let taken = post(town, &format!("{one}/restore"), json!({})).await;
    assert_error(&taken, 409, "name_taken", "phoenix");
    let (status, back) = post(town, &format!("{one}/restore"), json!({ "name": "ashes" })).await;
    assert_eq!((status, &back["id"]), (200, &made["id"]), "{back}");
    assert_eq!(
        town.run("ashes").await,
        (200, "2!".into()),
        "with its storage and variables"
    );
    assert_eq!(names_found(town, "ashes").await, ["ashes"]);
    // Destroyed, it is gone for good.
    assert_eq!(
        remove(town, &format!("/api/v2/vals/{}", id(&taker))).await,
        204
    );
    let gone = format!("/api/town/deleted-vals/{}", id(&taker));
    assert_eq!(remove(town, &gone).await, 204);
    assert_error(
        &post(town, &format!("{gone}/restore"), json!({})).await,
        404,
        "not_found",
        "Deleted val",
    );
    assert_error(
        &town.api(Method::DELETE, &one, None).await,
        404,
        "not_found",
        "Deleted val",
    );
}

async fn names_found(town: &Town, words: &str) -> Vec<String> {
    let found = read(town, &format!("/api/town/search?query={words}")).await;
    let data = found["data"].as_array().expect("a list");
    data.iter()
        .map(|one| one["val"]["name"].as_str().expect("a name").to_string())
        .collect()
}

pub async fn search_finds_what_the_asker_may_see(town: &Town) {
    let bob = account(town, "bobSearch").await;
    let code = |word: &str| format!("// A {word} for everyone.\nexport const a = 1;\n");
    for privacy in ["public", "unlisted", "private"] {
        make_as(
            town,
            &bob,
            &format!("sought-{privacy}"),
            privacy,
            &code("quokka"),
        )
        .await;
    }
    assert_eq!(names_found(town, "quokka").await, ["sought-public"]);
    let path = "/api/town/search?query=quokka";
    let (_, nobody) = as_who(town, None, Method::GET, path, None).await;
    assert_eq!(nobody["data"].as_array().map(Vec::len), Some(1), "{nobody}");
    assert_eq!(nobody["data"][0]["path"], "main.ts");
    let excerpt = nobody["data"][0]["excerpt"].as_str().expect("an excerpt");
    assert!(excerpt.contains("A quokka for everyone"), "{excerpt}");
    let (_, own) = as_who(town, Some(&bob), Method::GET, path, None).await;
    assert_eq!(
        own["data"].as_array().map(Vec::len),
        Some(3),
        "one's own of any privacy: {own}"
    );
    // Every word, also the beginning of one; names before texts; signs are no syntax.
    let made = make_as(town, &bob, "quokka", "public", "export {}").await;
    assert_eq!(names_found(town, "quok").await, ["quokka", "sought-public"]);
    assert_eq!(
        names_found(town, "quokka+everyone").await,
        ["sought-public"]
    );
    assert_eq!(
        names_found(town, "%22quokka%22+AND+(everyone*)").await,
        [""; 0]
    );
    assert_eq!(names_found(town, "%22%28%2A-").await, [""; 0]);
    // What is saved is found at once, and what it was before no more.
    let at = format!("/api/v2/vals/{}/files?path=main.ts", id(&made));
    let body = Some(json!({ "content": "export const wombat = 1" }));
    assert_eq!(
        as_who(town, Some(&bob), Method::PUT, &at, body).await.0,
        200
    );
    assert_eq!(names_found(town, "wombat").await, ["quokka"]);
    let body = Some(json!({ "content": "export const other = 1" }));
    assert_eq!(
        as_who(town, Some(&bob), Method::PUT, &at, body).await.0,
        200
    );
    assert_eq!(names_found(town, "wombat").await, [""; 0]);
    let (_, basic) = as_who(
        town,
        None,
        Method::GET,
        "/api/v1/search/vals?query=everyone",
        None,
    )
    .await;
    assert_eq!(basic["data"][0]["code"], code("quokka"), "{basic}");
}

pub async fn a_val_knows_who_imports_it(town: &Town) {
    let bob = account(town, "bobUses").await;
    let library = town.val("shared", "export const word = 'shared'").await;
    let code = format!(
        "import {{ word }} from \"https://esm.town/v/{OWNER}/shared/main.tsx\";\nexport default () => new Response(word)"
    );
    let open = make_as(town, &bob, "openUser", "public", &code).await;
    let hidden = make_as(town, &bob, "hiddenUser", "private", &code).await;
    let references = format!("{}/references", at(&library));
    assert_eq!(names(&read(town, &references).await), ["openUser"]);
    let (_, own) = as_who(town, Some(&bob), Method::GET, &references, None).await;
    assert_eq!(names(&own), ["hiddenUser", "openUser"]);
    // A val that is deleted uses nothing, and does again once it is brought back.
    let one = format!("/api/town/deleted-vals/{}/restore", id(&open));
    let val = format!("/api/v2/vals/{}", id(&open));
    assert_eq!(
        as_who(town, Some(&bob), Method::DELETE, &val, None).await.0,
        204
    );
    assert_eq!(names(&read(town, &references).await), [""; 0]);
    assert_eq!(
        as_who(town, Some(&bob), Method::POST, &one, Some(json!({})))
            .await
            .0,
        200
    );
    assert_eq!(names(&read(town, &references).await), ["openUser"]);
    // An import that is gone from the newest version is gone from the list.
    let file = format!("/api/v2/vals/{}/files?path=main.ts", id(&hidden));
    let body = Some(json!({ "content": "export default () => new Response('')" }));
    assert_eq!(
        as_who(town, Some(&bob), Method::PUT, &file, body).await.0,
        200
    );
    let (_, own) = as_who(town, Some(&bob), Method::GET, &references, None).await;
    assert_eq!(names(&own), ["openUser"]);
}

pub async fn bytes_that_are_no_text_come_back_as_they_were(town: &Town) {
    let made = town
        .val("whole-bytes", "export default () => new Response('')")
        .await;
    let bytes: Vec<u8> = (0..=255).collect();
    let raw = format!("{}/raw/img/all.bin", at(&made));
    let write = async |path: &str, bytes: Vec<u8>| {
        let request = town.request(Method::PUT, path).body(bytes);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(write(&raw, bytes.clone()).await, 201);
    let content = format!("/api/v2/vals/{}/files/content?path=img/all.bin", id(&made));
    for path in [&raw, &content] {
        let answer = town
            .request(Method::GET, path)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            header(&answer, "content-type"),
            "application/octet-stream",
            "{path}"
        );
        assert_eq!(answer.bytes().await.expect("a body"), bytes, "{path}");
    }
    // Bytes that are a text are a text, whatever way they came, its mark at the beginning included.
    let text = format!("{}/raw/note.txt", at(&made));
    assert_eq!(write(&text, "\u{feff}é".into()).await, 201);
    let answer = town
        .request(Method::GET, &text)
        .send()
        .await
        .expect("an answer");
    assert!(header(&answer, "content-type").starts_with("text/plain"));
    assert_eq!(answer.bytes().await.expect("a body"), "\u{feff}é");
    assert_eq!(
        write(&format!("{}/raw/main.tsx", at(&made)), bytes).await,
        400,
        "code is text"
    );
    assert_eq!(town.run("whole-bytes").await.0, 200);
}

pub async fn a_template_makes_a_val_that_works(town: &Town) {
    let templates = read(town, "/api/town/templates").await;
    let list = templates["data"].as_array().expect("a list");
    assert!(list.len() >= 4, "{templates}");
    for template in list {
        let name = template["name"].as_str().expect("a name");
        assert!(
            template["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{template}"
        );
        // It imports what comes from elsewhere: see `modules::examples`.
        if name == "reactHonoStarter" {
            continue;
        }
        let body = json!({ "name": format!("from-{name}"), "template": name });
        let (status, made) = post(town, "/api/town/vals", body).await;
        assert_eq!((status, &made["diagnostics"]), (201, &json!([])), "{made}");
        if made["files"].to_string().contains("\"http\"") {
            assert_eq!(town.run(&format!("from-{name}")).await.0, 200, "{name}");
        }
    }
    let unknown = post(
        town,
        "/api/town/vals",
        json!({ "name": "x", "template": "no" }),
    )
    .await;
    assert_error(&unknown, 404, "not_found", "Template");
    the_standard_library_is_read_and_copied_as_vals_are(town).await;
}

/// As Val Town's command line tool does it: `vt remix std/...`.
async fn the_standard_library_is_read_and_copied_as_vals_are(town: &Town) {
    let val = read(town, "/api/v2/alias/vals/std/SqliteStarter").await;
    assert_eq!(
        (&val["name"], &val["author"]["username"]),
        (&json!("sqliteStarter"), &json!("std"))
    );
    let own = format!("/api/v2/vals/{}", id(&val));
    assert_eq!(read(town, &own).await, val);
    let branch = read(town, &format!("{own}/branches")).await["data"][0].clone();
    assert_eq!(branch["name"], "main");
    assert_eq!(
        read(town, &format!("{own}/branches/{}", id(&branch))).await,
        branch
    );
    let files = format!("{own}/files?path=&recursive=true&branch_id={}", id(&branch));
    let files = read(town, &files).await;
    let main = &files["data"][1];
    assert_eq!(
        (&main["path"], &main["type"]),
        (&json!("main.ts"), &json!("http")),
        "{files}"
    );
    assert_eq!(
        read(town, &format!("/api/v2/files/{}", id(main))).await["path"],
        "main.ts"
    );
    let content = town.request(Method::GET, &format!("{own}/files/content?path=main.ts"));
    let content = content
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let (status, module) = town
        .text(main["links"]["module"].as_str().expect("a link"))
        .await;
    assert!(status == 200 && content.contains("Guestbook"), "{content}");
    assert!(module.contains("Guestbook"), "{module}");
    let copy = post(
        town,
        &format!("/api/town/vals/{}/remix", id(&val)),
        json!({ "name": "guests" }),
    )
    .await;
    assert_eq!(
        (copy.0, &copy.1["diagnostics"]),
        (201, &json!([])),
        "{}",
        copy.1
    );
    let entry = town
        .bare(Method::POST, &format!("/run/{OWNER}/guests/"))
        .header("content-type", "application/x-www-form-urlencoded");
    let entry = entry
        .body("name=Ada&text=%3Cb%3E")
        .send()
        .await
        .expect("an answer");
    assert_eq!(entry.status(), 303);
    assert!(town.run("guests").await.1.contains("<b>Ada</b>"));
    assert_eq!(
        read(town, &format!("/api/town/vals/{}/original", id(&copy.1))).await,
        val
    );
    for page in [
        "/@std",
        "/@std/blob",
        "/@std/blob/code/client.ts",
        "/@std/sqliteStarter/versions",
    ] {
        assert_eq!(town.text(page).await.0, 200, "{page}");
    }
    // Links that come along from Val Town.
    for (theirs, ours) in [
        ("/x/std/blob", "/@std/blob"),
        ("/x/std/blob/code/main.ts", "/@std/blob/code/main.ts"),
        (
            "/x/std/blob/branch/dev/version/2/code/main.ts",
            "/@std/blob/code/main.ts?branch=dev&version=2",
        ),
        ("/x/std/blob/branch/main", "/@std/blob"),
        ("/x/std/blob/history", "/@std/blob/versions"),
        ("/u/std", "/@std"),
        ("/@std.blob", "/@std/blob"),
    ] {
        let answer = town.get(theirs).await;
        let to = header(&answer, "location");
        assert!(
            answer.status() == 303 && to.ends_with(ours),
            "{theirs}: {to}"
        );
    }
    let account = read(town, "/api/v1/alias/std").await;
    let listed = read(
        town,
        &format!("/api/v2/vals?user_id={}&limit=2", id(&account)),
    )
    .await;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_error(
        &town.api(Method::DELETE, &own, None).await,
        403,
        "forbidden",
        "author",
    );
    let none = town
        .api(Method::GET, "/api/v2/alias/vals/std/nothing", None)
        .await;
    assert_error(&none, 404, "not_found", "Val");
}

pub async fn a_group_of_variables_reaches_every_val_that_uses_it(town: &Town) {
    let code = "export default () => Response.json([Deno.env.get('SHARED') ?? null, Deno.env.get('OWN') ?? null])";
    let made = [
        town.val("groupOne", code).await,
        town.val("groupTwo", code).await,
    ];
    let groups = "/api/town/environment-groups";
    let (status, group) = post(town, groups, json!({ "name": "keys" })).await;
    assert_eq!(status, 201, "{group}");
    let one = format!("{groups}/{}", id(&group));
    let set = async |key: &str, value: &str| {
        let path = format!("{one}/variables/{key}");
        town.api(Method::PUT, &path, Some(json!({ "value": value })))
            .await
            .0
    };
    assert_eq!(set("SHARED", "first").await, 204);
    for val in &made {
        let path = format!("{}/environment-groups/{}", at(val), id(&group));
        assert_eq!(town.api(Method::PUT, &path, None).await.0, 204);
    }
    let seen = async |name: &str| town.run(name).await.1;
    assert_eq!(seen("groupOne").await, r#"["first",null]"#);
    // A change is there at the next request, and a val's own value comes before the group's.
    assert_eq!(set("SHARED", "second").await, 204);
    assert_eq!(seen("groupOne").await, r#"["second",null]"#);
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&made[0]));
    post(town, &variables, json!({ "key": "SHARED", "value": "own" })).await;
    assert_eq!(seen("groupOne").await, r#"["own",null]"#);
    assert_eq!(seen("groupTwo").await, r#"["second",null]"#);
    let listed = read(town, &format!("{one}/variables")).await;
    assert!(
        !listed.to_string().contains("second"),
        "never shown: {listed}"
    );
    let bob = account(town, "bobGroups").await;
    let theirs = as_who(
        town,
        Some(&bob),
        Method::GET,
        &format!("{one}/variables"),
        None,
    )
    .await;
    assert_error(&theirs, 404, "not_found", "Group");
    assert_eq!(remove(town, &one).await, 204);
    assert_eq!(seen("groupTwo").await, "[null,null]");
}

pub async fn an_env_file_sets_variables_as_one_writes_them(town: &Town) {
    let code = "export default () => Response.json(['A', 'B', 'C', 'D', 'E'].map((key) => Deno.env.get(key) ?? null))";
    let made = town.val("pasted", code).await;
    let text = "# A comment\nexport A=\"two\\nlines\" # why\nB = plain words # not this\nC='as $is'\nD=\r\n\nno line\nE=a#b";
    let (status, set) = post(
        town,
        &format!("{}/env-file", at(&made)),
        json!({ "text": text }),
    )
    .await;
    assert_eq!(
        (status, &set["keys"]),
        (200, &json!(["A", "B", "C", "D", "E"])),
        "{set}"
    );
    let expected = json!(["two\nlines", "plain words", "as $is", "", "a#b"]).to_string();
    assert_eq!(town.run("pasted").await, (200, expected));
}

#[tokio::test]
async fn variables_are_stored_sealed_and_open_with_the_secret_of_the_folder_alone() {
    // Of a root: its folder is looked at, or started anew on.
    let town = Town::root().await;
    let made = town
        .val(
            "keeps",
            "export default () => new Response(Deno.env.get('WORD'))",
        )
        .await;
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&made));
    post(
        &town,
        &variables,
        json!({ "key": "WORD", "value": "a word to be kept" }),
    )
    .await;
    assert_eq!(town.run("keeps").await, (200, "a word to be kept".into()));
    let (_, data) = town.stop().await;
    let folder = data.path().join("data");
    let mut looked_at = 0;
    for file in walk(&folder) {
        let bytes = std::fs::read(&file).expect("a file");
        looked_at += bytes.len();
        let found = bytes
            .windows(17)
            .any(|window| window == b"a word to be kept");
        assert!(!found, "{} has it in the clear", file.display());
    }
    assert!(looked_at > 10_000, "there were databases to look at");
    // With the same secret it opens after a restart, with another one it does not.
    let town = Town::start_in(data, &[]).await;
    assert_eq!(town.run("keeps").await, (200, "a word to be kept".into()));
    let (_, data) = town.stop().await;
    std::fs::write(folder.join("secret"), "another\n").expect("written");
    let town = Town::start_in(data, &[]).await;
    let (status, text) = town.run("keeps").await;
    assert_eq!(status, 500, "{text}");
    assert!(
        town.log().contains("TOWN_SECRET is another one"),
        "{}",
        town.log()
    );
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
