//! Two people of one town.

use reqwest::Method;
use serde_json::{Value, json};

use crate::town::Town;

/// Somebody with an account.
pub struct Person<'a> {
    town: &'a Town,
    pub name: &'static str,
    token: String,
}

impl<'a> Person<'a> {
    /// A new account, made by the town's owner.
    pub async fn new(town: &'a Town, name: &'static str) -> Self {
        let body = json!({ "username": name });
        let (status, made) = town.api(Method::POST, "/api/town/users", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let token = made["token"].as_str().expect("a token").to_string();
        Self { town, name, token }
    }

    /// A request as this person: status, and JSON or text.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.town.bare(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// Makes a val of one file with environment variables; its id.
    pub async fn val(
        &self,
        name: &str,
        privacy: &str,
        kind: &str,
        code: &str,
        variables: &[(&str, &str)],
    ) -> String {
        let file = json!({ "path": "main.ts", "type": kind, "content": code });
        let body = json!({ "name": name, "privacy": privacy, "files": [file] });
        let (status, made) = self.ask(Method::POST, "/api/town/vals", Some(body)).await;
        assert_eq!(status, 201, "{name}: {made}");
        let id = made["id"].as_str().expect("an id").to_string();
        for (key, value) in variables {
            let path = format!("/api/v2/vals/{id}/environment_variables");
            let body = json!({ "key": key, "value": value });
            let (status, set) = self.ask(Method::POST, &path, Some(body)).await;
            assert!(status < 300, "{key}: {status} {set}");
        }
        id
    }
}
