//! Requests in: from the socket to the root program, and its response back.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;

use super::pages;
use super::socket::{OF_HANDSHAKE, Switch};
use crate::dispatch::status_of;
use crate::eval::body::{Body, BodyError};
use crate::eval::slot::Caller;
use crate::kernel::Kernel;
use crate::limits::{CLIENT_STALL_MS, HEAD_BYTES_MAX, HEADERS_MAX, INLINE_BODY_BYTES_MAX};
use crate::wire::{Failure, Header, Outcome, RequestHead};

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long open requests may go on after the town was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Headers of one connection, which are not handed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

struct Door {
    kernel: Arc<Kernel>,
    room: Arc<Semaphore>,
}

/// Serves until `stop` resolves, then lets what is open end.
pub async fn serve(
    kernel: Arc<Kernel>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(kernel.config.max_requests));
    let door = Arc::new(Door {
        kernel: kernel.clone(),
        room,
    });
    let service = Router::new().fallback(answer).with_state(door);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).expect("64 KiB"));
    let graceful = GracefulShutdown::new();
    let patience_ms = kernel.config.limits().deadline_ms.min(CLIENT_STALL_MS);
    let stall = Duration::from_millis(patience_ms);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: they come back when connections end.
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Small writes must not wait for each other's acknowledgement.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(service.clone());
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(stall));
        let connection = server
            .serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off or talks nonsense is its own business.
            let _ = connection.await;
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(STOP_GRACE) => {}
    }
    kernel.stop();
    Ok(())
}

async fn answer(
    State(door): State<Arc<Door>>,
    mut request: Request<HttpBody>,
) -> Result<Response<HttpBody>, Infallible> {
    let Ok(permit) = door.room.clone().try_acquire_owned() else {
        let max = door.kernel.config.max_requests;
        let message = format!("{max} requests are open");
        let failure = Failure::limit(Outcome::Overload, "maxRequests", max as u64, message);
        door.kernel.counts.note_refusal();
        return Ok(failed(&failure, None));
    };
    let (mut parts, body) = request.into_parts();
    let switch = Switch::asked(&mut parts);
    request = Request::from_parts(parts, body);
    let is_head = request.method() == Method::HEAD;
    let limit = door.kernel.config.limits().body_bytes;
    let length = content_length(&request);
    if length.is_some_and(|length| length > limit) {
        let message = format!("A body may have {limit} bytes");
        let failure = Failure::limit(Outcome::Body, "bodyBytes", limit, message);
        return Ok(failed(&failure, None));
    }
    let (mut head, mut body) = match take(&door.kernel, request, length).await {
        Ok(taken) => taken,
        Err(status) => return Ok(plain(status)),
    };
    let switch = switch.map(|(switch, incoming)| {
        head.headers
            .push(("connection".into(), b"Upgrade".to_vec()));
        head.headers.push(("upgrade".into(), b"websocket".to_vec()));
        body = incoming;
        switch
    });
    let answered = door.kernel.handle(head, body, Caller::default()).await;
    Ok(match answered {
        Ok((101, headers, body)) => match switch {
            Some(switch) => agree(switch, headers, body, permit),
            None => {
                let message = "The program switched to a WebSocket that was not asked for";
                failed(&Failure::new(Outcome::Exception, message), None)
            }
        },
        Ok((status, headers, body)) => respond(status, headers, body, is_head, permit),
        Err(failure) => {
            // Nothing that was changed is to blame for what the machine has no room for.
            let blamed = !matches!(failure.outcome, Outcome::Overload | Outcome::Body);
            let kernel = &door.kernel;
            let back = (blamed && kernel.is_overridden()).then(|| kernel.plain_address());
            failed(&failure, back.as_deref())
        }
    })
}

async fn take(
    kernel: &Kernel,
    request: Request<HttpBody>,
    length: Option<u64>,
) -> Result<(RequestHead, Body), StatusCode> {
    let (parts, body) = request.into_parts();
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str().to_string(),
        None => match parts.headers.get(header::HOST) {
            Some(host) => host
                .to_str()
                .map_err(|_| StatusCode::BAD_REQUEST)?
                .to_string(),
            None if parts.version == Version::HTTP_10 => kernel
                .base
                .split("://")
                .nth(1)
                .unwrap_or_default()
                .to_string(),
            None => return Err(StatusCode::BAD_REQUEST),
        },
    };
    let scheme = kernel.base.split("://").next().unwrap_or("http");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` is about the server; it gets the answer of the front page.
    let path = if path.starts_with('/') { path } else { "/" };
    // As the standard writes it, so that everybody below reads one address the same way.
    let url = url::Url::parse(&format!("{scheme}://{host}{path}"))
        .map_err(|_| StatusCode::BAD_REQUEST)?
        .to_string();
    let headers = parts
        .headers
        .iter()
        .filter(|(name, _)| !HOP_BY_HOP.contains(name) && name.as_str() != "keep-alive")
        .filter(|(name, _)| !OF_HANDSHAKE.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str().to_string(), value.as_bytes().to_vec()))
        .collect();
    let head = RequestHead {
        method: parts.method.as_str().to_string(),
        url,
        headers,
    };
    let body = match length {
        Some(0) => Body::Empty,
        Some(length) if length <= INLINE_BODY_BYTES_MAX => {
            let limit = usize::try_from(length).unwrap_or(usize::MAX);
            let bytes = axum::body::to_bytes(body, limit).await;
            Body::Bytes(bytes.map_err(|_| StatusCode::BAD_REQUEST)?)
        }
        Some(_) => stream(body),
        None if axum::body::HttpBody::is_end_stream(&body) => Body::Empty,
        None => stream(body),
    };
    Ok((head, body))
}

fn stream(body: HttpBody) -> Body {
    let chunks = body.into_data_stream();
    Body::of(Box::pin(chunks.map(|chunk| {
        chunk.map_err(|error| BodyError::Source(format!("The request broke off: {error}")))
    })))
}

// The connection goes on with the two bodies.
fn agree(
    switch: Switch,
    headers: Vec<Header>,
    body: Body,
    permit: OwnedSemaphorePermit,
) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value))
            && name != header::CONTENT_LENGTH
            && !HOP_BY_HOP.contains(&name)
            && !OF_HANDSHAKE.contains(&name.as_str())
        {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().extend(switch.headers());
    switch.begin(body.into_stream(), permit);
    response
}

fn content_length(request: &Request<HttpBody>) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn respond(
    status: u16,
    headers: Vec<Header>,
    body: Body,
    is_head: bool,
    permit: OwnedSemaphorePermit,
) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let streamed = matches!(body, Body::Stream { .. });
    for (name, value) in headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            continue;
        };
        // The length of a stream is counted by whoever sends it, not by who claims it.
        let claims_length = name == header::CONTENT_LENGTH && (streamed || !is_head);
        if HOP_BY_HOP.contains(&name) || claims_length {
            continue;
        }
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            response.headers_mut().append(name, value);
        }
    }
    let empty = is_head || matches!(status, 204 | 205 | 304);
    if empty {
        return response;
    }
    *response.body_mut() = match body {
        Body::Empty => HttpBody::empty(),
        Body::Bytes(bytes) => HttpBody::from(bytes),
        Body::Stream { chunks, length } => {
            if let Some(length) = length {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, length.into());
            }
            HttpBody::from_stream(Held {
                stream: chunks,
                _permit: permit,
            })
        }
    };
    response
}

// A body that is still being sent counts as an open request.
struct Held<S> {
    stream: S,
    _permit: OwnedSemaphorePermit,
}

impl<S: Stream<Item = Result<Bytes, BodyError>> + Unpin> Stream for Held<S> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(task)
    }
}

fn failed(failure: &Failure, back: Option<&str>) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(pages::failure(failure, back)));
    let status = status_of(failure.outcome);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    if status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn plain(status: StatusCode) -> Response<HttpBody> {
    let text = status.canonical_reason().unwrap_or("Bad Request");
    let mut response = Response::new(HttpBody::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}
