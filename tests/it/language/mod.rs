//! The language as programs know it, whatever the engine has of it by itself.

mod intl;

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

    // What ordinary handlers answer, against what they answer in Deno.
    town.val("handlers", include_str!("handlers.ts")).await;
    let (status, text) = town.run("handlers").await;
    assert_eq!(status, 200, "{text}");
    let expected = include_str!("handlers.expected").trim_end();
    for (ours, theirs) in text.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs, "ours on the left, Deno's on the right");
    }
    assert_eq!(text.lines().count(), expected.lines().count());
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

/// Each step does 100,000 things to what has 100,000 parts, within the time that an event loop may stand still: what
/// goes through all parts for each of them would take minutes. Strings grow to ten megabytes.
#[tokio::test]
async fn changing_what_is_large_takes_time_in_proportion_to_the_changes() {
    let town = Town::start().await;
    let code = r#"const COUNT = 100_000, piece = "0123456789".repeat(10);
    const text = " ".repeat(COUNT) + "\u20ac";
    const steps: Record<string, () => number> = {
      append: () => { let s = ""; for (let i = 0; i < COUNT; i++) s += piece; return s.length / 100; },
      template: () => { let s = ""; for (let i = 0; i < COUNT; i++) s = `${s}${piece}`; return s.length / 100; },
      wide: () => { let s = "\u20ac"; for (let i = 0; i < COUNT; i++) s += piece; return (s.length - 1) / 100; },
      map: () => { const m = new Map(); for (let i = 0; i < COUNT; i++) m.set(i, i); let n = 0; for (let i = 0; i < COUNT; i++) if (m.delete(i)) n++; return n - m.size; },
      set: () => { const s = new Set<number>(); for (let i = 0; i < COUNT; i++) s.add(i); let n = 0; for (let i = 0; i < COUNT; i++) if (s.delete(i)) n++; return n - s.size; },
      oldest: () => { const m = new Map(); for (let i = 0; i < COUNT / 2; i++) { m.set(i, i); if (m.size > COUNT / 4) m.delete(m.keys().next().value); } return m.size * 4; },
      sticky: () => { const a = /x/y; let n = 0; for (let i = 0; i < COUNT / 4; i++) { a.lastIndex = i; if (!a.test(text)) n += 4; } return n; },
      anchored: () => { const a = /^x/; let n = 0; for (let i = 0; i < COUNT / 4; i++) if (!a.test(text)) n += 4; return n; },
      narrow: () => { const text = " ".repeat(COUNT), a = /x/y, b = / /g; let n = 0; for (let i = 0; i < COUNT / 4; i++) { a.lastIndex = b.lastIndex = i; if (!a.test(text) && b.test(text)) n += 4; } return n; },
      first: () => { const o: any = {}; for (let i = 0; i < COUNT; i++) o["k" + i] = i; let n = 0; for (const k of Object.keys(o)) if (delete o[k]) n++; return n - Object.keys(o).length; },
      odd: () => { const o: any = {}; for (let i = 0; i < COUNT; i++) o["k" + i] = i; for (let i = 1; i < COUNT; i += 2) delete o["k" + i]; let n = 0; for (const k in o) n += o[k] === +k.slice(1) ? 2 : 0; return n; },
      small: () => { let n = 0; for (let j = 0; j < COUNT / 1000; j++) { const o: any = {}; for (let i = 0; i < 1000; i++) o["k" + i] = i; for (const k in o) if (delete o[k]) n++; } return n; },
      caught: () => { const bad = (..._: number[]) => { throw 1; }, none: any = null; let n = 0; for (let i = 0; i < COUNT / 2; i++) { try { bad(i, 2, 3); } catch { n++; } try { none(i, 2, 3); } catch { n++; } } return n; },
      literal: () => { let n = 0; for (let i = 0; i < COUNT; i++) n += /[\p{L}--[a-z]]/v.test("A") ? 1 : 0; return n; },
    };
    export default (request: Request) => new Response(String(steps[new URL(request.url).searchParams.get("step")!]!()));"#;
    town.val("changing", code).await;
    for step in [
        "append", "template", "wide", "map", "set", "oldest", "sticky", "anchored", "narrow",
        "first", "odd", "small", "caught", "literal",
    ] {
        let answer = town
            .text(&format!("/run/alice/changing/?step={step}"))
            .await;
        assert_eq!(answer, (200, "100000".into()), "{step}");
    }
}
