//! Restricted Library Mode: a module without authority gets its arguments and nothing else.

mod attacks; // Hostile libraries against a victim with a secret.
mod calls; // API Mode: vals called over HTTP.
mod callsites; // Calls that mean the other val as an API, found and changed.
mod documented; // The examples of the docs.
mod graphs; // A property of generated import graphs.
mod language; // The language of `@user.val`.
mod libraries; // What ordinary libraries do still works.
mod people;
mod records; // Who sees which run, and what it says of libraries.
mod table; // What the code of others sees.

use serde_json::{Value, json};

use crate::town::{OWNER, Town};

/// What a library must not learn.
const SECRET: &str = "hunter2";

/// Starts the program it is sent and answers what its `run` returns.
const ARENA: &str = r#"import { loader } from "town:kernel";
export default async (request: Request) => {
  const { late, ...program } = await request.json();
  try {
    const value = await loader!.load({ ...program, ...(late && { resolve: (name: string) => late[name] }), loader: {}, outbound: { private: true } }).call("run", []);
    return Response.json({ value });
  } catch (error) {
    return Response.json({ error: String((error as Error).stack ?? error) });
  }
};"#;

/// A town that starts programs for tests.
struct Arena(Town);

impl Arena {
    async fn start() -> Self {
        Self::of(Town::start().await).await
    }

    async fn without(defence: &str) -> Self {
        Self::of(Town::start_under(&[("TOWN_TEST_WITHOUT", defence)], &[]).await).await
    }

    async fn of(town: Town) -> Self {
        town.val("arena", ARENA).await;
        Self(town)
    }

    /// What `run` of the module `main` returns.
    async fn run(&self, modules: Value) -> Value {
        let program = json!({ "main": "main", "modules": modules, "env": { "SECRET": SECRET } });
        self.value_of(program).await
    }

    /// The same, where imports that nobody foresaw find these.
    async fn run_with_late(&self, modules: Value, late: Value) -> Value {
        let program = json!({ "main": "main", "modules": modules, "late": late });
        self.value_of(program).await
    }

    async fn value_of(&self, program: Value) -> Value {
        let request = self
            .0
            .bare(reqwest::Method::POST, &format!("/run/{OWNER}/arena/"))
            .body(program.to_string());
        let response = request.send().await.expect("an answer");
        let text = response.text().await.expect("a body");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(answer["error"], Value::Null, "{text}");
        answer["value"].clone()
    }
}
