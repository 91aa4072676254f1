//! Merging what an owner has changed with what a newer image has: nothing of either is lost.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::town::Town;

/// Texts that are merged in one request.
const CASES: usize = 400;

/// Merges each `[base, ours, theirs]` that it gets.
const MERGES: &str = r#"import { hasMarks, merge } from "town:system/lib/merge.ts";
export default async (request: Request) => {
  const cases = await request.json() as [string, string, string][];
  return Response.json(cases.map(([base, ours, theirs]) => {
    const { text, conflicts } = merge(base, ours, theirs, ["ours", "theirs"]);
    return [text, conflicts, hasMarks(text)];
  }));
};"#;

/// What one side does to each line of the base, and before it: keep or remove it, lines to add.
type Edits = Vec<(bool, u8)>;

#[derive(Debug)]
struct Case {
    base: Vec<String>,
    ours: Vec<String>,
    theirs: Vec<String>,
}

fn case() -> impl Strategy<Value = Case> {
    let edits = || vec((prop_bool(), 0_u8..12), 0..30);
    (edits(), edits(), 0_usize..28).prop_map(|(ours, theirs, length)| {
        let base: Vec<String> = (0..length).map(|number| format!("base {number}")).collect();
        Case {
            ours: edited(&base, &ours, "ours"),
            theirs: edited(&base, &theirs, "theirs"),
            base,
        }
    })
}

// Most lines stay.
fn prop_bool() -> impl Strategy<Value = bool> {
    (0_u8..8).prop_map(|number| number > 0)
}

// No two lines are equal, so that each can be followed.
fn edited(base: &[String], edits: &Edits, side: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for at in 0..=base.len() {
        let (keep, add) = edits.get(at).copied().unwrap_or((true, 0));
        for number in 0..add.saturating_sub(9) {
            lines.push(format!("{side} {at}.{number}"));
        }
        if let Some(line) = base.get(at).filter(|_| keep) {
            lines.push(line.clone());
        }
    }
    lines
}

/// The merged text with every choice made for one side.
fn chosen(merged: &str, ours: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut within = None;
    for line in merged.split('\n') {
        match line {
            "<<<<<<< ours" => within = Some(true),
            "=======" => within = Some(false),
            ">>>>>>> theirs" => within = None,
            _ if within.is_none_or(|side| side == ours) => lines.push(line),
            _ => {}
        }
    }
    lines
}

fn holds(case: &Case, merged: &str, conflicts: u64) {
    let told = format!("{case:?} came to {merged:?}");
    let lines = |side: &[String]| side.iter().cloned().collect::<HashSet<String>>();
    let (base, ours, theirs) = (lines(&case.base), lines(&case.ours), lines(&case.theirs));
    for mine in [true, false] {
        let (side, other) = match mine {
            true => (&case.ours, &theirs),
            false => (&case.theirs, &ours),
        };
        let found = chosen(merged, mine);
        let known: HashSet<&str> = found.iter().copied().collect();
        // What a side has added is there, and what both have kept.
        for line in side {
            let added = !base.contains(line);
            if added || other.contains(line) {
                assert!(known.contains(line.as_str()), "{line:?} is lost: {told}");
            }
        }
        // In the order in which the side has it, and once.
        let of_side: Vec<&str> = found
            .iter()
            .copied()
            .filter(|line| side.iter().any(|own| own == line))
            .collect();
        let expected: Vec<&str> = side
            .iter()
            .map(String::as_str)
            .filter(|line| known.contains(line))
            .collect();
        assert_eq!(of_side, expected, "{told}");
        // What the other side has removed is gone, where nobody has to choose.
        if conflicts == 0 {
            let stays = |line: &&str| other.contains(*line) || !base.contains(*line);
            assert!(of_side.iter().all(stays), "{told}");
        }
    }
}

#[tokio::test]
async fn a_clean_merge_has_both_changes_and_a_conflict_loses_no_line() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let cases: Vec<Case> = (0..CASES)
        .map(|_| case().new_tree(&mut runner).expect("a case").current())
        .collect();
    let asked: Vec<Value> = cases
        .iter()
        .map(|case| {
            let text = |lines: &[String]| lines.join("\n");
            json!([text(&case.base), text(&case.ours), text(&case.theirs)])
        })
        .collect();
    let town = Town::start().await;
    town.val("merges", MERGES).await;
    let request = town.bare(Method::POST, "/run/alice/merges/");
    let answer = request.body(Value::from(asked).to_string()).send().await;
    let answer = answer.expect("an answer").text().await.expect("a body");
    let merged: Vec<(String, u64, bool)> =
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(merged.len(), cases.len());
    let clean = merged.iter().filter(|(_, conflicts, _)| *conflicts == 0);
    let clean = clean.count();
    assert!(
        clean > CASES / 10 && clean < CASES * 9 / 10,
        "{clean} of {CASES} are clean: there are both"
    );
    for (case, (text, conflicts, marks)) in cases.iter().zip(&merged) {
        assert_eq!(*marks, *conflicts > 0, "{case:?}: {text:?}");
        holds(case, text, *conflicts);
    }
}
