//! Vals are live at once, by host and by path.

use crate::town::Town;

#[tokio::test]
async fn a_new_val_answers_at_its_endpoint_and_by_path() {
    let town = Town::start().await;
    let made = town.val("hello", r#"export default (req) => Response.json("I work!")"#).await;
    let endpoint = made["files"][0]["links"]["endpoint"].as_str().expect("an endpoint");
    assert_eq!(town.text(endpoint).await, (200, "\"I work!\"".into()));
    assert_eq!(town.run("hello").await, (200, "\"I work!\"".into()));
}
