//! WebSockets: vals that serve them and vals that use them, at any depth, and what must not happen.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Message, WebSocket};

use crate::town::{OWNER, PATIENCE, Town};
use crate::watching::logged;

/// Sends back what it gets.
pub const DENO: &str = r#"
export default (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "chat" });
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send("open");
  socket.onmessage = ({ data }) => socket.send(typeof data === "string" ? `echo ${data}` : data);
  socket.onclose = ({ code, reason, wasClean }) => console.log("closed", code, reason, wasClean);
  return response;
};"#;

const PAIR: &str = r#"
export default { fetch(request) {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.send("open");
  server.addEventListener("message", ({ data }) => {
    if (data === "end") server.close(4001, "as asked");
    else server.send(typeof data === "string" ? `echo ${data}` : data);
  });
  return new Response(null, { status: 101, webSocket: client, headers: { "sec-websocket-protocol": "chat" } });
} };"#;

pub type Socket = WebSocket<TcpStream>;

// The head of the answer to a request for a WebSocket, and the connection behind it.
fn ask(town: &Town, path: &str) -> (String, TcpStream) {
    let base = town.base.strip_prefix("http://").expect("plain HTTP");
    let (host, prefix) = base.split_once('/').unwrap_or((base, ""));
    let port = host.rsplit_once(':').expect("a port").1;
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let slash = if prefix.is_empty() { "" } else { "/" };
    write!(
        stream,
        "GET {slash}{prefix}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .expect("it reads");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    (String::from_utf8_lossy(&head).to_ascii_lowercase(), stream)
}

/// A socket at a path of a town.
pub fn open(town: &Town, path: &str) -> Socket {
    let (head, stream) = ask(town, path);
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    // The answer to the key above, from RFC 6455.
    let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=";
    assert!(head.contains(accept), "{head}");
    assert!(head.contains("sec-websocket-protocol: chat"), "{head}");
    assert!(!head.contains("deflate"), "nobody speaks it: {head}");
    WebSocket::from_raw_socket(stream, Role::Client, None)
}

// The next message, which is no question whether we are there.
fn message(socket: &mut Socket) -> Message {
    loop {
        match socket.read().expect("a message") {
            Message::Ping(_) => {}
            other => return other,
        }
    }
}

fn text(socket: &mut Socket) -> String {
    match message(socket) {
        Message::Text(text) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

/// Says things and is answered.
pub fn converse(socket: &mut Socket) {
    assert_eq!(text(socket), "open");
    for word in ["one", "two", "\u{e9}\u{1f600}"] {
        socket.send(Message::text(word)).expect("it is open");
    }
    for word in ["one", "two", "\u{e9}\u{1f600}"] {
        assert_eq!(text(socket), format!("echo {word}"));
    }
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
    socket.send(Message::binary(large.clone())).expect("open");
    match message(socket) {
        Message::Binary(bytes) => assert!(bytes == large, "{} bytes came back", bytes.len()),
        other => panic!("no bytes: {other:?}"),
    }
}

fn goodbye(socket: &mut Socket) -> Option<CloseFrame> {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame,
            Ok(_) => {}
            Err(error) => panic!("it ended without a goodbye: {error}"),
        }
    }
}

/// Where a val is.
pub fn path(name: &str) -> String {
    format!("/run/{OWNER}/{name}/")
}

#[tokio::test]
async fn a_val_answers_on_a_socket_in_either_style_until_one_side_closes() {
    let town = Town::start().await;
    let deno = town.val("deno", DENO).await;
    town.val("pair", PAIR).await;

    let mut socket = open(&town, &path("deno"));
    converse(&mut socket);
    let frame = CloseFrame {
        code: CloseCode::Library(3001),
        reason: "bye".into(),
    };
    socket.close(Some(frame)).expect("it is open");
    let frame = goodbye(&mut socket).expect("a frame");
    assert_eq!((u16::from(frame.code), &*frame.reason), (3001, "bye"));
    logged(&town, &deno, "closed 3001 bye true").await;

    let mut socket = open(&town, &path("pair"));
    converse(&mut socket);
    socket.send(Message::text("end")).expect("it is open");
    let frame = goodbye(&mut socket).expect("a frame");
    assert_eq!((u16::from(frame.code), &*frame.reason), (4001, "as asked"));

    // A visitor who is simply gone.
    let socket = open(&town, &path("deno"));
    drop(socket);
    logged(&town, &deno, "closed 1006  false").await;
}

#[tokio::test]
async fn a_socket_passes_through_three_towns() {
    let outer = Town::start().await;
    let middle = outer.inside_by_path("middle").await;
    let inner = middle.inside_by_path("inner").await;
    inner.val("deno", DENO).await;
    let mut socket = open(&inner, &path("deno"));
    converse(&mut socket);
    socket.close(None).expect("it is open");
    assert_eq!(goodbye(&mut socket), None);
}

const CLIENT: &str = r#"
export default async (request) => {
  const seen = [], socket = new WebSocket(await request.text(), ["chat"]);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve) => {
    socket.onopen = () => {
      seen.push(`open ${socket.protocol}`);
      socket.send("hello");
      socket.send(new Uint8Array(70000));
    };
    socket.onmessage = ({ data }) => {
      seen.push(typeof data === "string" ? data : data.byteLength);
      if (seen.length === 4) socket.close(1000, "done");
    };
    socket.onerror = () => seen.push("error");
    socket.onclose = ({ code, wasClean }) => resolve(seen.push(code, wasClean));
  });
  return Response.json(seen);
};"#;

async fn posted(town: &Town, name: &str, body: String) -> Value {
    let request = town.bare(reqwest::Method::POST, &path(name)).body(body);
    let answer = request.send().await.expect("an answer");
    let text = answer.text().await.expect("a body");
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

#[tokio::test]
async fn a_val_is_a_client_within_the_town_over_the_network_and_in_front_of_another() {
    let town = Town::start_with(&["--allow-private-network"]).await;
    town.val("deno", DENO).await;
    town.val("client", CLIENT).await;
    let own = town.base.replace("http://", "ws://");
    let outside = own.replace("localhost", "127.0.0.1");
    let fine = json!(["open chat", "open", "echo hello", 70000, 1000, true]);
    for base in [&own, &outside] {
        let seen = posted(&town, "client", format!("{base}{}", path("deno"))).await;
        assert_eq!(seen, fine, "at {base}");
    }
    // In front: unread, and taken apart and put together.
    let target = format!("{}{}", outside.replace("ws://", "http://"), path("deno"));
    let unread = format!("export default (r) => fetch(new Request({target:?}, r));");
    let whole = format!(
        "export default (r) => fetch({target:?}, {{ headers: {{ upgrade: 'websocket', \
         'sec-websocket-protocol': 'chat' }} }});"
    );
    for (name, code) in [("unread", unread), ("whole", whole)] {
        town.val(name, &code).await;
        converse(&mut open(&town, &path(name)));
    }
    town.val("plain", "export default () => new Response('no');")
        .await;
    let seen = posted(&town, "client", format!("{own}{}", path("plain"))).await;
    assert_eq!(seen, json!(["error", 1006, false]));
}

#[tokio::test]
async fn a_client_reaches_no_private_address_unless_the_town_allows_it() {
    let town = Town::start().await;
    town.val("client", CLIENT).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = posted(&town, "client", format!("ws://127.0.0.1:{port}/")).await;
    assert_eq!(seen, json!(["error", 1006, false]));
    let nobody = futures_util::FutureExt::now_or_never(listener.accept());
    assert!(nobody.is_none(), "somebody connected");
}

#[tokio::test]
async fn what_breaks_the_protocol_or_its_bounds_is_told_and_cut_off() {
    let town = Town::start().await;
    town.val("pair", PAIR).await;
    town.val(
        "unasked",
        "export default () => new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });",
    )
    .await;
    assert_eq!(town.run("unasked").await.0, 500);
    assert_eq!(town.run("pair").await.0, 500, "nobody asked for a socket");

    // An unmasked frame, which a client must not send.
    let mut socket = open(&town, &path("pair"));
    assert_eq!(text(&mut socket), "open");
    socket.get_mut().write_all(b"\x81\x02hi").expect("open");
    let frame = goodbye(&mut socket).expect("a frame");
    assert_eq!(frame.code, CloseCode::Protocol);

    // The head of a message of 64 MiB.
    let mut socket = open(&town, &path("pair"));
    assert_eq!(text(&mut socket), "open");
    let head = b"\x82\xff\x00\x00\x00\x00\x04\x00\x00\x00abcd";
    socket.get_mut().write_all(head).expect("open");
    let frame = goodbye(&mut socket).expect("a frame");
    assert_eq!(frame.code, CloseCode::Size);
    converse(&mut open(&town, &path("pair")));
}

#[tokio::test]
async fn a_socket_ends_with_the_isolate_that_serves_it() {
    let town = Town::start().await;
    let spin = DENO.replace(
        "=> socket.send(typeof",
        "=> spin(data) || socket.send(typeof",
    );
    let spin = format!("const spin = (data) => {{ while (data === 'spin'); }};{spin}");
    town.val("spin", &spin).await;
    let mut socket = open(&town, &path("spin"));
    assert_eq!(text(&mut socket), "open");
    socket.send(Message::text("spin")).expect("it is open");
    while let Ok(message) = socket.read() {
        assert!(message.is_ping(), "the connection is gone: {message:?}");
    }
}

/// Each message works for longer than a fourth of what a run may: together they are beyond it.
#[tokio::test]
async fn the_bound_of_cpu_begins_anew_with_each_message() {
    let town = Town::start_with(&["--cpu-limit", "1"]).await;
    let code = r#"export default (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "chat" });
      socket.onopen = () => socket.send("open");
      socket.onmessage = ({ data }) => { const end = Date.now() + 300; while (Date.now() < end); socket.send(`worked ${data}`); };
      return response;
    };"#;
    town.val("working", code).await;
    let mut socket = open(&town, &path("working"));
    assert_eq!(text(&mut socket), "open");
    for number in 0..6 {
        let message = Message::text(number.to_string());
        socket.send(message).expect("it is taken");
        assert_eq!(text(&mut socket), format!("worked {number}"));
    }
}
