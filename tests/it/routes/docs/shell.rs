//! The lines for the shell on the page at `/docs`, run by a shell: they do what the recorded session did.

use std::process::Command;

use super::*;
use crate::support::server::PRIVATE_KEY;

/// The lines of the page by operation, as a reader would copy them.
fn lines(page: &str) -> BTreeMap<String, String> {
    let articles = page.split("<article id=\"").skip(1);
    let line = |article: &str| {
        let shell = article.split_once("<figure class=\"shell\">")?.1.split_once("<code>")?.1.split_once("</code>")?.0;
        let (name, _) = article.split_once('"')?;
        let text = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
        Some((name.to_owned(), text.iter().fold(shell.to_owned(), |line, (from, to)| line.replace(from, to))))
    };
    articles.map(|article| line(article).expect("a line for the shell")).collect()
}

#[tokio::test]
async fn the_lines_for_the_shell_do_what_the_session_did() {
    let settings = [("CALOTYPE_PUBLIC_URL", PUBLIC_URL)];
    with_settings(&settings, async |library: &mut Library| {
        let document = document(library).await;
        let page = answer(library.keyless(Method::GET, "/docs")).await.expect("a page");
        let mut lines = lines(page.body.as_str().expect("text"));
        assert_eq!(lines.len(), operations(&document).len(), "every operation has a line");
        let desk = tempfile::tempdir().expect("a directory");
        let picture = desk.path().join("lacock.png");
        let mut replay = Replay::default();
        let mut session: Vec<Value> = serde_json::from_str(SESSION).expect("the session is JSON");
        for step in &mut session {
            let name = step["operation"].as_str().expect("a name").to_owned();
            // The page shows one step of each operation.
            let line = if step["shown"] == false { None } else { lines.remove(&name) };
            let Some(line) = line else {
                run(library, &document, &mut replay, step).await;
                continue;
            };
            match name.as_str() {
                "deliver" => fs::remove_file(&picture).expect("the picture was there"),
                _ => fs::write(&picture, PICTURE).expect("a picture"),
            }
            // The address is another one here, and so are the ids.
            let line = line.replacen(PUBLIC_URL, library.client.base(), 1);
            let line = replay.ids.iter().fold(line, |line, (then, now)| line.replace(then, now));
            let (status, body) = typed(&line, desk.path()).await;
            assert_eq!(status, step["status"], "{line}\n{body}");
            let all = operations(&document);
            let found = all.iter().find(|(.., operation)| operation["operationId"] == name.as_str());
            let (.., operation) = found.expect("an operation of the document");
            hold_against(&document, &mut replay, operation, step, (status, &body));
            if name == "deliver" {
                assert_eq!(fs::read(&picture).expect("it is kept"), PICTURE, "{line}");
            }
        }
        assert!(replay.differences.is_empty(), "{}", replay.differences.join("\n"));
        assert!(lines.is_empty(), "never typed: {lines:#?}");
    })
    .await;
}

/// Runs a line in a directory, again while the job that it asks for is not done; the status and the body.
async fn typed(line: &str, desk: &Path) -> (u16, Value) {
    let began = std::time::Instant::now();
    loop {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{line} -sS -w '\\n%{{http_code}}'")).current_dir(desk).env("KEY", PRIVATE_KEY);
        let output = shell.output().expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&output.stderr));
        let (body, status) = text.rsplit_once('\n').expect("a status");
        let body = match body {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        if body["status"] != "Pending" || began.elapsed() > JOB_MAX {
            return (status.parse().expect("a status"), body);
        }
        tokio::time::sleep(A_MOMENT).await;
    }
}
