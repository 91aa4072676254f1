//! Requests out: the global `fetch` of programs, within what their grant lets them reach.
//!
//! A request to the town's own host is delivered in process, with a count of such round trips.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::socket::{self, OF_HANDSHAKE};
use crate::eval::body::{Body, BodyError};
use crate::eval::slot::Caller;
use crate::grant::Outbound;
use crate::kernel::Kernel;
use crate::limits::{HOPS_MAX, REDIRECTS_MAX};
use crate::wire::{CallError, Header, Redirect, RequestHead, RunId};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may take to agree to a WebSocket.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections kept open to one host.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// The outside world. Each of two clients resolves names by its own rule; both are made at their
/// first use.
#[derive(Default)]
pub struct Outside {
    public: OnceLock<Option<reqwest::Client>>,
    private: OnceLock<Option<reqwest::Client>>,
    // For WebSockets, which HTTP/2 has no room for.
    public_sockets: OnceLock<Option<reqwest::Client>>,
    private_sockets: OnceLock<Option<reqwest::Client>>,
}

/// A response.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<Header>,
    pub url: String,
    pub redirected: bool,
    pub body: Body,
}

impl Outside {
    /// Fetches, following redirects as asked.
    pub async fn fetch(
        &self,
        kernel: &Arc<Kernel>,
        outbound: &Outbound,
        run: RunId,
        mut head: RequestHead,
        body: Body,
        redirect: Redirect,
    ) -> Result<Answer, CallError> {
        // A body can be sent again after a redirect only where it is all here.
        let mut again = match &body {
            Body::Empty => Some(None),
            Body::Bytes(bytes) => Some(Some(bytes.clone())),
            Body::Stream { .. } => None,
        };
        let mut body = Some(body);
        for redirects in 0..=REDIRECTS_MAX {
            let url = Url::parse(&head.url)
                .map_err(|_| CallError::Network(format!("{} is no URL", head.url)))?;
            allow(&url, outbound)?;
            let sent = body.take().or_else(|| match &again {
                Some(Some(bytes)) => Some(Body::Bytes(bytes.clone())),
                Some(None) => Some(Body::Empty),
                None => None,
            });
            let sent = sent.ok_or_else(|| {
                CallError::Network("A redirect asked for a body that was a stream".into())
            })?;
            let answer = self.send(kernel, outbound, run, &url, &head, sent).await?;
            let location = answer.headers.iter().find(|(name, _)| name == "location");
            let next = location.and_then(|(_, value)| std::str::from_utf8(value).ok());
            let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
            let (true, Some(next)) = (is_redirect, next) else {
                return Ok(Answer {
                    redirected: redirects > 0,
                    ..answer
                });
            };
            match redirect {
                Redirect::Manual => return Ok(answer),
                Redirect::Error => {
                    return Err(CallError::Network(format!(
                        "{url} redirects, which is refused"
                    )));
                }
                Redirect::Follow => {}
            }
            let next = url
                .join(next)
                .map_err(|_| CallError::Network(format!("{url} redirects to no URL")))?;
            let to_get = (answer.status == 303 && head.method != "GET" && head.method != "HEAD")
                || (matches!(answer.status, 301 | 302) && head.method == "POST");
            if to_get {
                head.method = "GET".into();
                again = Some(None);
                head.headers
                    .retain(|(name, _)| !name.starts_with("content-"));
            }
            if next.origin() != url.origin() {
                // Credentials are for the origin they were given to.
                head.headers.retain(|(name, _)| {
                    !matches!(
                        name.as_str(),
                        "authorization" | "cookie" | "proxy-authorization"
                    )
                });
            }
            head.url = next.to_string();
        }
        Err(CallError::Network(format!(
            "More than {REDIRECTS_MAX} redirects"
        )))
    }

    async fn send(
        &self,
        kernel: &Arc<Kernel>,
        outbound: &Outbound,
        run: RunId,
        url: &Url,
        head: &RequestHead,
        body: Body,
    ) -> Result<Answer, CallError> {
        if is_own(kernel, url) {
            return to_itself(kernel, run, url, head, body).await;
        }
        if socket::is_asked_by(&head.headers) {
            let client = if outbound.allows_private() {
                &self.private_sockets
            } else {
                &self.public_sockets
            };
            let client = client.get_or_init(|| client_of(outbound, true));
            return switch(made(client.as_ref())?, url, head, body).await;
        }
        let client = if outbound.allows_private() {
            &self.private
        } else {
            &self.public
        };
        let client = made(client.get_or_init(|| client_of(outbound, false)).as_ref())?;
        let method = reqwest::Method::from_bytes(head.method.as_bytes())
            .map_err(|_| CallError::Network(format!("{} is no method", head.method)))?;
        let mut request = client.request(method, url.clone());
        for (name, value) in &head.headers {
            // The client counts and frames the body itself.
            if !matches!(name.as_str(), "host" | "content-length" | "connection") {
                request = request.header(name, value.as_slice());
            }
        }
        request = match body {
            Body::Empty => request,
            Body::Bytes(bytes) => request.body(bytes),
            Body::Stream { chunks, .. } => request.body(reqwest::Body::wrap_stream(chunks)),
        };
        let response = request
            .send()
            .await
            .map_err(|error| CallError::Network(why(&error)))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_string(), value.as_bytes().to_vec()))
            .collect();
        let status = response.status().as_u16();
        let url = response.url().to_string();
        let chunks = response
            .bytes_stream()
            .map(|chunk| chunk.map_err(|error| BodyError::Source(why(&error))));
        Ok(Answer {
            status,
            headers,
            url,
            redirected: false,
            body: Body::of(Box::pin(chunks)),
        })
    }
}

// Asks for a WebSocket; where the server agrees, the two bodies are the connection from then on.
async fn switch(
    client: &reqwest::Client,
    url: &Url,
    head: &RequestHead,
    body: Body,
) -> Result<Answer, CallError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| CallError::Internal(error.to_string()))?;
    let key = base64_simd::STANDARD.encode_to_string(key);
    let mut request = client.get(url.clone());
    for (name, value) in &head.headers {
        let own = matches!(
            name.as_str(),
            "host" | "content-length" | "connection" | "upgrade"
        );
        if !own && !OF_HANDSHAKE.contains(&name.as_str()) {
            request = request.header(name, value.as_slice());
        }
    }
    let request = request
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", &key);
    let sent = tokio::time::timeout(SWITCH_TIMEOUT, request.send()).await;
    let response = sent
        .map_err(|_| CallError::Network(format!("{url} did not answer")))?
        .map_err(|error| CallError::Network(why(&error)))?;
    let status = response.status().as_u16();
    let mut headers: Vec<Header> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_string(), value.as_bytes().to_vec()))
        .collect();
    if status != 101 {
        return Ok(Answer {
            status,
            headers,
            url: url.to_string(),
            redirected: false,
            body: Body::Empty,
        });
    }
    let accept = headers
        .iter()
        .find(|(name, _)| name == "sec-websocket-accept");
    let expected = socket::accept_of(key.as_bytes());
    if accept.is_none_or(|(_, value)| value.as_slice() != expected.as_bytes()) {
        return Err(CallError::Network(format!("{url} speaks no WebSocket")));
    }
    headers.retain(|(name, _)| !OF_HANDSHAKE.contains(&name.as_str()));
    let connection = response
        .upgrade()
        .await
        .map_err(|error| CallError::Network(why(&error)))?;
    let (incoming, received) = socket::incoming();
    tokio::spawn(socket::relay(connection, incoming, body.into_stream()));
    Ok(Answer {
        status,
        headers,
        url: url.to_string(),
        redirected: false,
        body: received,
    })
}

fn made(client: Option<&reqwest::Client>) -> Result<&reqwest::Client, CallError> {
    client.ok_or_else(|| CallError::Internal("The HTTP client could not be made".into()))
}

// The chain of causes: the first says only "error sending request".
fn why(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn allow(url: &Url, outbound: &Outbound) -> Result<(), CallError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(CallError::Network(format!(
            "fetch does not know the scheme {}:",
            url.scheme()
        )));
    }
    let Some(host) = url.host() else {
        return Err(CallError::Network(format!("{url} has no host")));
    };
    let name = host.to_string();
    if !outbound.allows_host(&name) {
        return Err(CallError::Refused(format!(
            "This program may not reach {name}"
        )));
    }
    let address = match host {
        Host::Domain(_) => return Ok(()),
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
    };
    if !outbound.allows_private() && !is_public(address) {
        return Err(refused_address(&name));
    }
    Ok(())
}

fn refused_address(host: &str) -> CallError {
    CallError::Refused(format!(
        "{host} is a private address, which programs may not reach unless the town is started with \
         --allow-private-network"
    ))
}

// The town's own host, or a name below it, on its own port.
fn is_own(kernel: &Kernel, url: &Url) -> bool {
    let Ok(base) = Url::parse(&kernel.base) else {
        return false;
    };
    let (Some(host), Some(own)) = (url.host_str(), base.host_str()) else {
        return false;
    };
    let below = host
        .strip_suffix(own)
        .is_some_and(|labels| labels.ends_with('.'));
    (host == own || below) && url.port_or_known_default() == base.port_or_known_default()
}

async fn to_itself(
    kernel: &Arc<Kernel>,
    run: RunId,
    url: &Url,
    head: &RequestHead,
    body: Body,
) -> Result<Answer, CallError> {
    let hops = kernel.hops_of(run) + 1;
    if hops > HOPS_MAX {
        return Err(CallError::Refused(format!(
            "This request has come back to the town {HOPS_MAX} times, the limit"
        )));
    }
    let mut head = head.clone();
    head.url = url.to_string();
    if !head.headers.iter().any(|(name, _)| name == "host") {
        let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_string();
        head.headers.push(("host".into(), authority.into_bytes()));
    }
    let caller = Caller {
        run: None,
        hops,
        cause: Some(run),
    };
    let handled = Box::pin(kernel.handle(head, body, caller)).await;
    let (status, headers, body) = handled.map_err(|failure| CallError::Network(failure.message))?;
    Ok(Answer {
        status,
        headers,
        url: url.to_string(),
        redirected: false,
        body,
    })
}

fn client_of(outbound: &Outbound, sockets: bool) -> Option<reqwest::Client> {
    // A second installation fails, and the first is the one wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .no_proxy()
        .user_agent("ValTownTown");
    if !outbound.allows_private() {
        builder = builder.dns_resolver(PublicOnly);
    }
    if sockets {
        builder = builder.http1_only();
    }
    builder
        .build()
        .inspect_err(|error| tracing::error!("no HTTP client: {error}"))
        .ok()
}

// Resolves names to public addresses only, after resolving: a name cannot be moved in between.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_string();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                let message = format!("{host} has no public address");
                return Err(std::io::Error::other(message).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one that anybody on the Internet may be asked at.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

// The IPv4 Special-Purpose Address Registry (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

// Global unicast, less what carries IPv4 inside or is for documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let teredo_or_benchmark = a == 0x2001 && b < 0x0200;
    let six_to_four = a == 0x2002;
    let documentation = (a == 0x2001 && b == 0x0db8) || a == 0x3fff;
    (0x2000..0x4000).contains(&a) && !(teredo_or_benchmark || six_to_four || documentation)
}
