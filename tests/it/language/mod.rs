//! The language as programs know it, whatever the engine has of it by itself.

use crate::town::Town;

#[tokio::test]
async fn programs_have_the_language_that_they_expect() {
    let town = Town::start().await;
    town.val("features", include_str!("features.ts")).await;
    let (status, text) = town.run("features").await;
    assert_eq!(status, 200, "{text}");
    let wrong: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(text.lines().count() > 50, "{text}");
}

/// Counts matches in a text of 300,000 characters in each of the ways that there are, within the time that an event
/// loop may stand still: a search that begins anew for every match would take minutes.
#[tokio::test]
async fn searching_a_long_text_takes_time_in_proportion_to_its_length() {
    let town = Town::start().await;
    let code = r#"const text = "ab ".repeat(100_000);
    const steps: Record<string, () => number> = {
      split: () => text.split(/\\s/).length - 1, none: () => text.split(/,/).length + 99_999, replace: () => text.replace(/b/g, "").length - 100_000,
      each: () => text.replace(/b/g, (found) => found + found).length - 300_000, match: () => text.match(/a/g)!.length,
      matchAll: () => [...text.matchAll(/a/g)].length, exec: () => { const a = /a/g; let count = 0; while (a.exec(text)) count++; return count; },
      sticky: () => { const pair = /[ab] ?/y; let count = 0; while (pair.test(text)) count++; return count / 2; },
    };
    export default (request: Request) => new Response(String(steps[new URL(request.url).searchParams.get("step")!]!()));"#;
    town.val("searching", &code.replace("\\\\", "\\")).await;
    for step in [
        "split", "none", "replace", "each", "match", "matchAll", "exec", "sticky",
    ] {
        let answer = town
            .text(&format!("/run/alice/searching/?step={step}"))
            .await;
        assert_eq!(answer, (200, "100000".into()), "{step}");
    }
}
