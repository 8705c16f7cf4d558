//! Extensions: what clients ask to be done with a file by others, such as tagging it or removing its background.
//!
//! This server has no provider for any of them. A request that asks for one is done all the same, and is told honestly
//! that the extension failed (API contract, upload.md §8: it never keeps an upload from being stored).

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// Extensions of one request. There are six; settings of saved ones may name each more than once.
const EXTENSIONS_MAX: usize = 50;
/// Those that have a status. A saved one has none of its own: it stands for others, and there are none saved here.
const WITH_STATUS: [&str; 5] =
    ["ai-auto-description", "ai-tasks", "aws-auto-tagging", "google-auto-tagging", "remove-bg"];
/// Longest URL for results, in bytes: what servers accept in a request line.
const URL_BYTES_MAX: usize = 8 * 1024;

#[derive(Deserialize)]
struct Asked {
    name: String,
}

/// The names of the extensions asked for, each once: a JSON array of objects with a `name`. `None` when it is not that.
pub fn names(extensions: &Value) -> Option<Vec<String>> {
    let asked: Vec<Asked> = Vec::deserialize(extensions).ok()?;
    if asked.len() > EXTENSIONS_MAX || asked.iter().any(|asked| asked.name.is_empty()) {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for Asked { name } in asked {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(names)
}

/// How the extensions of a request went, under `extensionStatus` of its answer. Typed clients read no keys but those of
/// the contract, and nothing may refuse an upload for its extensions, so a name that nobody knows is passed over.
pub fn statuses(names: &[String]) -> Map<String, Value> {
    let known = names.iter().filter(|name| WITH_STATUS.contains(&name.as_str()));
    known.map(|name| (name.clone(), "failed".into())).collect()
}

/// Whether results can be sent there: an absolute http or https URL. Nothing is sent in this version.
pub fn is_webhook_url(text: &str) -> bool {
    let is_web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    text.len() <= URL_BYTES_MAX && Url::parse(text).is_ok_and(is_web)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_taken_from_an_array_of_objects() {
        let asked = json!([
            { "name": "remove-bg", "options": { "add_shadow": true } },
            { "name": "google-auto-tagging", "minConfidence": 80, "maxTags": 10 },
            { "name": "remove-bg" },
        ]);
        let names = names(&asked).unwrap();
        assert_eq!(names, ["remove-bg", "google-auto-tagging"]);
        let failed = json!({ "remove-bg": "failed", "google-auto-tagging": "failed" });
        assert_eq!(Value::from(statuses(&names)), failed);
        assert_eq!(super::names(&json!([])), Some(vec![]));
    }

    #[test]
    fn only_what_the_contract_knows_has_a_status() {
        let asked =
            json!([{ "name": "saved-extension", "id": "1" }, { "name": "x".repeat(1000) }, { "name": "ai-tasks" }]);
        assert_eq!(Value::from(statuses(&names(&asked).unwrap())), json!({ "ai-tasks": "failed" }));
    }

    #[test]
    fn anything_else_is_no_list_of_extensions() {
        let many = Value::from(vec![json!({ "name": "x" }); EXTENSIONS_MAX + 1]);
        for bad in [
            json!({}),
            json!("remove-bg"),
            json!([1]),
            json!([{}]),
            json!([{ "name": 1 }]),
            json!([{ "name": "" }]),
            many,
        ] {
            assert_eq!(names(&bad), None, "{bad}");
        }
    }

    #[test]
    fn results_go_to_web_addresses() {
        assert!(is_webhook_url("https://example.com/hook?x=1") && is_webhook_url("http://10.0.0.1:8080/"));
        for bad in ["", "example.com", "ftp://example.com/", "https://", "javascript:alert(1)"] {
            assert!(!is_webhook_url(bad), "{bad}");
        }
    }
}
