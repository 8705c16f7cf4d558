//! Every route, with every right: each asks for the one that the table says, and there is no route without a line.

use super::*;
use std::path::Path;

pub(super) const NO_PERMISSION: &str = "Your API key does not have permission to perform this action.";
const AREAS: [&str; 6] = ["files", "folders", "uploads", "metadata", "purge", "keys"];

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// Area, and read or write.
    For(&'static str, &'static str),
    /// A key that may do everything.
    Everything,
    /// Nothing: anybody may call it.
    Nothing,
}
use Asks::{Everything, For, Nothing};

/// Method and path as the router has them, and what is asked for. A new route is a new line here.
const ROUTES: &[(&str, &str, Asks)] = &[
    ("GET", "/files", For("files", "read")),
    ("POST", "/files/upload", For("uploads", "write")),
    ("OPTIONS", "/files/upload", Nothing),
    ("DELETE", "/files/{id}", For("files", "write")),
    ("GET", "/files/{id}/details", For("files", "read")),
    ("GET", "/files/{id}/metadata", For("files", "read")),
    ("GET", "/metadata", For("files", "read")),
    ("GET", "/files/metadata", For("files", "read")),
    ("GET", "/files/{id}/versions", For("files", "read")),
    ("GET", "/files/purge/{id}", For("purge", "read")),
    ("GET", "/files/{id}/versions/{version}", For("files", "read")),
    ("DELETE", "/files/{id}/versions/{version}", For("files", "write")),
    ("PUT", "/files/{id}/versions/{version}/restore", For("files", "write")),
    ("DELETE", "/files/{id}/versions/{version}/restore", For("files", "write")),
    ("PATCH", "/files/{id}/details", For("files", "write")),
    ("POST", "/files/copy", For("files", "write")),
    ("POST", "/files/move", For("files", "write")),
    ("PUT", "/files/rename", For("files", "write")),
    ("POST", "/files/batch/deletebyfileids", For("files", "write")),
    ("POST", "/files/addtags", For("files", "write")),
    ("POST", "/files/removetags", For("files", "write")),
    ("POST", "/files/removeaitags", For("files", "write")),
    ("POST", "/api/v1/files/addtags", For("files", "write")),
    ("POST", "/api/v1/files/removetags", For("files", "write")),
    ("POST", "/api/v1/files/removeaitags", For("files", "write")),
    ("POST", "/files/purge", For("purge", "write")),
    ("GET", "/custommetadatafields", For("metadata", "read")),
    ("POST", "/custommetadatafields", For("metadata", "write")),
    ("PATCH", "/custommetadatafields", For("metadata", "write")),
    ("DELETE", "/custommetadatafields", For("metadata", "write")),
    ("PATCH", "/custommetadatafields/{id}", For("metadata", "write")),
    ("DELETE", "/custommetadatafields/{id}", For("metadata", "write")),
    ("POST", "/folder", For("folders", "write")),
    ("DELETE", "/folder", For("folders", "write")),
    ("POST", "/bulkjobs/copyfolder", For("folders", "write")),
    ("POST", "/bulkjobs/movefolder", For("folders", "write")),
    ("PUT", "/bulkjobs/movefolder", For("folders", "write")),
    ("POST", "/bulkjobs/renamefolder", For("folders", "write")),
    ("GET", "/bulkjobs/{id}", For("folders", "read")),
    ("POST", "/api/v1/files/upload", For("uploads", "write")),
    ("OPTIONS", "/api/v1/files/upload", Nothing),
    ("POST", "/api/v2/files/upload", For("uploads", "write")),
    ("OPTIONS", "/api/v2/files/upload", Nothing),
    ("GET", "/calotype/v1/jobs/{id}", For("folders", "read")),
    ("GET", "/calotype/v1/keys", For("keys", "read")),
    ("POST", "/calotype/v1/keys", For("keys", "write")),
    ("GET", "/calotype/v1/keys/{id}", For("keys", "read")),
    ("DELETE", "/calotype/v1/keys/{id}", For("keys", "write")),
    ("POST", "/calotype/v1/keys/{id}/roll", For("keys", "write")),
    // What is measured tells of all that everyone does. On a listener of its own it asks for nothing.
    ("GET", "/metrics", Everything),
    ("GET", "/healthz", Nothing),
    ("GET", "/docs/", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/", Nothing),
];

/// Called before the router: public files are for everybody, private ones ask for a signature.
const DELIVERY: (&str, &str, Asks) = ("GET", "/library/nothing", Nothing);

#[tokio::test]
async fn every_route_asks_for_its_right() {
    on_both_catalogs(async |library| {
        let full = library.client_with(json!("full")).await;
        walk(&full, "full", |_| true).await;
        for area in AREAS {
            for access in ["none", "read", "write"] {
                // Everything else is allowed, so that it is this area that decides.
                let others = AREAS.into_iter().filter(|other| *other != area).map(|other| (other, "write"));
                let rights: BTreeMap<_, _> = others.chain([(area, access)]).collect();
                let client = library.client_with(json!(rights)).await;
                walk(&client, &format!("{area}={access}"), |asks| match asks {
                    For(asked, needed) if asked == area => access == "write" || access == needed,
                    For(..) | Nothing => true,
                    Everything => false,
                })
                .await;
                // And alone it opens nothing else.
                if access != "none" {
                    let client = library.client_with(json!({ area: access })).await;
                    walk(&client, &format!("{area}={access} alone"), |asks| match asks {
                        For(asked, needed) => asked == area && (access == "write" || access == needed),
                        Nothing => true,
                        Everything => false,
                    })
                    .await;
                }
            }
        }
        for (method, path, asks) in ROUTES {
            if *asks != Nothing && !path.ends_with("/upload") {
                let method: Method = method.parse().unwrap();
                let answer = answer(library.keyless(method, &concrete(path))).await.unwrap();
                refused(&answer, 401, None, "Your request does not contain private API key.");
            }
        }
    })
    .await;
}

/// Calls every route with an empty request, which none can do anything with.
async fn walk(client: &Client, whose: &str, may: impl Fn(Asks) -> bool) {
    for (method, path, asks) in ROUTES.iter().chain([&DELIVERY]) {
        let method: Method = method.parse().unwrap();
        let request = client.request(method.clone(), &concrete(path)).json(&json!({}));
        let answer = answer(request).await.expect("an answer");
        let told = answer.status == 403 && answer.body["message"] == NO_PERMISSION;
        assert_eq!(told, !may(*asks), "{method} {path} with {whose}: {answer:#?}");
        if told {
            refused(&answer, 403, None, NO_PERMISSION);
        } else {
            assert!(answer.status != 401 && answer.status < 500, "{method} {path} with {whose}: {answer:#?}");
        }
    }
}

/// A path that can be called.
fn concrete(path: &str) -> String {
    let path = path.replace("{id}", UNKNOWN_ID).replace("{version}", UNKNOWN_ID);
    let is_whole = path == "/"
        || ["/api/", "/calotype/", "/library/", "/docs", "/healthz", "/readyz", "/metrics"]
            .iter()
            .any(|prefix| path.starts_with(prefix));
    if is_whole { path } else { format!("/v1{path}") }
}

#[test]
fn the_table_has_every_route_of_the_router() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    let mut found = BTreeSet::new();
    while let Some(entries) = folders.pop().map(|folder| std::fs::read_dir(folder).expect("a folder of sources")) {
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(routes_in(&std::fs::read_to_string(path).expect("a source file")));
            }
        }
    }
    let table: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(table.len(), ROUTES.len(), "a route has two lines");
    let missing: Vec<_> = found.difference(&table).collect();
    let stale: Vec<_> = table.difference(&found).collect();
    assert!(missing.is_empty(), "say in ROUTES what these ask for: {missing:#?}");
    assert!(stale.is_empty(), "these are in ROUTES and not in the router: {stale:#?}");
}

/// Method and path of each `.route("…", method(handler).method(handler))` in a source text.
fn routes_in(source: &str) -> Vec<(String, String)> {
    const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "options", "head", "any"];
    let mut routes = Vec::new();
    for call in source.split(".route(").skip(1) {
        let mut depth = 1;
        let end = call.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let call = &call[..end.unwrap_or(call.len())];
        let Some((path, handlers)) = call.split_once('"').and_then(|(_, rest)| rest.split_once('"')) else { continue };
        for (at, _) in handlers.match_indices('(') {
            let word = handlers[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if METHODS.contains(&word) {
                routes.push((word.to_uppercase(), path.to_owned()));
            }
        }
    }
    routes
}

#[test]
fn routes_are_found_in_a_source_text() {
    let source = r#".route("/a", get(a::list))
        .route(&format!("/{}/{{*path}}", b.c), get(d).put(e)) .route("/f", post(g::get).delete(h))"#;
    let found: Vec<_> = routes_in(source).into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(found, ["GET /a", "GET /{}/{{*path}}", "PUT /{}/{{*path}}", "POST /f", "DELETE /f"]);
}
