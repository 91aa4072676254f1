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
