//! Fetches from real servers on this machine, and from names that resolve as the test wants.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Most of the fetches here; one test has its own.
const BYTES_MAX: u64 = 100_000;

/// What a server does after it has read a request's head.
#[derive(Clone)]
enum Reply {
    /// Sends this and closes.
    Text(String),
    /// Sends this and then nothing more.
    Stalls(String),
    /// Sends this and then bytes without end, so many at a time with that pause.
    Endless(String, usize, Duration),
}

/// An HTTP server on an address of this machine. It keeps the heads of the requests.
struct Site {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start(ip: &str, replies: &[(&str, Reply)]) -> Site {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        Site::on(listener, replies.iter().map(|(path, reply)| ((*path).to_owned(), reply.clone())).collect())
    }

    fn on(listener: TcpListener, replies: HashMap<String, Reply>) -> Site {
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (replies, kept) = (replies.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    kept.lock().unwrap().push(head);
                    answer(&mut stream, replies.get(&path)).await
                });
            }
        });
        Site { address, heads }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn hits(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

async fn answer(stream: &mut tokio::net::TcpStream, reply: Option<&Reply>) -> io::Result<()> {
    match reply {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno").await,
        Some(Reply::Text(text)) => stream.write_all(text.as_bytes()).await,
        Some(Reply::Stalls(text)) => {
            stream.write_all(text.as_bytes()).await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(())
        }
        Some(Reply::Endless(text, bytes, pause)) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(&vec![b'x'; *bytes]).await?;
                tokio::time::sleep(*pause).await;
            }
        }
    }
}

fn ok(body: &str) -> Reply {
    Reply::Text(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn to(location: &str) -> Reply {
    Reply::Text(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

/// Names with the answers of one lookup after the other; the last one stays.
#[derive(Default)]
struct Names {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Lookup for Names {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn names(answers: &[&[SocketAddr]]) -> Arc<Names> {
    Arc::new(Names { answers: answers.iter().map(|list| list.to_vec()).collect(), ..Names::default() })
}

fn policy(allowed: &[&str]) -> Policy {
    let allowed: Vec<String> = allowed.iter().map(|entry| (*entry).to_owned()).collect();
    Policy::new(false, &allowed).unwrap()
}

fn patience() -> Patience {
    let short = Duration::from_millis(400);
    Patience { headers: short, idle: short, total: 3 * short }
}

fn fetcher(allowed: &[&str]) -> Fetcher {
    Fetcher::new(policy(allowed), patience()).unwrap()
}

async fn get(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>, FetchError> {
    let body = fetcher.get(url, BYTES_MAX).await?;
    let chunks: Vec<Bytes> = body.try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn an_allowed_url_is_fetched_and_told_nothing() {
    let site = Site::start("127.0.0.1", &[("/a.png?x=1", ok("bytes"))]).await;
    let with_secret = site.url("/a.png?x=1").replace("http://", "http://user:secret@");
    assert_eq!(get(&fetcher(&["127.0.0.1"]), &with_secret).await.unwrap(), b"bytes");
    let head = site.heads.lock().unwrap()[0].to_lowercase();
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    for secret in ["authorization", "cookie", "referer", "secret"] {
        assert!(!head.contains(secret), "{head}");
    }
    // Without the setting the same URL is not even asked.
    let refused = get(&fetcher(&[]), &site.url("/a.png?x=1")).await;
    assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{refused:?}");
    assert_eq!(site.hits(), 1);
}

#[tokio::test]
async fn redirects_are_checked_like_the_url_itself() {
    let other = Site::start("127.0.0.2", &[("/secret", ok("secret"))]).await;
    let forms = [
        other.url("/secret"),
        format!("//127.0.0.2:{}/secret", other.address.port()),
        format!("http://[::ffff:127.0.0.2]:{}/secret", other.address.port()),
        format!("http://2130706434:{}/secret", other.address.port()),
        format!("http://0x7f.2:{}/secret", other.address.port()),
    ];
    for form in forms {
        let site = Site::start("127.0.0.1", &[("/", to(&form))]).await;
        let refused = get(&fetcher(&["127.0.0.1"]), &site.url("/")).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{form}: {refused:?}");
    }
    assert_eq!(other.hits(), 0, "it was never asked");
    let both = fetcher(&["127.0.0.0/30"]);
    let site = Site::start("127.0.0.1", &[("/", to(&other.url("/secret")))]).await;
    assert_eq!(get(&both, &site.url("/")).await.unwrap(), b"secret");

    let elsewhere = [
        ("/file", to("file:///etc/passwd")),
        ("/ftp", to("ftp://127.0.0.1/")),
        ("/none", Reply::Text("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".into())),
        ("/loop", to("/loop")),
        ("/1", to("/2")),
        ("/2", to("/3")),
        ("/3", to("/4")),
        ("/4", to("/5")),
        ("/5", to("/6")),
        ("/6", ok("after five")),
        ("/0", to("/1")),
    ];
    let site = Site::start("127.0.0.1", &elsewhere).await;
    assert!(matches!(get(&both, &site.url("/file")).await, Err(FetchError::BadUrl)));
    assert!(matches!(get(&both, &site.url("/ftp")).await, Err(FetchError::BadUrl)));
    assert!(matches!(get(&both, &site.url("/none")).await, Err(FetchError::BadRedirect)));
    assert!(matches!(get(&both, &site.url("/loop")).await, Err(FetchError::Redirects)));
    assert_eq!(get(&both, &site.url("/1")).await.unwrap(), b"after five");
    assert!(matches!(get(&both, &site.url("/0")).await, Err(FetchError::Redirects)));
}

#[tokio::test]
async fn what_is_checked_is_what_is_connected_to() {
    // Two sites on one port, as a name that changes its address between two lookups would have it.
    let replies = |location: String| HashMap::from([("/".to_owned(), to(&location)), ("/x".to_owned(), ok("x"))]);
    let (good, bad) = loop {
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = good.local_addr().unwrap().port();
        if let Ok(bad) = TcpListener::bind(("127.0.0.2", port)).await {
            break (good, bad);
        }
    };
    let url = format!("http://rebound.example:{}/x", good.local_addr().unwrap().port());
    let (good, bad) = (Site::on(good, replies(url.clone())), Site::on(bad, replies(url.clone())));
    let at = |site: &Site| SocketAddr::new(site.address.ip(), 0);

    let rebinding = names(&[&[at(&good)], &[at(&bad)]]);
    let fetcher = Fetcher::with_lookup(policy(&["127.0.0.1"]), patience(), Arc::clone(&rebinding) as _).unwrap();
    let refused = get(&fetcher, &url.replace("/x", "/")).await;
    assert!(matches!(refused, Err(FetchError::Request(_))), "{refused:?}");
    assert_eq!((good.hits(), bad.hits()), (1, 0), "the second lookup was checked, too");
    assert_eq!(rebinding.asked.load(Ordering::Relaxed), 2);

    // Of several addresses only the allowed ones are tried.
    let mixed = names(&[&[at(&bad), at(&good)]]);
    let fetcher = Fetcher::with_lookup(policy(&["127.0.0.1"]), patience(), mixed).unwrap();
    assert_eq!(get(&fetcher, &url).await.unwrap(), b"x");
    assert_eq!(bad.hits(), 0);

    // A name that is allowed may stand for any address.
    let named = Fetcher::with_lookup(policy(&["Rebound.Example"]), patience(), names(&[&[at(&bad)]])).unwrap();
    assert_eq!(get(&named, &url).await.unwrap(), b"x");
    assert_eq!(bad.hits(), 1);
}

#[tokio::test]
async fn slow_and_endless_answers_end() {
    let head = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let fast = Duration::ZERO;
    let site = Site::start(
        "127.0.0.1",
        &[
            ("/silent", Reply::Stalls(String::new())),
            ("/half-headers", Reply::Stalls("HTTP/1.1 200 OK\r\nX-A: b\r\n".into())),
            ("/stalls", Reply::Stalls(format!("{head}abc"))),
            ("/endless", Reply::Endless(head.clone(), 8_192, fast)),
            ("/drips", Reply::Endless(head, 1, Duration::from_millis(50))),
            ("/huge", Reply::Stalls("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".into())),
            ("/short", Reply::Text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".into())),
            ("/nothing", Reply::Text("HTTP/1.1 204 No Content\r\n\r\n".into())),
            ("/part", Reply::Text("HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx".into())),
            ("/zipped", Reply::Text("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx".into())),
            ("/most", ok(&"x".repeat(BYTES_MAX as usize))),
            ("/more", ok(&"x".repeat(BYTES_MAX as usize + 1))),
        ],
    )
    .await;
    let fetcher = fetcher(&["127.0.0.1"]);
    let get = async |path: &str| get(&fetcher, &site.url(path)).await;
    for path in ["/silent", "/half-headers", "/stalls", "/drips"] {
        let began = Instant::now();
        assert!(matches!(get(path).await, Err(FetchError::Slow)), "{path}");
        assert!(began.elapsed() < Duration::from_secs(10), "{path}");
    }
    for path in ["/endless", "/huge", "/more"] {
        assert!(matches!(get(path).await, Err(FetchError::TooLarge(BYTES_MAX))), "{path}");
    }
    assert!(matches!(get("/short").await, Err(FetchError::Request(_))));
    assert!(matches!(get("/zipped").await, Err(FetchError::Encoded)));
    for (path, status) in [("/nowhere", 404), ("/nothing", 204), ("/part", 206)] {
        assert!(matches!(get(path).await, Err(FetchError::Status(found)) if found == status), "{path}");
    }
    assert_eq!(get("/most").await.unwrap().len() as u64, BYTES_MAX);
}

#[tokio::test]
async fn what_is_no_http_url_is_not_fetched() {
    let fetcher = fetcher(&["0.0.0.0/0"]);
    for url in ["", "ftp://127.0.0.1/a", "file:///etc/passwd", "http://", "gopher://x", "http://[::1", "a.jpg"] {
        assert!(matches!(get(&fetcher, url).await, Err(FetchError::BadUrl)), "{url}");
    }
    let refused = get(&fetcher, "http://[::1]:9/").await;
    assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{refused:?}");
}
