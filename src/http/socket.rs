//! WebSockets, as far as HTTP knows of them: a connection that goes on as two bodies.
//!
//! What comes is the body of the request, what goes is that of the response; what the bytes mean is
//! the programs' business. So such a connection passes through as many programs as a request does.

use std::time::Duration;

use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::{HeaderValue, Method, Version, request};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::eval::body::{Body, BodyError, BodyStream};
use crate::limits::{CHUNK_BYTES_MAX, CLIENT_STALL_MS, WINDOW_BYTES};
use crate::wire::Header;

/// What the key of a request is joined to before it is hashed (RFC 6455).
const SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How long the switch itself may take, after both sides have agreed.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes read at a time, and how many such reads wait for a program that is slow.
const READ_BYTES: usize = 16 << 10;
const READS_WAITING: usize = WINDOW_BYTES as usize / READ_BYTES;

type Incoming = mpsc::Sender<Result<Bytes, BodyError>>;

/// Headers of the handshake that are made anew on each leg of the way. Extensions are not passed
/// on, since nobody here speaks any.
pub const OF_HANDSHAKE: [&str; 4] = [
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-version",
];

/// The switch that a request asks for.
pub struct Switch {
    on: OnUpgrade,
    accept: HeaderValue,
    incoming: Incoming,
}

impl Switch {
    /// The switch, and the body to read what comes after it, where a request asks for a WebSocket.
    pub fn asked(parts: &mut request::Parts) -> Option<(Self, Body)> {
        let is_get = parts.method == Method::GET && parts.version == Version::HTTP_11;
        let protocol = parts.headers.get(header::SEC_WEBSOCKET_VERSION);
        if !is_get || !wants(&parts.headers) || protocol.is_none_or(|number| number != "13") {
            return None;
        }
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY)?;
        let accept = HeaderValue::from_str(&accept_of(key.as_bytes())).ok()?;
        let on = parts.extensions.remove::<OnUpgrade>()?;
        let (incoming, body) = incoming();
        let switch = Self {
            on,
            accept,
            incoming,
        };
        Some((switch, body))
    }

    /// The headers of the response that agrees.
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 3] {
        [
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept.clone()),
        ]
    }

    /// Goes on after the response has been sent, until either side ends. `held` lives as long.
    pub fn begin<H: Send + 'static>(self, outgoing: BodyStream, held: H) {
        tokio::spawn(async move {
            let switched = tokio::time::timeout(SWITCH_TIMEOUT, self.on).await;
            if let Ok(Ok(connection)) = switched {
                relay(TokioIo::new(connection), self.incoming, outgoing).await;
            }
            drop(held);
        });
    }
}

/// Whether the headers ask for a WebSocket.
pub fn wants(headers: &HeaderMap) -> bool {
    let says = |name, word: &str| {
        let values = headers.get_all(name).iter();
        let mut values = values.filter_map(|value| value.to_str().ok());
        values.any(|value| {
            let mut words = value.split(',');
            words.any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    };
    says(header::UPGRADE, "websocket") && says(header::CONNECTION, "upgrade")
}

/// The same for the head of a request that a program makes, which need not know of `connection`.
pub fn is_asked_by(headers: &[Header]) -> bool {
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("upgrade") && value.eq_ignore_ascii_case(b"websocket")
    })
}

/// What the answer to a key must be.
pub fn accept_of(key: &[u8]) -> String {
    let hash = Sha1::new().chain_update(key).chain_update(SALT).finalize();
    base64_simd::STANDARD.encode_to_string(hash)
}

/// A body of what will come, and the end by which it is filled.
pub fn incoming() -> (Incoming, Body) {
    let (sender, mut receiver) = mpsc::channel(READS_WAITING);
    let chunks = futures_util::stream::poll_fn(move |task| receiver.poll_recv(task));
    (sender, Body::of(Box::pin(chunks)))
}

/// Carries bytes both ways until one side ends; the other is then told by its end.
pub async fn relay(
    connection: impl AsyncRead + AsyncWrite,
    incoming: Incoming,
    outgoing: BodyStream,
) {
    let (read, write) = tokio::io::split(connection);
    tokio::select! {
        () = receive(read, incoming) => {}
        () = send(write, outgoing) => {}
    }
}

async fn receive(mut read: impl AsyncRead + Unpin, incoming: Incoming) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        match read.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        // It fails when the program reads no more.
        if incoming.send(Ok(buffer.split().freeze())).await.is_err() {
            return;
        }
    }
}

async fn send(mut write: impl AsyncWrite + Unpin, mut outgoing: BodyStream) {
    let patience = Duration::from_millis(CLIENT_STALL_MS);
    while let Some(Ok(chunk)) = outgoing.next().await {
        for piece in chunk.chunks(CHUNK_BYTES_MAX) {
            let written = tokio::time::timeout(patience, write.write_all(piece)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
        if write.flush().await.is_err() {
            return;
        }
    }
    // The other side may have gone before.
    let _ = tokio::time::timeout(patience, write.shutdown()).await;
}
