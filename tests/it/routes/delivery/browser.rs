//! Hostile files in a real browser: nothing of an uploaded page runs, and nothing in it reaches out.
//!
//! Each page tries in many ways to send a request to a server of this test, the canary. It must stay silent while
//! Chromium shows the page as Calotype delivers it; the same page from the canary itself, without our headers, shows
//! that the canary would have sung.

use std::process::Command;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::support::server::{run_bounded, setting};

/// Chromium starts in a second or two; a loaded machine may need more.
const BROWSE_MAX: Duration = Duration::from_secs(90);
/// How long a page may go on doing things, on the page's own clock.
const PAGE_MS: &str = "3000";
/// A request of a browser is a few hundred bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// A server that notes the path of every request. Below `/page/` it serves the pages that it was given.
struct Canary {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Canary {
    async fn start(pages: Vec<Page>) -> Canary {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let pages: Arc<Vec<Page>> = Arc::new(pages.into_iter().map(|page| page.aimed_at(&address)).collect());
        let noted = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (noted, pages) = (noted.clone(), pages.clone());
                tokio::spawn(async move {
                    let mut request = vec![0; REQUEST_BYTES_MAX];
                    let read = stream.read(&mut request).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                    let page = pages.iter().find(|page| path == format!("/page/{}", page.name));
                    let (kind, body) = page.map_or(("text/plain", ""), |page| (page.kind, page.text.as_str()));
                    if page.is_none() {
                        noted.lock().expect("no panic holds it").push(path);
                    }
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
                         Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Canary { address, heard }
    }

    /// What was asked for since the last look, without what browsers ask for by themselves.
    fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.lock().expect("no panic holds it");
        heard.drain(..).filter(|path| path != "/favicon.ico" && !path.is_empty()).collect()
    }
}

#[derive(Clone)]
struct Page {
    name: &'static str,
    kind: &'static str,
    text: String,
}

impl Page {
    fn aimed_at(&self, address: &str) -> Page {
        Page { text: self.text.replace("CANARY", address), ..self.clone() }
    }
}

/// Pages of every type that a browser runs scripts in.
fn pages() -> Vec<Page> {
    let script = "document.documentElement.setAttribute('data-ran', 'yes');fetch('CANARY/script');";
    let body = "<p>harmless text</p><img src='CANARY/image'/><img src='nothing' onerror=\"fetch('CANARY/onerror')\"/>\
                <iframe src='CANARY/frame'></iframe><object data='CANARY/object'></object>\
                <form id='f' method='post' action='CANARY/form'></form>";
    let html = format!(
        "<!doctype html><html><head><link rel='stylesheet' href='CANARY/style'/><link rel='prefetch' href='CANARY/prefetch'/>\
         <style>@import 'CANARY/import'; p {{ background: url(CANARY/background) }}</style></head>\
         <body>{body}<script>{script}document.getElementById('f').submit()</script></body></html>"
    );
    let refresh = "<!doctype html><meta http-equiv='refresh' content='0;url=CANARY/refresh'><p>harmless text</p>";
    let xhtml = format!(
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><p>harmless text</p><script>{script}</script></body></html>"
    );
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' onload=\"fetch('CANARY/onload')\"><text>harmless text</text>\
         <script>{script}</script><image href='CANARY/svg-image' width='9' height='9'/><foreignObject width='9' height='9'>\
         <iframe xmlns='http://www.w3.org/1999/xhtml' src='CANARY/svg-frame'></iframe></foreignObject></svg>"
    );
    let xml = format!(
        "<?xml version='1.0'?><r>harmless text<h:script xmlns:h='http://www.w3.org/1999/xhtml'>{script}</h:script></r>"
    );
    let page = |name, kind, text| Page { name, kind, text };
    vec![
        page("page.html", "text/html", html),
        page("refresh.html", "text/html", refresh.to_owned()),
        page("page.xhtml", "application/xhtml+xml", xhtml),
        page("page.svg", "image/svg+xml", svg),
        page("page.xml", "text/xml", xml),
    ]
}

#[tokio::test]
async fn a_hostile_page_does_nothing() {
    let Some(chromium) = chromium() else { return };
    let canary = Canary::start(pages()).await;
    on_catalog("SQLite", None, &[], &async |library: &mut Library| {
        for page in pages() {
            let page = page.aimed_at(&canary.address);
            let control = browse(&chromium, &format!("{}/page/{}", canary.address, page.name)).await;
            assert!(!canary.heard().is_empty(), "the canary cannot hear {}: {control}", page.name);
            let url = url_of(library, "/d", page.name, page.text.into_bytes()).await;
            let dom = browse(&chromium, &url).await;
            assert_eq!(canary.heard(), [""; 0], "{} reached out", page.name);
            assert!(!dom.contains("data-ran="), "{} ran a script: {dom}", page.name);
            assert!(dom.contains("harmless text"), "{} is still shown: {dom}", page.name);
        }
    })
    .await;
}

/// What a page has become after a while, as text.
async fn browse(chromium: &str, url: &str) -> String {
    let profile = tempfile::tempdir().expect("a profile");
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-extensions", "--dump-dom"]);
    command
        .arg(format!("--virtual-time-budget={PAGE_MS}"))
        .arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(url);
    let output = run_bounded(command, BROWSE_MAX).await;
    assert!(output.status.success(), "{}", crate::support::server::describe(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The browser, or a word that the test is skipped; on CI a skip would pass for a success.
fn chromium() -> Option<String> {
    for name in ["chromium", "chromium-browser", "google-chrome"] {
        if Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()) {
            return Some(name.to_owned());
        }
    }
    assert!(setting("CI").is_none(), "CI must test with a browser: install the package chromium");
    eprintln!("skipped: there is no chromium (apt-get install chromium)");
    None
}
