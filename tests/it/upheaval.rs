//! Random sequences of what may happen to a town: overridden, broken, reloaded, killed, restarted,
//! restored, upgraded, merged. Its owner always signs in, and nothing that was answered is lost.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use serde_json::json;

use crate::changing::Image;
use crate::lockout::{SAFE, safely, sign_in};
use crate::town::{OWNER, Town};

/// How many sequences a run of the suite goes through; `scripts/upheaval` goes through more.
const SEQUENCES: usize = 3;
const SEED: u8 = 7;

/// What may happen to a town.
#[derive(Debug, Clone, Copy)]
enum Event {
    Override(usize),
    Reload,
    Kill,
    Restart,
    Restore,
    RestoreOne,
    /// Another binary: a folder stands for its image.
    Upgrade,
    /// What the other image has changed is taken into what overrides it.
    Merge,
}

const ROUTES: &str = include_str!("../../bootstrap-vals/pages/routes.ts");
const LIST: &str = "export const pageRoutes: Route[] = [";

/// Texts for files: what loads, what does not, what answers nothing, what merges.
fn text(number: usize) -> (&'static str, String) {
    let (path, source) = match number {
        0 => ("pages/word.ts", "export const word = 1;\n"),
        1 => ("main.ts", "nonsense(\n"),
        2 => (
            "main.ts",
            "export default () => { throw new Error(\"never\"); };\n",
        ),
        3 => ("lib/router.ts", "export {};\n"),
        4 => ("model/sessions.ts", "throw new Error(\"at load\");\n"),
        5 => (
            "main.ts",
            "export default { fetch: () => new Response(\"mine\") };\n",
        ),
        _ => {
            let mine = format!("{LIST}\n  [\"GET\", \"/mine\", () => new Response(\"mine\")],");
            return ("pages/routes.ts", ROUTES.replace(LIST, &mine));
        }
    };
    (path, source.to_string())
}
const TEXTS: usize = 7;

fn events() -> impl Strategy<Value = Vec<Event>> {
    use proptest::prelude::*;
    let event = prop_oneof![
        4 => (0..TEXTS).prop_map(Event::Override),
        2 => Just(Event::Reload),
        1 => Just(Event::Kill),
        1 => Just(Event::Restart),
        1 => Just(Event::Restore),
        1 => Just(Event::RestoreOne),
        2 => Just(Event::Upgrade),
        1 => Just(Event::Merge),
    ];
    proptest::collection::vec(event, 4..9)
}

/// A row each time it is asked to, and how many there are.
const KEPT: &str = r#"import { storage } from "town:kernel";
export default async () => {
  await storage!.batch(["CREATE TABLE IF NOT EXISTS row (at)", "INSERT INTO row VALUES (1)"]);
  return new Response(String((await storage!.execute("SELECT count(*) FROM row")).rows[0][0]));
};"#;

/// A town, and which of the two images it was started with last.
struct Subject {
    town: Town,
    images: [String; 2],
    image: usize,
    rows: u64,
}

impl Subject {
    async fn start(images: [String; 2]) -> Self {
        let town = Town::start_with(&["--bootstrap-vals", &images[0]]).await;
        town.val("kept", KEPT).await;
        Self {
            town,
            images,
            image: 0,
            rows: 0,
        }
    }

    async fn again(self, killed: bool, arguments: &[&str]) -> Self {
        let folder = match killed {
            true => self.town.kill().await,
            false => self.town.stop().await.1,
        };
        let image = ["--bootstrap-vals", self.images[self.image].as_str()];
        let town = Town::start_in(folder, &[&image[..], arguments].concat()).await;
        Self { town, ..self }
    }

    /// Its owner gets in, and all that was answered is there.
    async fn is_whole(&mut self, prefix: &str, told: &str) {
        self.rows += 1;
        let kept = self.town.text(&format!("{prefix}/run/{OWNER}/kept/")).await;
        assert_eq!(kept, (200, self.rows.to_string()), "{told}");
        sign_in(&self.town, prefix).await;
    }

    async fn undergo(mut self, event: Event, told: &str) -> Self {
        let system = "/api/town/system";
        let town = &self.town;
        match event {
            Event::Override(number) => {
                let (path, source) = text(number);
                let at = format!("{system}/files/{path}");
                let body = json!({ "source": source });
                let status = safely(town, Method::PUT, &at, Some(body)).await;
                assert_eq!(status, 200, "{told}");
            }
            Event::Reload => {
                let status = safely(town, Method::POST, &format!("{system}/reload"), None).await;
                assert!([200, 422].contains(&status), "{told}: {status}");
            }
            Event::Restore => {
                let status = safely(town, Method::DELETE, system, None).await;
                assert_eq!(status, 204, "{told}");
            }
            Event::RestoreOne => {
                let at = format!("{system}/files/main.ts");
                assert_eq!(safely(town, Method::DELETE, &at, None).await, 204, "{told}");
            }
            Event::Merge => {
                let at = format!("{system}/merges");
                let status = safely(town, Method::POST, &at, Some(json!({}))).await;
                assert!([200, 422].contains(&status), "{told}: {status}");
            }
            Event::Kill => self = self.again(true, &[]).await,
            Event::Restart => self = self.again(false, &[]).await,
            Event::Upgrade => {
                self.image = 1 - self.image;
                self = self.again(false, &[]).await;
            }
        }
        self
    }
}

async fn go_through(sequence: &[Event], images: [String; 2]) {
    let mut subject = Subject::start(images).await;
    for event in sequence {
        let told = format!("{event:?} of {sequence:?}");
        subject = subject.undergo(*event, &told).await;
        subject.is_whole(SAFE, &told).await;
    }
    let told = format!("{sequence:?}");
    let mut subject = subject.again(true, &["--safe-mode"]).await;
    subject.is_whole("", &told).await;
    let (status, _) = subject
        .town
        .api(Method::DELETE, "/api/town/system", None)
        .await;
    assert_eq!(status, 204);
    let mut subject = subject.again(false, &[]).await;
    subject.is_whole("", &told).await;
}

#[tokio::test]
async fn whatever_happens_the_owner_signs_in_and_nothing_is_lost() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let until = given("TOWN_UPHEAVAL_SECONDS")
        .map(|seconds: u64| Instant::now() + Duration::from_secs(seconds));
    let mut seed = [SEED; 32];
    if let Some(number) = given("TOWN_UPHEAVAL_SEED") {
        seed[..8].copy_from_slice(&number.to_le_bytes());
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let newer = Image::new();
    newer.change(
        "pages/routes.ts",
        "/healthz\", async",
        "/livez\", () => json(true)],\n  [\"GET\", \"/healthz\", async",
    );
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("bootstrap-vals");
    let here = here.to_str().expect("a path of text").to_string();
    let images = [here, newer.path().to_string()];
    let mut done = 0;
    while until.map_or(done < SEQUENCES, |until| Instant::now() < until) {
        let sequence = events().new_tree(&mut runner).expect("a sequence");
        let sequence = sequence.current();
        println!("{sequence:?}");
        go_through(&sequence, images.clone()).await;
        done += 1;
    }
    println!("{done} sequences");
}
