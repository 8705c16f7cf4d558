//! The bytes on their way: placeholders filled in, the request framed, the answer read and judged.

use super::*;
use base64::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of these tests takes this long.
const ANSWER_MAX: Duration = Duration::from_secs(30);

pub struct Sender<'a> {
    client: &'a Client,
    address: String,
    kept: Vec<(String, String)>,
}

/// An answer as it stood on the wire. `body` is `Null` when there was none.
#[derive(Debug)]
pub struct Received {
    status: u16,
    headers: Vec<(String, String)>,
    pub body: Value,
    raw: String,
}

impl<'a> Sender<'a> {
    pub fn new(client: &'a Client, library: &Library) -> Sender<'a> {
        Sender { client, address: library.server.address().to_owned(), kept: Vec::new() }
    }

    pub fn keep(&mut self, name: &str, value: Value) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.kept.retain(|(kept, _)| kept != name);
        self.kept.push((name.to_owned(), text));
    }

    fn fill(&self, text: &str) -> String {
        self.kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
    }

    /// Sends a call over a connection of its own and reads the answer to its end.
    pub async fn send(&self, call: &Call) -> Received {
        let request = self.request(call);
        let exchange = tokio::time::timeout(ANSWER_MAX, async {
            let mut socket = TcpStream::connect(&self.address).await?;
            socket.write_all(&request).await?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        });
        let answer = exchange.await.unwrap_or_else(|_| panic!("no answer to {}", call.name));
        Received::parse(&answer.expect("an answer"))
    }

    fn request(&self, call: &Call) -> Vec<u8> {
        let (method_and_path, client) = (self.fill(call.line), self.client);
        let key = format!("{}:{}", call.key, client.password);
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        let mut head = format!("{method_and_path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += &format!("Authorization: Basic {key}\r\n");
        for line in client.headers.lines() {
            head += &format!("{line}\r\n");
        }
        let (content_type, body, framing) = self.body(call.body);
        if let Some(content_type) = content_type.or(client.bodyless_type) {
            head += &format!("Content-Type: {content_type}\r\n");
        }
        let body = match framing {
            Framing::Chunks => {
                head += "Transfer-Encoding: chunked\r\n";
                chunked(&body)
            }
            Framing::Length => {
                if !body.is_empty() || !method_and_path.starts_with("GET ") {
                    head += &format!("Content-Length: {}\r\n", body.len());
                }
                body
            }
        };
        [head.as_bytes(), b"\r\n", &body].concat()
    }

    fn body(&self, body: Body) -> (Option<&'static str>, Vec<u8>, Framing) {
        match body {
            Body::None => (None, Vec::new(), Framing::Length),
            Body::Text(content_type, text) => (Some(content_type), self.fill(text).into_bytes(), Framing::Length),
            Body::Parts(content_type, boundary, parts, framing) => {
                let mut bytes = Vec::new();
                for (head, content) in parts {
                    bytes.extend(
                        format!("--{boundary}\r\n{}\r\n\r\n", self.fill(head).replace('\n', "\r\n")).into_bytes(),
                    );
                    bytes.extend(match content {
                        Content::Text(text) => self.fill(text).into_bytes(),
                        Content::Picture => picture(),
                    });
                    bytes.extend(b"\r\n");
                }
                bytes.extend(format!("--{boundary}--\r\n").into_bytes());
                (Some(content_type), bytes, framing)
            }
        }
    }

    /// Waits until a GET finds what a call should leave behind.
    pub async fn find(&self, (path, pointer, expected): &(&str, &str, &str), library: &Library) {
        let expected =
            (*expected != "absent").then(|| serde_json::from_str::<Value>(&self.fill(expected)).expect("JSON"));
        let mut found = None;
        let looked = tokio::time::timeout(EFFECT_MAX, async {
            loop {
                let answer = library.get(&self.fill(path)).await;
                found = answer.body.pointer(pointer).cloned();
                if found == expected {
                    return;
                }
                tokio::time::sleep(A_MOMENT).await;
            }
        });
        let looked = looked.await;
        assert!(looked.is_ok(), "{path} {pointer}: found {found:?}, expected {expected:?}");
    }
}

/// In pieces of no particular size, as a library sends what it reads from a stream.
fn chunked(body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(100) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    chunks
}

impl Received {
    fn parse(answer: &[u8]) -> Received {
        let text = String::from_utf8(answer.to_vec()).expect("an answer in UTF-8");
        let (head, raw) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not an answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let body = if raw.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(raw).unwrap_or_else(|_| panic!("no JSON: {raw}"))
        };
        Received {
            status: status.unwrap_or_else(|| panic!("no status: {head}")),
            headers: lines.filter_map(header).collect(),
            body,
            raw: raw.to_owned(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Fails unless the answer has the call's status and everything that its reader needs.
    pub fn check(&self, call: &Call) {
        assert_eq!(self.status, call.status, "the status of {}: {self:#?}", call.name);
        let content_type = (self.status != 204).then_some(JSON);
        assert_eq!(self.header("content-type"), content_type, "the type of {}: {self:#?}", call.name);
        assert_eq!(self.header("content-encoding"), None, "nobody asked for a compressed answer");
        assert!(self.status != 204 || self.raw.is_empty(), "204 has no body: {self:#?}");
        assert!(self.header("x-ik-requestid").is_some(), "no request id in {self:#?}");
        for (pointer, kind) in call.reads {
            let value = self.body.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {self:#?}"));
            assert!(kind.fits(value), "{}: {pointer} is {value} in {self:#?}", call.name);
        }
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Text => value.is_string(),
            Kind::Integer => value.is_u64(),
            Kind::Flag => value.is_boolean(),
            Kind::List => value.is_array(),
            Kind::Object => value.is_object(),
            Kind::TextOrNull => value.is_string() || value.is_null(),
            Kind::ListOrNull => value.is_array() || value.is_null(),
            Kind::Is(json) => *value == serde_json::from_str::<Value>(json).expect("JSON"),
            Kind::Keys(keys) => value.as_object().is_some_and(|object| object.keys().eq(keys.iter())),
        }
    }
}
