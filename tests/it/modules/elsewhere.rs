//! What vals import from elsewhere, on this machine: an HTTP server of files by their address, and
//! a registry of packages made of what a test gives or of installed ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that a request's head may have.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// A server on a free port. Ends with the value.
pub struct Elsewhere {
    pub base: String,
    files: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Elsewhere {
    pub async fn start() -> Elsewhere {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let files: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, seen) = (files.clone(), asked.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (known, seen) = (known.clone(), seen.clone());
                tokio::spawn(async move { serve(stream, &known, &seen).await });
            }
        });
        Elsewhere {
            base: format!("http://{address}"),
            files,
            asked,
            task,
        }
    }

    /// Serves a text at `https://{address}`, for a town whose mirror this is.
    pub fn put(&self, address: &str, content_type: &str, text: &str) {
        let headers = format!("content-type: {content_type}\r\n");
        self.answer(&format!("/{address}"), 200, headers, text.into());
    }

    /// Redirects one address to another.
    pub fn redirect(&self, address: &str, location: &str) {
        let headers = format!("location: {location}\r\n");
        self.answer(&format!("/{address}"), 302, headers, Vec::new());
    }

    /// Answers any path with anything.
    pub fn answer(&self, path: &str, status: u16, headers: String, body: Vec<u8>) {
        let answer = Answer {
            status,
            headers,
            body,
        };
        self.files
            .lock()
            .expect("no panics")
            .insert(path.to_string(), answer);
    }

    /// From now on there is nothing here.
    pub fn forget_all(&self) {
        self.files.lock().expect("no panics").clear();
    }

    /// The paths that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panics").clone()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    files: &Mutex<HashMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut bytes = [0; 2048];
        match stream.read(&mut bytes).await {
            Ok(count @ 1..) if head.len() < HEAD_BYTES_MAX => {
                head.extend_from_slice(&bytes[..count]);
            }
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_string();
    asked.lock().expect("no panics").push(path.clone());
    let known = files.lock().expect("no panics").get(&path).cloned();
    let answer = known.unwrap_or(Answer {
        status: 404,
        headers: String::new(),
        body: b"nothing here".to_vec(),
    });
    let head = format!(
        "HTTP/1.1 {} Answer\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.headers,
        answer.body.len()
    );
    // Whoever has gone wants no answer.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&answer.body).await;
}
