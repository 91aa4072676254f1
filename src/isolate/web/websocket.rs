//! The frames of WebSockets: from bytes to messages and back, for one end of one connection.
//!
//! It runs in the process of the program, so what a stranger sends is parsed inside of the sandbox.
//! It knows no network: bytes are fed to it and taken from it.

use std::io::{self, Cursor, Read, Write};

use boa_engine::object::builtins::JsArray;
use boa_engine::{Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsValue, Trace};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use super::bytes::{ByteView, from_utf8, text, uint8_array};
use super::interface::type_error;
use super::native_object;
use crate::limits::SOCKET_MESSAGE_BYTES_MAX;

/// What a script is told of: the first of two values, the second says more.
mod event {
    pub const TEXT: i32 = 0;
    pub const BINARY: i32 = 1;
    /// The other end has closed: the code, and then the reason.
    pub const CLOSE: i32 = 2;
    /// The other end has broken the protocol, which it has been told.
    pub const BROKEN: i32 = 3;
}

/// One end of a connection.
#[derive(Trace, Finalize, JsData)]
struct Wire {
    #[unsafe_ignore_trace]
    context: WebSocketContext,
    #[unsafe_ignore_trace]
    pipe: Pipe,
}

/// Bytes that have come and have not been read, and those that wait to be taken.
#[derive(Default)]
struct Pipe {
    incoming: Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The functions that `websocket.js` is handed.
pub fn natives(context: &mut Context) -> JsResult<JsObject> {
    native_object(
        &[
            ("open", open),
            ("feed", feed),
            ("sendText", send_text),
            ("sendBinary", send_binary),
            ("ping", ping),
            ("close", close),
            ("take", take),
        ],
        context,
    )
}

/// One end of a connection; `true`: the one that was connected to.
fn open(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let role = if args.get_or_undefined(0).to_boolean() {
        Role::Server
    } else {
        Role::Client
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(SOCKET_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SOCKET_MESSAGE_BYTES_MAX));
    let wire = Wire {
        context: WebSocketContext::new(role, Some(config)),
        pipe: Pipe::default(),
    };
    let prototype = context.intrinsics().constructors().object().prototype();
    Ok(JsObject::from_proto_and_data(prototype, wire).into())
}

fn with<R>(args: &[JsValue], work: impl FnOnce(&mut Wire) -> R) -> JsResult<R> {
    let object = args.get_or_undefined(0).as_object();
    let mut wire = object
        .as_ref()
        .and_then(JsObject::downcast_mut::<Wire>)
        .ok_or_else(|| type_error("not a wire"))?;
    Ok(work(&mut wire))
}

/// Takes bytes that have come; a flat list of what they say.
fn feed(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = bytes_of(args.get_or_undefined(1), context)?;
    let read = with(args, |wire| {
        // All that came before has been read: what is no whole message is kept beyond the pipe.
        wire.pipe.incoming = Cursor::new(bytes);
        let mut read = Vec::new();
        loop {
            match wire.context.read(&mut wire.pipe) {
                Ok(message) => read.push(Ok(message)),
                Err(Error::Io(_)) => break,
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => break,
                Err(error) => {
                    let frame = CloseFrame {
                        code: code_of(&error),
                        reason: "".into(),
                    };
                    // Whether it can still be told makes no difference here.
                    let _ = wire.context.close(&mut wire.pipe, Some(frame));
                    read.push(Err(error));
                    break;
                }
            }
        }
        read
    })?;
    let mut events: Vec<JsValue> = Vec::with_capacity(read.len() * 2);
    for message in read {
        match message {
            Ok(Message::Text(text)) => {
                events.extend([event::TEXT.into(), from_utf8(text.as_bytes()).into()]);
            }
            Ok(Message::Binary(bytes)) => {
                events.extend([event::BINARY.into(), uint8_array(&bytes, context)?]);
            }
            Ok(Message::Close(frame)) => {
                let (code, reason) = match &frame {
                    Some(frame) => (u16::from(frame.code), frame.reason.as_str()),
                    // The code for "none was given".
                    None => (1005, ""),
                };
                events.extend([event::CLOSE.into(), code.into()]);
                events.extend([event::CLOSE.into(), JsString::from(reason).into()]);
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => {
                let why = JsString::from(error.to_string());
                events.extend([event::BROKEN.into(), why.into()]);
            }
        }
    }
    Ok(JsArray::from_iter(events, context).into())
}

fn code_of(error: &Error) -> CloseCode {
    match error {
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    }
}

// Sending can only fail once the connection is closed, which a script sees by its events.
fn send(args: &[JsValue], message: Message) -> JsResult<JsValue> {
    with(args, |wire| {
        let _ = wire.context.write(&mut wire.pipe, message);
        let _ = wire.context.flush(&mut wire.pipe);
    })?;
    Ok(JsValue::undefined())
}

fn send_text(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let string = args.get_or_undefined(1).to_string(context)?;
    send(args, Message::text(text(&string).into_owned()))
}

fn send_binary(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = bytes_of(args.get_or_undefined(1), context)?;
    send(args, Message::binary(bytes))
}

fn ping(_: &JsValue, args: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    send(args, Message::Ping(Vec::new().into()))
}

/// Says goodbye, with a code and a reason or without.
fn close(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let code = args.get_or_undefined(1);
    let frame = if code.is_undefined() {
        None
    } else {
        let code = u16::try_from(code.to_u32(context)?).unwrap_or_default();
        let reason = args.get_or_undefined(2).to_string(context)?;
        Some(CloseFrame {
            code: code.into(),
            reason: text(&reason).as_ref().into(),
        })
    };
    with(args, |wire| {
        let _ = wire.context.close(&mut wire.pipe, frame);
    })?;
    Ok(JsValue::undefined())
}

/// The bytes that wait to be sent; undefined where there are none.
fn take(_: &JsValue, args: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let bytes = with(args, |wire| std::mem::take(&mut wire.pipe.outgoing))?;
    if bytes.is_empty() {
        return Ok(JsValue::undefined());
    }
    uint8_array(&bytes, context)
}

fn bytes_of(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    match ByteView::of(value, context)? {
        Some(view) => Ok(view.to_vec()),
        None => Err(type_error("not bytes")),
    }
}
