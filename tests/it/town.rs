//! A town under test: the real binary, on a free port and in a folder of its own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::description;

/// The owner that every town under test has.
pub const OWNER: &str = "alice";
/// Their token.
pub const TOKEN: &str = "town-test-token-0123456789abcdef";

/// Where all towns under test keep compiled code: each would spend a second on the platform's.
const COMPILED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");

/// How long anything may take before the test is called hanging. Not a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running town, or a town inside it. Ends with the value.
pub struct Town {
    process: Option<Child>,
    data: Arc<TempDir>,
    /// Its address, without a slash at the end.
    pub base: String,
    token: String,
    client: Client,
    log: Arc<std::sync::Mutex<String>>,
}

impl Town {
    /// Starts a town in a new folder. With `TOWN_TEST_DEPTH=3` it is one that many levels inside, by
    /// hosts, or by paths with `TOWN_TEST_WAY=path`, and with `TOWN_TEST_DEPTH=drawn` each test's is
    /// as deep as is drawn for it: every test that only asks for a town is one of nested towns too.
    pub async fn start() -> Town {
        Town::root().await.somewhere_inside().await
    }

    /// Starts a town that is in no other one whatever is asked for, for tests of what a root alone
    /// has: a process, a folder, arguments.
    pub async fn root() -> Town {
        Town::start_with(&[]).await
    }

    /// The town that a test gets in the place of this one, which was just started.
    pub async fn somewhere_inside(mut self) -> Town {
        let depth = depth();
        if depth > 0 {
            println!("{depth} levels inside: TOWN_TEST_DEPTH={depth} repeats it");
        }
        for level in 1..=depth {
            self = self.descend(&format!("level{level}")).await;
        }
        self
    }

    /// A town inside this one with the same owner and token, in its place.
    async fn descend(self, name: &str) -> Town {
        let made = self
            .val(name, r#"export { default } from "town:system/main.ts";"#)
            .await;
        let variables = format!(
            "/api/v2/vals/{}/environment_variables",
            made["id"].as_str().expect("an id")
        );
        for (key, value) in [("TOWN_OWNER", OWNER), ("TOWN_TOKEN", TOKEN)] {
            let body = json!({ "key": key, "value": value });
            let (status, answer) = self.api(Method::POST, &variables, Some(body)).await;
            assert_eq!(status, 201, "{answer}");
        }
        let by_path = std::env::var("TOWN_TEST_WAY").is_ok_and(|way| way == "path");
        let base = if by_path {
            format!("{}/run/{OWNER}/{name}", self.base)
        } else {
            let link = made["files"][0]["links"]["endpoint"].as_str();
            link.expect("an endpoint").trim_end_matches('/').to_string()
        };
        Town { base, ..self }
    }

    /// Starts a town with further arguments.
    pub async fn start_with(arguments: &[&str]) -> Town {
        let data = Arc::new(TempDir::new().expect("a temporary folder"));
        Town::start_in(data, arguments).await
    }

    /// Starts a town with further variables of its environment, and arguments.
    pub async fn start_under(variables: &[(&str, &str)], arguments: &[&str]) -> Town {
        let data = Arc::new(TempDir::new().expect("a temporary folder"));
        Town::start_as(data, variables, arguments).await
    }

    /// Starts a town on a folder that another one has left.
    pub async fn start_in(data: Arc<TempDir>, arguments: &[&str]) -> Town {
        Town::start_as(data, &[], arguments).await
    }

    async fn start_as(data: Arc<TempDir>, variables: &[(&str, &str)], arguments: &[&str]) -> Town {
        let mut process = Command::new(env!("CARGO_BIN_EXE_town"))
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path().join("data"))
            .args(arguments)
            .env_clear()
            .env("TOWN_OWNER", OWNER)
            .env("TOWN_TOKEN", TOKEN)
            .env("TOWN_CACHE", COMPILED)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the town starts");
        let log = Arc::new(std::sync::Mutex::new(String::new()));
        let mut stderr = process.stderr.take().expect("stderr is piped");
        let lines = log.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
                let text = String::from_utf8_lossy(&bytes[..count]);
                lines.lock().expect("no panics").push_str(&text);
            }
        });
        let stdout = process.stdout.take().expect("stdout is piped");
        let mut stdout = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(PATIENCE, stdout.next_line()).await;
        let line = line
            .expect("it says that it is ready")
            .expect("stdout is readable");
        let line = line.unwrap_or_else(|| panic!("no ready line: {}", log.lock().expect("log")));
        let base = line
            .strip_prefix("town: ready at ")
            .expect("the ready line")
            .to_string();
        let base = base.trim_end_matches('/').to_string();
        let token = TOKEN.to_string();
        Town {
            process: Some(process),
            data,
            base,
            token,
            client: client(),
            log,
        }
    }

    /// Where it listens, and the `Host` of a request that is written by hand.
    pub fn door(&self) -> (SocketAddr, String) {
        let base = url::Url::parse(&self.base).expect("a base");
        let port = base.port().expect("a port");
        let host = base.host_str().expect("a host");
        (
            SocketAddr::from(([127, 0, 0, 1], port)),
            format!("{host}:{port}"),
        )
    }

    /// Where its data is.
    pub fn data(&self) -> std::path::PathBuf {
        Path::new(self.data.path()).join("data")
    }

    /// The number of its process.
    pub fn pid(&self) -> i32 {
        let process = self.process.as_ref().expect("not a town inside another");
        process.id().expect("it runs").cast_signed()
    }

    /// The token of its owner.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it has said on standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("no panics").clone()
    }

    /// Ends it at once, as a power cut would.
    pub async fn kill(mut self) -> Arc<TempDir> {
        let process = self.process.as_mut().expect("not a town inside another");
        process.kill().await.expect("it can be killed");
        self.data.clone()
    }

    /// Asks it to end; its exit code.
    pub async fn stop(mut self) -> (Option<i32>, Arc<TempDir>) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
        let process = self.process.as_mut().expect("not a town inside another");
        let status = tokio::time::timeout(PATIENCE, process.wait()).await;
        (
            status.expect("it ends").expect("it was ours").code(),
            self.data.clone(),
        )
    }

    /// A request to an address below its own, with its owner's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    /// A request as anybody. `path` may also be a whole address.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let whole = path.starts_with("http");
        let url = if whole {
            path.to_string()
        } else {
            format!("{}{path}", self.base)
        };
        self.client.request(method, url).timeout(PATIENCE)
    }

    /// What anybody gets at an address.
    pub async fn get(&self, path: &str) -> Response {
        self.bare(Method::GET, path)
            .send()
            .await
            .expect("an answer")
    }

    /// Status and text of what anybody gets at an address.
    pub async fn text(&self, path: &str) -> (u16, String) {
        let response = self.get(path).await;
        (
            response.status().as_u16(),
            response.text().await.expect("a body"),
        )
    }

    /// Makes a request with the owner's token and JSON, and reads JSON.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        self.described(method, path, response).await
    }

    /// Status and JSON of an answer of the API, which must be as its description says.
    pub async fn described(&self, method: Method, path: &str, response: Response) -> (u16, Value) {
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type");
        // Events go on for ever.
        let endless = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let text = match endless {
            true => String::new(),
            false => response.text().await.expect("a body"),
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        // Where no program answers the kernel does, by a page.
        let by_kernel = status >= 500 && body.as_str().is_some_and(|text| text.starts_with("<!"));
        if by_kernel {
            return (status, body);
        }
        if let Some(spec) = self.description().await {
            let fault = description::fault(spec, &method, path, status, &body);
            assert_eq!(fault, None, "{method} {path} answered {status}");
        }
        (status, body)
    }

    /// What the API says of itself: the same in every town, so one is asked. None where an override
    /// keeps it from saying so.
    async fn description(&self) -> Option<&'static Value> {
        static DESCRIPTION: tokio::sync::OnceCell<Value> = tokio::sync::OnceCell::const_new();
        let ask = async || {
            let text = self.text("/api/openapi.json").await.1;
            let spec: Value = serde_json::from_str(&text).map_err(|_| ())?;
            if spec["paths"].is_object() {
                Ok(spec)
            } else {
                Err(())
            }
        };
        DESCRIPTION.get_or_try_init(ask).await.ok()
    }

    /// Makes a val of one HTTP file; the answer to its creation.
    pub async fn val(&self, name: &str, code: &str) -> Value {
        self.val_of(name, &[("main.tsx", "http", code)]).await
    }

    /// Makes a val of several files: path, type, content.
    pub async fn val_of(&self, name: &str, files: &[(&str, &str, &str)]) -> Value {
        let files: Vec<Value> = files
            .iter()
            .map(|(path, kind, content)| json!({ "path": path, "type": kind, "content": content }))
            .collect();
        let body = json!({ "name": name, "files": files });
        let (status, made) = self.api(Method::POST, "/api/town/vals", Some(body)).await;
        assert_eq!(status, 201, "creating {name}: {made}");
        made
    }

    /// Status and text of a val by path.
    pub async fn run(&self, name: &str) -> (u16, String) {
        self.text(&format!("/run/{OWNER}/{name}/")).await
    }

    /// A town inside this one, reached by path, with an owner of the same name.
    pub async fn inside_by_path(&self, name: &str) -> Town {
        let (inner, _) = self.inside(name).await;
        Town {
            base: format!("{}/run/{OWNER}/{name}", self.base),
            ..inner
        }
    }

    /// A town inside this one, reached by host.
    pub async fn inside_by_host(&self, name: &str) -> Town {
        self.inside(name).await.0
    }

    /// A town at an address that this one's client finds, with the token of somebody there.
    pub fn other(&self, url: &str, token: &str) -> Town {
        Town {
            process: None,
            data: self.data.clone(),
            base: url.trim_end_matches('/').to_string(),
            token: token.to_string(),
            client: self.client.clone(),
            log: self.log.clone(),
        }
    }

    async fn inside(&self, name: &str) -> (Town, Value) {
        let body = json!({ "name": name });
        let (status, made) = self
            .api(Method::POST, "/api/town/instances", Some(body))
            .await;
        assert_eq!(status, 201, "creating the town {name}: {made}");
        let text = |value: &Value| value.as_str().expect("text").to_string();
        let inner = Town {
            process: None,
            data: self.data.clone(),
            base: text(&made["url"]).trim_end_matches('/').to_string(),
            token: text(&made["token"]),
            client: self.client.clone(),
            log: self.log.clone(),
        };
        (inner, made)
    }
}

/// How deep the towns are that tests ask for. What is drawn follows from the test's name and
/// `TOWN_TEST_SEED`, so that it is the same when the test runs again.
fn depth() -> usize {
    let asked = std::env::var("TOWN_TEST_DEPTH").unwrap_or_default();
    if asked != "drawn" {
        return asked.parse().unwrap_or(0);
    }
    let seed = std::env::var("TOWN_TEST_SEED").unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (seed, std::thread::current().name()).hash(&mut hasher);
    // A level costs a test about as much as the root does.
    match hasher.finish() % 12 {
        0..=7 => 0,
        8..=10 => 1,
        _ => 3,
    }
}

/// An HTTP client that finds every name on this machine, and keeps redirects for the test to see.
fn client() -> Client {
    // A second test of the same process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Loopback)
        .build()
        .expect("a client")
}

struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        let here: Addrs = Box::new([SocketAddr::from(([127, 0, 0, 1], 0))].into_iter());
        Box::pin(async move { Ok(here) })
    }
}
