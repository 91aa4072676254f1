//! Watching a town from outside: waiting for a condition, reading what its owner is told, and
//! looking at its processes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::town::{PATIENCE, Town};

/// How often a condition is looked at again.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something, and fails the test where it takes too long.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// The same with a bound that is part of what is tested.
pub async fn within<T>(bound: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < bound, "waited {bound:?} in vain: {what}");
        tokio::time::sleep(GLANCE).await;
    }
}

/// What the owner is told of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The word for how it ended.
    pub outcome: String,
    /// What went wrong; empty when nothing did.
    pub message: String,
}

/// The runs of a val that have ended, the newest first, as its owner is told of them.
pub async fn traces(town: &Town, val: &Value) -> Vec<Trace> {
    let (status, answer) = town
        .api(Method::GET, "/api/v1/telemetry/traces?limit=100", None)
        .await;
    assert_eq!(status, 200, "traces: {answer}");
    let id = text(&val["id"]);
    let data = answer["data"].as_array().expect("a list").iter();
    data.filter(|trace| attribute(trace, "val.id") == id)
        .map(|trace| Trace {
            outcome: attribute(trace, "town.outcome"),
            message: text(&trace["status"]["message"]),
        })
        .collect()
}

fn attribute(trace: &Value, key: &str) -> String {
    let list = trace["attributes"].as_array().into_iter().flatten();
    let mut found = list.filter(|attribute| attribute["key"] == key);
    found
        .next()
        .map(|attribute| text(&attribute["value"]["stringValue"]))
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// The first run of a val that did not end well.
pub async fn failure(town: &Town, val: &Value) -> Trace {
    until("the owner is told of a failed run", async || {
        traces(town, val)
            .await
            .into_iter()
            .find(|trace| trace.outcome != "ok")
    })
    .await
}

/// The lines a val has logged, the newest first.
pub async fn lines(town: &Town, val: &Value) -> Vec<String> {
    let path = format!("/api/town/vals/{}/logs?limit=100", text(&val["id"]));
    let (status, answer) = town.api(Method::GET, &path, None).await;
    assert_eq!(status, 200, "logs: {answer}");
    let data = answer["data"].as_array().expect("a list").iter();
    data.map(|line| text(&line["text"])).collect()
}

/// Waits until a val has logged that line.
pub async fn logged(town: &Town, val: &Value, line: &str) {
    until(&format!("the log line {line:?}"), async || {
        lines(town, val)
            .await
            .iter()
            .any(|known| known == line)
            .then_some(())
    })
    .await;
}

/// One process, as the system shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub pid: i32,
    /// When it was started: with the number, it means no other process.
    pub started: u64,
}

impl Seen {
    /// Whether it is there, and not only as a number nobody has asked for yet.
    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|(_, state, _, started)| {
            started == self.started && !matches!(state, 'Z' | 'X')
        })
    }

    /// CPU time it has used so far.
    pub fn cpu(&self) -> Duration {
        stat(self.pid).map_or(Duration::ZERO, |(_, _, cpu, _)| cpu)
    }

    /// The fields of `/proc/PID/status`, or of another file of such lines.
    pub fn field(&self, file: &str, name: &str) -> String {
        let path = format!("/proc/{}/{file}", self.pid);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default()
            .trim_start_matches(':')
            .trim()
            .to_string()
    }
}

/// Those of them that are sealed, which one that may fork is not.
pub fn sealed(parent: i32) -> BTreeSet<Seen> {
    let mut all = children(parent);
    all.retain(|process| process.field("status", "Seccomp_filters") == "2");
    all
}

/// The living children of a process.
pub fn children(parent: i32) -> BTreeSet<Seen> {
    let numbers = std::fs::read_dir("/proc").expect("a /proc").flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter_map(|pid| {
            let (of, state, _, started) = stat(pid)?;
            (of == parent && !matches!(state, 'Z' | 'X')).then_some(Seen { pid, started })
        })
        .collect()
}

// Parent, state, CPU time and start of a process.
fn stat(pid: i32) -> Option<(i32, char, Duration, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may itself hold anything.
    let rest = text.rsplit_once(')')?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // A hundred ticks a second on every Linux of today.
    let cpu = Duration::from_millis(ticks * 10);
    let state = fields.first()?.chars().next()?;
    Some((
        fields.get(1)?.parse().ok()?,
        state,
        cpu,
        fields.get(19)?.parse().ok()?,
    ))
}
