//! The line for the shell that makes a call, with the values of the recorded session.

use serde_json::Value;

use super::{Operation, is_open, text};
use crate::config::Settings;

/// Between the parts of a line that is too long for one.
const BREAK: &str = " \\\n  ";

/// Longer bodies are broken into lines, so that the page shows them whole.
const LINE_CHARS_MAX: usize = 48;

/// `curl` with everything the call needs. The key stays a variable.
pub fn line(found: &Operation, base: &str) -> String {
    let Operation { method, path, operation } = found;
    let mut parts = vec!["curl".to_owned()];
    if !is_open(operation) {
        parts[0].push_str(" -u \"$KEY:\"");
    }
    let content = operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next());
    let implied = if content.is_some() { "post" } else { "get" };
    if *method != implied {
        parts[0].push_str(&format!(" -X {}", method.to_uppercase()));
    }
    parts.push(quoted(&url(path, operation, base)));
    match content {
        Some((kind, content)) if kind == "multipart/form-data" => parts.extend(form(&content["example"])),
        Some((kind, content)) => {
            parts.push(format!("-H 'Content-Type: {kind}'"));
            // The session was recorded at the default address.
            parts.push(format!(
                "-d {}",
                quoted(&json(&content["example"]).replace(&Settings::default().public_url, base))
            ));
        }
        None if is_bytes(operation) => parts[0].push_str(" -fO"),
        None => {}
    }
    parts.join(BREAK)
}

/// Whether the answer is a file to keep, and nothing for a terminal.
fn is_bytes(operation: &Value) -> bool {
    operation["responses"]["200"]["content"].as_object().is_some_and(|kinds| kinds.keys().any(|kind| kind == "*/*"))
}

/// On one line if it is short.
fn json(body: &Value) -> String {
    let short = body.to_string();
    if short.len() <= LINE_CHARS_MAX {
        short
    } else {
        serde_json::to_string_pretty(body).unwrap_or(short).replace('\n', "\n  ")
    }
}

fn url(path: &str, operation: &Value, base: &str) -> String {
    let (mut path, mut query) = (path.to_owned(), url::form_urlencoded::Serializer::new(String::new()));
    let mut asks = false;
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = text(&parameter["name"]);
        let Some(example) = parameter.get("example") else { continue };
        let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match text(&parameter["in"]) {
            "path" => path = path.replace(&format!("{{{name}}}"), &value),
            "query" => {
                query.append_pair(name, &value);
                asks = true;
            }
            _ => {}
        }
    }
    // A slash means nothing in a query, and reads better as it is.
    let query = if asks { format!("?{}", query.finish().replace("%2F", "/")) } else { String::new() };
    format!("{base}{path}{query}")
}

fn form(example: &Value) -> impl Iterator<Item = String> {
    example.as_object().into_iter().flatten().map(|(name, value)| {
        let at = if name == "file" { "@" } else { "" };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // After `-F` curl takes quotes and semicolons for its own.
        let flag = if value.contains(['"', ';']) { "--form-string" } else { "-F" };
        format!("{flag} {}", quoted(&format!("{name}={at}{value}")))
    })
}

/// For a POSIX shell; what it takes as it is stays bare.
fn quoted(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "/:.,_-@=%+".contains(c);
    if text.chars().all(bare) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        let body = json!({ "content": { "application/json": { "example": { "name": "it's $HOME" } } } });
        let parameters = json!([{ "name": "id", "in": "path", "example": "7" }, { "name": "path", "in": "query", "example": "/a b&c" }]);
        let operation = json!({ "requestBody": body, "parameters": parameters });
        let found = Operation { method: "put", path: "/x/{id}", operation: &operation };
        let expected = r#"curl -u "$KEY:" -X PUT \
  'http://h/x/7?path=/a+b%26c' \
  -H 'Content-Type: application/json' \
  -d '{"name":"it'\''s $HOME"}'"#;
        assert_eq!(line(&found, "http://h"), expected);
    }
}
