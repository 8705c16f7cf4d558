//! The document at `/openapi.json` and the page at `/docs`: they and the router cannot drift apart, and the examples in
//! them are what the server really answers.

mod shell;

use std::fs;
use std::path::Path;

use reqwest::multipart::{Form, Part};

use super::*;

/// The picture of the recorded session.
const PICTURE: &[u8] = include_bytes!("docs/lacock.png");
/// The session: what was sent and what was answered, step by step.
const SESSION: &str = include_str!("../../../src/http/openapi/examples.json");
/// The base of the URLs in the session.
const PUBLIC_URL: &str = "http://127.0.0.1:8770";
const KEYS: [&str; 3] = [".publicKey", ".privateKey", ".privateKeyEnd"];
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Not calls: the document and the page themselves, and what leads to them.
const OWN: [&str; 6] = ["/", "/openapi.json", "/docs", "/docs/", "/docs/docs.css", "/docs/docs.js"];
/// Other spellings of documented calls, for clients of older generations; the document tells of them in prose.
const ALIASES: [(&str, &str); 14] = [
    ("get", "/v1/files/metadata"),
    // Answered with what is missing.
    ("patch", "/v1/custommetadatafields"),
    ("delete", "/v1/custommetadatafields"),
    ("put", "/v1/bulkjobs/movefolder"),
    ("post", "/v2bulkjobs/copyfolder"),
    ("post", "/v2bulkjobs/movefolder"),
    ("put", "/v2bulkjobs/movefolder"),
    ("post", "/v2bulkjobs/renamefolder"),
    ("get", "/v2bulkjobs/{}"),
    ("delete", "/v1/files/{}/versions/{}/restore"),
    ("post", "/v1/files/upload"),
    ("post", "/api/v1/files/addtags"),
    ("post", "/api/v1/files/removetags"),
    ("post", "/api/v1/files/removeaitags"),
];

async fn document(library: &Library) -> Value {
    let answer = library.keyless(Method::GET, "/openapi.json").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("a JSON document")
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let items = document["paths"].as_object().expect("paths").iter();
    items
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((*method, path.as_str(), item.get(method)?)))
        })
        .collect()
}

/// A path without what the router does not look at: the case of fixed parts and the names of variable ones.
fn bare(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}".into() } else { part.to_lowercase() });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_paths_of_the_document() {
    on_both_catalogs(async |library: &mut Library| {
        let document = document(library).await;
        assert_eq!(document["openapi"], "3.1.0");
        let lines = operations(&document)
            .iter()
            .map(|(method, path, operation)| {
                let (name, tag) = (operation["operationId"].as_str().unwrap(), operation["tags"][0].as_str().unwrap());
                format!("{tag:11} {:6} {path} {name}", method.to_uppercase())
            })
            .collect::<Vec<_>>();
        insta::assert_snapshot!("paths", lines.join("\n"));
    })
    .await;
}

/// The document against the source: every path that a `.route(…)` names is documented, an alias, or the page itself.
#[tokio::test]
async fn every_route_is_documented() {
    on_both_catalogs(async |library: &mut Library| {
        let document = document(library).await;
        let mut known: BTreeSet<String> = operations(&document).iter().map(|(_, path, _)| bare(path)).collect();
        known.extend(ALIASES.map(|(_, path)| path.to_owned()));
        known.extend(OWN.map(str::to_owned));
        let routes = routes_of_the_source();
        assert!(routes.len() >= 25, "the source was not read: {routes:?}");
        let missing: Vec<_> =
            routes.iter().filter(|path| !known.contains(*path) && !known.contains(&format!("/v1{path}"))).collect();
        assert_eq!(missing, Vec::<&String>::new(), "routed, but not in the document");
    })
    .await;
}

/// The paths in `.route("…"`, wherever in `src/http` they stand.
fn routes_of_the_source() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let (mut folders, mut routes) = (vec![root], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the source").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = fs::read_to_string(&entry).expect("a source file");
            let named = text.split(".route(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
            routes.extend(named.filter_map(|rest| rest.split('"').next()).map(bare));
        }
    }
    routes
}

/// The document against the running router: of every documented path, and of every alias, exactly those methods are
/// served that the document has. Ids are unknown ones and bodies are empty, so nothing is done.
#[tokio::test]
async fn exactly_the_documented_methods_are_served() {
    on_both_catalogs(async |library: &mut Library| {
        let document = document(library).await;
        let mut served: BTreeSet<(String, String)> =
            operations(&document).iter().map(|(method, path, _)| (bare(path), (*method).to_owned())).collect();
        served.extend(ALIASES.map(|(method, path)| (path.to_owned(), method.to_owned())));
        let paths: BTreeSet<_> = served.iter().map(|(path, _)| path.clone()).collect();
        for (path, method) in paths.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
            // A delivery path is no id.
            let asked =
                if path.starts_with("/library") { "/library/none".into() } else { path.replace("{}", UNKNOWN_ID) };
            let request = library.client.request(method.to_uppercase().parse().unwrap(), &asked);
            let answer = answer(request).await.expect("an answer");
            let is_routed = answer.status != 405 && !(answer.status == 404 && answer.body["message"] == "Not found");
            // A path may be matched by a route with an id, as `/v1/files/copy` is by `DELETE /v1/files/{fileId}`.
            let by_id =
                answer.status == 400 && answer.body["message"] == "Your request contains invalid fileId parameter.";
            let is_documented = served.contains(&(path.clone(), method.to_owned()));
            assert_eq!(is_routed && (is_documented || !by_id), is_documented, "{method} {asked}: {answer:#?}");
        }
    })
    .await;
}

/// The bare address: browsers are led on, programs are told that nothing is there.
#[tokio::test]
async fn who_comes_with_a_browser_is_led_to_the_page() {
    on_both_catalogs(async |library: &mut Library| {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let direct = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let at_door = format!("{}/", library.client.base());
        for (method, accept, leads) in [
            (Method::GET, Some(browser), true),
            (Method::HEAD, Some("text/html"), true),
            (Method::GET, Some("*/*"), false),
            (Method::GET, Some("application/json"), false),
            (Method::GET, None, false),
            (Method::POST, Some(browser), false),
        ] {
            let request = direct.request(method.clone(), &at_door);
            let request = accept.into_iter().fold(request, |request, kinds| request.header("accept", kinds));
            let response = request.send().await.expect("an answer");
            let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
            let expected = if leads { (303, Some("docs".to_owned())) } else { (404, None) };
            assert_eq!((response.status().as_u16(), location), expected, "{method} {accept:?}");
            request_id(response.headers());
            if !leads {
                assert_eq!(response.json::<Value>().await.expect("JSON")["message"], "Not found");
            }
        }
        let followed = library.http.get(&at_door).header("accept", browser).send().await.expect("an answer");
        assert_eq!((followed.status().as_u16(), followed.url().path()), (200, "/docs"));
    })
    .await;
}

/// What the session's ids are in this library, and where its answers differ from the recorded ones.
#[derive(Default)]
struct Replay {
    ids: BTreeMap<String, String>,
    differences: Vec<String>,
}

impl Replay {
    /// A recorded value with this library's ids.
    fn here(&self, recorded: &Value) -> Value {
        renamed(recorded, self.ids.iter())
    }

    /// An answer of this library with the recorded ids, as far as there are any.
    fn there(&self, answered: &Value) -> Value {
        renamed(answered, self.ids.iter().map(|(then, now)| (now, then)))
    }

    /// Notes where an answer is not the recorded one. Ids, times and tokens may be others, if they are so everywhere.
    fn compare(&mut self, recorded: &Value, answered: &Value, at: &str) {
        match (recorded, answered) {
            (Value::Object(then), Value::Object(now)) if then.keys().eq(now.keys()) => {
                then.iter().for_each(|(key, value)| self.compare(value, &now[key], &format!("{at}.{key}")));
            }
            (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
                then.iter().zip(now).for_each(|(then, now)| self.compare(then, now, at));
            }
            (Value::String(then), Value::String(now)) if self.are_alike(then, now) => {}
            // Keys are random, so all that can be said is that there are some.
            (Value::String(_), Value::String(_)) if KEYS.iter().any(|name| at.ends_with(name)) => {}
            _ if recorded == answered => {}
            _ => self.differences.push(format!("{at}: {recorded} was recorded, {answered} is answered")),
        }
    }

    fn are_alike(&mut self, then: &str, now: &str) -> bool {
        let is_id = |text: &str| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time = |text: &str| text.len() == 24 && text.ends_with('Z');
        let before_token = |text: &str| text.split_once("?ik-obj-version=").map(|(before, _)| before.to_owned());
        if is_id(then) && is_id(now) {
            return self.ids.entry(then.to_owned()).or_insert_with(|| now.to_owned()) == now;
        }
        then == now
            || is_time(then) && is_time(now)
            || before_token(then).is_some_and(|url| before_token(now) == Some(url))
    }
}

fn renamed<'a>(value: &Value, names: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    let text = names.fold(value.to_string(), |text, (from, to)| text.replace(from, to));
    serde_json::from_str(&text).expect("ids are replaced by ids")
}

/// Every operation is in the session, and the session runs as recorded: requests and answers in the document are real.
///
/// To record a new step, add it without `status` and `answer`, with ids as they are in the steps before, and run this.
#[tokio::test]
async fn the_examples_are_what_the_server_answers() {
    let settings = [("CALOTYPE_PUBLIC_URL", PUBLIC_URL)];
    with_settings(&settings, async |library: &mut Library| {
        let document = document(library).await;
        let mut session: Vec<Value> = serde_json::from_str(SESSION).expect("the session is JSON");
        let recorded: BTreeSet<_> = session.iter().map(|step| step["operation"].clone().to_string()).collect();
        let documented = operations(&document).into_iter().map(|(.., operation)| operation["operationId"].to_string());
        assert_eq!(recorded, documented.collect(), "every operation has an example, and every example an operation");
        let mut replay = Replay::default();
        for step in &mut session {
            run(library, &document, &mut replay, step).await;
        }
        if !replay.differences.is_empty() {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples.json");
            let text = serde_json::to_string_pretty(&session).expect("JSON");
            fs::write(&path, text + "\n").expect("a place for the new session");
            let advice = "if these answers are right, copy this over src/http/openapi/examples.json";
            panic!("{advice}: {}\n{}", path.display(), replay.differences.join("\n"));
        }
    })
    .await;
}

/// Runs a step, compares, and writes down what is answered if it differs.
async fn run(library: &Library, document: &Value, replay: &mut Replay, step: &mut Value) {
    let name = step["operation"].as_str().expect("a name").to_owned();
    let all = operations(document);
    let found = all.iter().find(|(.., operation)| operation["operationId"] == name.as_str());
    let (method, path, operation) = *found.expect("an operation of the document");
    let answer = send(library, method, path, operation, &replay.here(step)).await;
    assert!(answer.status < 300, "{name}: {answer:#?}");
    let known = replay.differences.len();
    hold_against(document, replay, operation, step, (answer.status, &answer.body));
    if replay.differences.len() > known {
        step["status"] = answer.status.into();
        step["answer"] = replay.there(&answer.body);
    }
}

/// Compares what is answered with what was recorded.
fn hold_against(document: &Value, replay: &mut Replay, operation: &Value, step: &Value, answered: (u16, &Value)) {
    let ((status, body), name) = (answered, step["operation"].as_str().expect("a name"));
    replay.compare(&step["status"], &status.into(), name);
    // Bytes of files and measurements are none of the document's.
    let content = &operation["responses"][status.to_string()]["content"];
    if body.is_null() || content.get("application/json").is_some() {
        replay.compare(&step.get("answer").cloned().unwrap_or_default(), body, name);
        assert_described(document, &content["application/json"]["schema"], body, name);
    }
}

/// Sends a step as recorded, and again while the job that it asks for is not done.
async fn send(library: &Library, method: &str, path: &str, operation: &Value, step: &Value) -> Answer {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let Some(value) = step["parameters"][name].as_str() else { continue };
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), value),
            _ => query.push((name, value.to_owned())),
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", serde_urlencoded::to_string(query).unwrap());
    }
    let began = std::time::Instant::now();
    loop {
        let mut request = library.client.request(method.to_uppercase().parse().unwrap(), &path);
        if operation["requestBody"]["content"].get("multipart/form-data").is_some() {
            request = request.multipart(form(&step["body"]));
        } else if let Some(body) = step.get("body") {
            request = request.json(body);
        }
        let answered = answer(request).await.expect("an answer");
        if answered.body["status"] != "Pending" || began.elapsed() > JOB_MAX {
            return answered;
        }
        tokio::time::sleep(A_MOMENT).await;
    }
}

fn form(fields: &Value) -> Form {
    let fields = fields.as_object().expect("the fields of the form").iter();
    fields.fold(Form::new(), |form, (name, value)| match value {
        Value::String(file) if name == "file" => form.part("file", Part::bytes(PICTURE).file_name(file.clone())),
        Value::String(text) => form.text(name.clone(), text.clone()),
        other => form.text(name.clone(), other.to_string()),
    })
}

/// Every key of an answer is in the schema. (That values fit their schemas is schemathesis' part.)
fn assert_described(document: &Value, schema: &Value, answer: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).unwrap_or_else(|| panic!("{at}: no {name}")),
        None => schema,
    };
    if let Some(branches) = schema["oneOf"].as_array() {
        let fits = |branch: &&Value| {
            let name = branch["$ref"].as_str().map_or("", |name| &name[1..]);
            let branch = document.pointer(name).unwrap_or(branch);
            branch["required"]
                .as_array()
                .is_some_and(|keys| keys.iter().all(|key| answer.get(key.as_str().unwrap()).is_some()))
        };
        if let Some(branch) = branches.iter().find(fits) {
            assert_described(document, branch, answer, at);
        }
    }
    if let Some(items) = answer.as_array() {
        items.iter().for_each(|item| assert_described(document, &schema["items"], item, at));
    }
    if let (Some(properties), Some(object)) = (schema["properties"].as_object(), answer.as_object()) {
        for (key, value) in object {
            let described = properties.get(key).unwrap_or_else(|| panic!("{at}: the document does not know {key}"));
            assert_described(document, described, value, &format!("{at}.{key}"));
        }
    }
}

#[tokio::test]
async fn the_page_is_self_contained_and_caches_ask_before_they_fetch_it_again() {
    on_both_catalogs(async |library: &mut Library| {
        for (path, kind) in [
            ("/docs", "text/html"),
            ("/docs/docs.css", "text/css"),
            ("/docs/docs.js", "text/javascript"),
            ("/openapi.json", "application/json"),
        ] {
            let first = answer(library.keyless(Method::GET, path)).await.expect("an answer").expect(200);
            assert!(first.header("content-type").unwrap().starts_with(kind), "{first:#?}");
            assert!(first.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
            let etag = first.header("etag").expect("an ETag");
            for known in [etag, "*", &format!("\"other\", W/{etag}")] {
                let again = answer(library.keyless(Method::GET, path).header("if-none-match", known));
                let again = again.await.expect("an answer").expect(304);
                assert_eq!((again.body, again.headers.get("etag")), (Value::Null, first.headers.get("etag")), "{path}");
            }
            let other = answer(library.keyless(Method::GET, path).header("if-none-match", "\"other\""));
            other.await.expect("an answer").expect(200);
            answer(library.keyless(Method::HEAD, path)).await.expect("an answer").expect(200);
        }
        let page = answer(library.keyless(Method::GET, "/docs")).await.expect("an answer");
        let page = page.body.as_str().expect("a page").to_owned();
        let base = library.client.base();
        for (_, rest) in
            ["src=\"", "href=\""].iter().flat_map(|name| page.split(name).skip(1).map(move |rest| (name, rest)))
        {
            let target = rest.split('"').next().unwrap();
            let own = target.starts_with('#')
                || ["docs/docs.css", "docs/docs.js", "openapi.json", "data:,"].contains(&target);
            assert!(own, "the page leads to {target}");
        }
        assert!(
            !page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick"),
            "its policy forbids these"
        );
        // Of a file, of an upload's answer and of metadata, which are composed of several schemas.
        for field in ["duration", "videoCodec", "versionInfo", "thumbnailUrl", "pHash"] {
            assert!(page.contains(&format!("<code>{field}</code>")), "nobody learns of {field}");
        }
        for (_, path, operation) in operations(&document(library).await) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<article id=\"{name}\"")), "{name} is not on the page");
            assert!(page.contains(base), "{path}: the lines for the shell lead to this server");
        }
    })
    .await;
}
