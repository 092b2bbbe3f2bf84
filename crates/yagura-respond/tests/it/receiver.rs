//! A receiver of HTTP requests on loopback that answers, fails, lies and breaks off as it is told.
//! What is sent to it is decided by the tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the receiver does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Behavior {
    /// It answers.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It reads the request and closes without a word.
    Close,
    /// It promises more of a body than it sends.
    BreakOff(u16, String),
    /// It reads the request and never answers.
    Silence,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether it was answered with a whole answer.
    pub(crate) answered: Option<u16>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
struct State {
    script: Mutex<VecDeque<Behavior>>,
    usual: Mutex<Option<Behavior>>,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

/// The receiver; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Receiver {
    state: Arc<State>,
    address: String,
}

pub(crate) fn ok(body: &str) -> Behavior {
    Behavior::Answer(200, vec![], body.to_owned())
}

pub(crate) fn status(status: u16) -> Behavior {
    Behavior::Answer(status, vec![], String::new())
}

impl Receiver {
    /// Starts one that answers 200 with a body once its script is over.
    pub(crate) async fn start(usual: Behavior) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        *state.usual.lock().unwrap() = Some(usual);
        let serving = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { state, address }
    }

    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// What it does with the next requests.
    pub(crate) fn then(&self, script: impl IntoIterator<Item = Behavior>) {
        self.state.script.lock().unwrap().extend(script);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits for a number of requests.
    pub(crate) async fn arrived(&self, count: usize) {
        loop {
            let notified = self.state.arrived.notified();
            if self.state.received.lock().unwrap().len() >= count {
                return;
            }
            notified.await;
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    while let Some(mut request) = read(&mut stream).await {
        let behavior = state.script.lock().unwrap().pop_front();
        let behavior = behavior.or_else(|| state.usual.lock().unwrap().clone()).unwrap();
        if let Behavior::Answer(status, ..) = &behavior {
            request.answered = Some(*status);
        }
        state.received.lock().unwrap().push(request);
        state.arrived.notify_waiters();
        match behavior {
            Behavior::Answer(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                let text = format!("{head}\r\n{body}");
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Behavior::BreakOff(status, body) => {
                let promised = body.len() + 10;
                let text =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {promised}\r\n\r\n{body}");
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Behavior::Close => return,
            Behavior::Silence => std::future::pending::<()>().await,
        }
    }
}

/// Reads one request; none where the connection ends.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&buffer[..count]);
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Received { method, path, headers, body, answered: None })
}
