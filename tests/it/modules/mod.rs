//! Where the modules of vals come from: the standard library, addresses, packages, other towns.

pub mod elsewhere;
mod examples;
mod host;
mod https;
pub mod npm_folder;
pub mod packages;
pub mod registry;
mod standard;

use crate::town::Town;

#[tokio::test]
async fn a_town_inside_another_has_a_library_and_a_module_host_of_its_own() {
    let town = Town::start().await;
    let inner = town.inside_by_host("inner").await;
    standard::suite(&inner).await;
    host::suite(&inner).await;
    let (status, listed) = town.text("/run/alice/inner/v/alice/blobs").await;
    assert_eq!(status, 302, "{listed}");
    let outer = town.api(reqwest::Method::GET, "/api/v1/blob", None).await;
    assert_eq!(outer, (200, serde_json::json!([])), "all of it is below");
}
