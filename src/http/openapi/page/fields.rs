//! Parameters, bodies and schemas as lists of fields, and JSON in colours.

use maud::{Markup, html};
use serde_json::Value;

use super::{line, text};

/// Objects in objects that are shown; no schema of ours goes deeper.
const DEPTH_MAX: usize = 4;

/// The parameters in path, query and headers.
pub fn parameters(document: &Value, operation: &Value) -> Markup {
    let parameters: Vec<_> = operation["parameters"].as_array().into_iter().flatten().collect();
    html! {
        @if !parameters.is_empty() {
            h4 { "Parameters" }
            dl.fields {
                @for parameter in parameters {
                    (parameter_row(document, parameter))
                }
            }
        }
    }
}

/// The fields of the body.
pub fn body(document: &Value, operation: &Value) -> Markup {
    let content = operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next());
    html! {
        @if let Some((kind, content)) = content {
            h4 { "Body " span.kind { (kind) } }
            (object(document, &content["schema"], Side::Request, 0))
        }
    }
}

fn parameter_row(document: &Value, parameter: &Value) -> Markup {
    // A path cannot lack one of its parts, so that is not worth a word.
    let place = Some(text(&parameter["in"])).filter(|place| *place != "path");
    let note = if place.is_some() && parameter["required"] == true { "required" } else { "" };
    html! {
        dt {
            code { (text(&parameter["name"])) } " " span.type { (type_of(document, &parameter["schema"])) }
            @if let Some(place) = place { " " span.place { (place) } }
            " " span.note { (note) }
        }
        dd { (says(document, &parameter["schema"], &parameter["description"])) }
    }
}

/// What an answer holds, folded; nothing when it holds nothing.
pub fn of_content(document: &Value, response: &Value, title: &str) -> Markup {
    let schema = response["content"].as_object().and_then(|all| all.values().next()).map(|content| &content["schema"]);
    html! {
        @if let Some(schema) = schema {
            @let variants = variants(document, schema);
            @for (name, variant) in &variants {
                @if has_fields(document, variant) {
                    details.more { summary { (title) @if variants.len() > 1 { " of a " (name) } } (object(document, variant, Side::Answer, 0)) }
                }
            }
        }
    }
}

/// The objects that a schema may stand for: the items of a list, the branches of a choice.
fn variants<'a>(document: &'a Value, schema: &'a Value) -> Vec<(String, &'a Value)> {
    let schema = resolved(document, schema);
    if let Some(items) = schema.get("items") {
        return variants(document, items);
    }
    match schema["oneOf"].as_array() {
        Some(branches) => branches.iter().map(|branch| (name_of(branch), branch)).collect(),
        None => vec![(String::new(), schema)],
    }
}

/// Who sends an object: a client must send what is required, and finds some keys in some answers only.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Answer,
}

fn object(document: &Value, schema: &Value, side: Side, depth: usize) -> Markup {
    let parts = parts(document, schema);
    let required = |name: &str| {
        let mut names = parts.iter().flat_map(|part| part["required"].as_array().into_iter().flatten());
        names.any(|found| found == name)
    };
    html! {
        dl.fields {
            @for (name, schema) in parts.iter().flat_map(|part| part["properties"].as_object().into_iter().flatten()) {
                dt {
                    code { (name) } " " span.type { (type_of(document, schema)) } " "
                    @match (side, required(name)) {
                        (Side::Request, true) => span.note { "required" },
                        (Side::Answer, false) => span.place { "optional" },
                        _ => {},
                    }
                }
                dd {
                    (says(document, schema, &schema["description"]))
                    @for inner in objects_in(document, schema, depth) { (object(document, inner, side, depth + 1)) }
                }
            }
        }
    }
}

fn says(document: &Value, schema: &Value, description: &Value) -> Markup {
    let default = schema.get("default").or_else(|| resolved(document, schema).get("default"));
    html! {
        @if !description.is_null() { (line(description)) " " }
        @if let Some(default) = default { span.default { "Default: " code { (plain(default)) } } }
    }
}

/// The objects that a field holds.
fn objects_in<'a>(document: &'a Value, schema: &'a Value, depth: usize) -> Vec<&'a Value> {
    let all = variants(document, schema).into_iter().map(|(_, inner)| resolved(document, inner));
    all.filter(|inner| depth < DEPTH_MAX && has_fields(document, inner)).collect()
}

fn has_fields(document: &Value, schema: &Value) -> bool {
    parts(document, schema).iter().any(|part| part["properties"].is_object())
}

/// The schemas that an object is composed of, itself if it is of one piece.
fn parts<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(document, schema);
    match schema["allOf"].as_array() {
        Some(all) => all.iter().rev().flat_map(|part| parts(document, part)).collect(),
        None => vec![schema],
    }
}

/// The type in words, with what bounds it.
fn type_of(document: &Value, schema: &Value) -> String {
    let at = resolved(document, schema);
    if let Some(choice) = at["oneOf"].as_array() {
        return choice.iter().map(|branch| type_of(document, branch)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = at["enum"].as_array() {
        return values.iter().map(plain).collect::<Vec<_>>().join(" | ");
    }
    let mut words: Vec<String> = match &at["type"] {
        Value::Array(types) => types.iter().map(|kind| text(kind).to_owned()).collect(),
        kind => vec![text(kind).to_owned()],
    };
    for word in &mut words {
        let better = match (word.as_str(), text(&at["format"])) {
            ("array", _) => format!("list of {}", type_of(document, &at["items"])),
            ("string", "binary") => "file".into(),
            ("string", "date-time") => "time".into(),
            ("string", "uri") => "URL".into(),
            ("string", _) if text(&at["pattern"]).contains("{24}") => "id".into(),
            (other, _) => other.to_owned(),
        };
        *word = better;
    }
    let bounds = match (at.get("minimum"), at.get("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", from {least}"),
        _ => String::new(),
    };
    words.join(" or ") + &bounds
}

/// What a reference stands for, or the schema itself.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if schema.get("$ref").is_some() { &document["components"]["schemas"][name_of(schema)] } else { schema }
}

fn name_of(schema: &Value) -> String {
    text(&schema["$ref"]).rsplit('/').next().unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// JSON, indented, with a class for each kind of value.
pub fn json(value: &Value) -> Markup {
    html! { code.json { (json_at(value, 0)) } }
}

fn json_at(value: &Value, depth: usize) -> Markup {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::Object(map) if !map.is_empty() => html! {
            "{\n"
            @for (index, (key, value)) in map.iter().enumerate() {
                (inner) span.key { (Value::from(key.as_str())) } ": " (json_at(value, depth + 1)) (comma(index, map.len()))
            }
            (outer) "}"
        },
        Value::Array(items) if !items.is_empty() => html! {
            "[\n"
            @for (index, item) in items.iter().enumerate() {
                (inner) (json_at(item, depth + 1)) (comma(index, items.len()))
            }
            (outer) "]"
        },
        Value::String(_) => html! { span.string { (value) } },
        _ => html! { span.atom { (value) } },
    }
}

fn comma(index: usize, count: usize) -> &'static str {
    if index + 1 < count { ",\n" } else { "\n" }
}
