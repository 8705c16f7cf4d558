//! The network between a server and PostgreSQL, as bad as it gets: it stalls without a word, it closes, and it loses
//! exactly the answer to one commit, or stalls at exactly one statement.
//!
//! For the last of these it reads along: which statements a transaction has run, and its `COMMIT`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// The code in the place of a protocol version that asks for TLS; the real start follows it.
const TLS_REQUEST: u32 = 80_877_103;

/// What happens to all that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Works,
    /// Connections stay open and new ones are taken; nothing gets through either way.
    Stalls,
    /// Connections are closed, new ones too.
    Refuses,
}

/// What is done with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It never arrives.
    Commit,
    /// It is done, and nobody is told.
    Answer,
    /// No commit at all: the network stalls at the statement itself, in the middle of the transaction.
    Network,
}

/// Waits for the commit of a transaction that ran a statement with this text in it.
struct Trap {
    statement: &'static str,
    loss: Loss,
}

/// A proxy on a port of its own. Dropping it leaves its connections to the runtime's end.
pub struct Proxy {
    port: u16,
    network: Arc<watch::Sender<Network>>,
    trap: Arc<Mutex<Option<Trap>>>,
    sprung: Arc<AtomicU64>,
}

impl Proxy {
    /// A proxy in front of the server of this URL.
    pub async fn to(url: &str) -> Proxy {
        let url = Url::parse(url).expect("a URL");
        let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (network, state) = watch::channel(Network::Works);
        let network = Arc::new(network);
        let (trap, sprung) = (Arc::new(Mutex::new(None)), Arc::new(AtomicU64::new(0)));
        let (trap_there, sprung_there, network_there) = (Arc::clone(&trap), Arc::clone(&sprung), Arc::clone(&network));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let pass = Pass {
                    state: state.clone(),
                    network: Arc::clone(&network_there),
                    trap: Arc::clone(&trap_there),
                    sprung: Arc::clone(&sprung_there),
                };
                tokio::spawn(pass.connect(client, target.clone()));
            }
        });
        Proxy { port, network, trap, sprung }
    }

    /// The same database by way of this proxy.
    pub fn url(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a host fits");
        url.set_port(Some(self.port)).expect("a port fits");
        url.into()
    }

    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Loses the next commit of a transaction that ran a statement with this text in it, or stalls at that statement.
    pub fn lose(&self, statement: &'static str, loss: Loss) {
        *self.trap.lock().expect("nobody panics with it") = Some(Trap { statement, loss });
    }

    /// How many times that has happened.
    pub fn losses(&self) -> u64 {
        self.sprung.load(Ordering::SeqCst)
    }
}

/// What one connection knows.
struct Pass {
    state: watch::Receiver<Network>,
    network: Arc<watch::Sender<Network>>,
    trap: Arc<Mutex<Option<Trap>>>,
    sprung: Arc<AtomicU64>,
}

impl Pass {
    async fn connect(self, client: TcpStream, target: String) {
        let mut state = self.state.clone();
        let passing = async {
            self.works().await;
            let Ok(server) = TcpStream::connect(&target).await else { return };
            // Delays of small packets would only make the tests slow.
            drop((client.set_nodelay(true), server.set_nodelay(true)));
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = server.into_split();
            let (lose, lost) = watch::channel(None);
            tokio::select! {
                () = self.upwards(from_client, to_server, lose) => {}
                () = self.downwards(&mut from_server, &mut to_client, lost) => {}
            }
        };
        tokio::select! {
            () = passing => {}
            _ = state.wait_for(|network| *network == Network::Refuses) => {}
        }
    }

    async fn works(&self) {
        // The sender lives as long as the test.
        drop(self.state.clone().wait_for(|network| *network != Network::Stalls).await);
    }

    async fn upwards(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWriteExt + Unpin,
        lose: watch::Sender<Option<Loss>>,
    ) {
        let mut seen = Seen::default();
        let mut bytes = Vec::new();
        loop {
            let mut whole = 0;
            while let Some(message) = seen.message(&bytes[whole..]) {
                let (length, commits) = message;
                if self.springs(&seen.statements, |loss| loss == Loss::Network).is_some() {
                    self.network.send_replace(Network::Stalls);
                    self.works().await;
                }
                if commits && let Some(loss) = self.springs(&seen.statements, |loss| loss != Loss::Network) {
                    lose.send_replace(Some(loss));
                    if loss == Loss::Answer {
                        drop(to.write_all(&bytes[..whole + length]).await);
                    }
                    // The other direction ends the connection.
                    return std::future::pending().await;
                }
                whole += length;
            }
            if to.write_all(&bytes[..whole]).await.is_err() {
                return;
            }
            bytes.drain(..whole);
            let mut chunk = vec![0; CHUNK_BYTES];
            match from.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(read) => bytes.extend(&chunk[..read]),
            }
            self.works().await;
        }
    }

    fn springs(&self, statements: &[String], of_this_kind: impl Fn(Loss) -> bool) -> Option<Loss> {
        let mut trap = self.trap.lock().expect("nobody panics with it");
        let met = |trap: &Trap| of_this_kind(trap.loss) && statements.iter().any(|sql| sql.contains(trap.statement));
        let hit = trap.as_ref().is_some_and(met);
        if hit {
            self.sprung.fetch_add(1, Ordering::SeqCst);
        }
        if hit { trap.take().map(|trap| trap.loss) } else { None }
    }

    async fn downwards(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWriteExt + Unpin),
        mut lost: watch::Receiver<Option<Loss>>,
    ) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = tokio::select! {
                read = from.read(&mut chunk) => read,
                _ = lost.wait_for(|loss| *loss == Some(Loss::Commit)) => return,
            };
            let Ok(read @ 1..) = read else { return };
            if lost.borrow().is_some() {
                // The answer: the commit is done.
                return;
            }
            self.works().await;
            if to.write_all(&chunk[..read]).await.is_err() {
                return;
            }
        }
    }
}

/// What has been read along on one connection.
#[derive(Default)]
struct Seen {
    started: bool,
    prepared: HashMap<Vec<u8>, String>,
    /// Of the transaction under way.
    statements: Vec<String>,
}

impl Seen {
    /// The length of the first message if all of it is here, and whether it is a commit.
    fn message(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        // Before the start messages have no type.
        let skip = usize::from(self.started);
        let length = skip + u32::from_be_bytes(bytes.get(skip..skip + 4)?.try_into().ok()?) as usize;
        let body = bytes.get(skip + 4..length)?;
        if !self.started {
            self.started = body.get(..4) != Some(&TLS_REQUEST.to_be_bytes());
            return Some((length, false));
        }
        let mut texts = body.split(|byte| *byte == 0);
        let mut text = || texts.next().unwrap_or_default();
        match bytes[0] {
            b'Q' => {
                let query = text();
                if query.starts_with(b"BEGIN") {
                    self.statements.clear();
                }
                return Some((length, query == b"COMMIT"));
            }
            b'P' => {
                let name = text().to_vec();
                self.prepared.insert(name, String::from_utf8_lossy(text()).into_owned());
            }
            b'B' => {
                text(); // the portal
                self.statements.extend(self.prepared.get(text()).cloned());
            }
            _ => {}
        }
        Some((length, false))
    }
}

#[test]
fn a_commit_is_seen_with_the_statements_before_it() {
    let typed = |kind: u8, body: &[u8]| [&[kind], &u32::to_be_bytes(body.len() as u32 + 4)[..], body].concat();
    let mut seen = Seen::default();
    let tls = [8_u32.to_be_bytes(), TLS_REQUEST.to_be_bytes()].concat();
    assert_eq!(seen.message(&tls), Some((8, false)));
    let start = [9_u32.to_be_bytes(), 196_608_u32.to_be_bytes()].concat();
    assert_eq!(seen.message(&start), None, "one byte is missing");
    assert_eq!(seen.message(&[&start[..], &[0]].concat()), Some((9, false)));
    seen.message(&typed(b'P', b"s1\0INSERT INTO file\0\0\0"));
    seen.message(&typed(b'Q', b"BEGIN\0"));
    seen.message(&typed(b'B', b"\0s1\0\0\0"));
    assert_eq!(seen.message(&typed(b'Q', b"COMMIT\0")), Some((12, true)));
    assert_eq!(seen.statements, ["INSERT INTO file"]);
    seen.message(&typed(b'Q', b"BEGIN\0"));
    assert!(seen.statements.is_empty());
}
