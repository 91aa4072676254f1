//! A machine that does not allow what forking needs: processes are started as programs.

use serde_json::json;

use crate::serving::{id, run_of};
use crate::town::Town;

#[tokio::test]
async fn a_town_without_forks_serves_vals_and_towns_within() {
    let town = Town::start_with(&["--birth", "exec"]).await;
    let made = town
        .val("v", "export default () => new Response('started')")
        .await;
    for _ in 0..2 {
        assert_eq!(town.run("v").await, (200, "started".into()));
    }
    let run = run_of(&town, id(&made), |run| run["status"] == json!(200)).await;
    assert!(run["memoryPeak"].as_u64().expect("bytes") > 1 << 20);
    let below = town.inside_by_path("nested").await;
    below
        .val("v", "export default () => new Response('below')")
        .await;
    assert_eq!(below.run("v").await, (200, "below".into()));
    let stopped = town
        .val("w", "export default () => { throw new Error('no') }")
        .await;
    assert_eq!(town.run("w").await.0, 500);
    let run = run_of(&town, id(&stopped), |run| run["status"].is_null()).await;
    assert_eq!(run["outcome"], "exception");
}
