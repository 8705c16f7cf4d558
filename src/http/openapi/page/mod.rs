//! The document as a page: one article per operation, grouped by tag, with what it takes, what it answers, what it
//! refuses, and a line for the shell. Everything is in the HTML; the script only adds copying and filtering.

mod curl;
mod fields;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::document::{METHODS, is_open};
use super::refusals;

/// The page of a document. `base` is where clients reach this server, without a slash at the end.
pub fn page(document: &Value, base: &str) -> String {
    let info = &document["info"];
    let sections = sections(document);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(&info["title"])) " API" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="docs/docs.css";
                script src="docs/docs.js" defer {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (contents(info, &sections))
                main #content {
                    (introduction(document, base))
                    @for section in &sections { (self::section(document, section, base)) }
                    footer { p { (text(&info["title"])) " " (text(&info["version"])) ", " a href="openapi.json" { "OpenAPI 3.1" } } }
                }
            }
        }
    }
    .into_string()
}

/// An operation and where it is.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    operation: &'a Value,
}

struct Section<'a> {
    tag: &'a Value,
    operations: Vec<Operation<'a>>,
}

/// Operations by tag, both in the order of the document.
fn sections(document: &Value) -> Vec<Section<'_>> {
    let all = document["paths"].as_object().into_iter().flatten().flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| Some(Operation { method, path, operation: item.get(method)? }))
    });
    let mut all: Vec<_> = all.collect();
    let tags = document["tags"].as_array().into_iter().flatten();
    let sections = tags.map(|tag| {
        let (operations, others) = std::mem::take(&mut all)
            .into_iter()
            .partition(|found: &Operation| found.operation["tags"][0] == tag["name"]);
        all = others;
        Section { tag, operations }
    });
    sections.filter(|section| !section.operations.is_empty()).collect()
}

fn contents(info: &Value, sections: &[Section]) -> Markup {
    html! {
        header.side {
            a.brand href="#content" { span.mark aria-hidden="true" {} (text(&info["title"])) small { (text(&info["version"])) } }
            input #filter type="search" placeholder="Filter calls" aria-label="Filter calls" autocomplete="off" hidden;
            nav aria-label="Calls" {
                @for section in sections {
                    h2 { a href={ "#" (anchor(&section.tag["name"])) } { (text(&section.tag["name"])) } }
                    ul {
                        @for Operation { method, operation, path } in &section.operations {
                            li data-words={ (path) " " (text(&operation["summary"])) } {
                                a href={ "#" (text(&operation["operationId"])) } { (text(&operation["summary"])) (badge(method)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn introduction(document: &Value, base: &str) -> Markup {
    let rows = shared_refusals();
    html! {
        section.intro {
            h1 { (text(&document["info"]["title"])) " API" }
            (prose(&document["info"]["description"]))
            div.setup {
                p { "This server is at " code { (base) } ". The lines for the shell below take the private key from a variable:" }
                (shell("KEY=private_…"))
                p { "They were run against another library, in an order of their own: put your ids and paths in their place." }
            }
            details.more {
                summary { "What every call may refuse" }
                (refusal_table(&rows))
            }
        }
    }
}

fn section(document: &Value, section: &Section, base: &str) -> Markup {
    html! {
        section.tag id=(anchor(&section.tag["name"])) {
            h2 { (text(&section.tag["name"])) }
            (prose(&section.tag["description"]))
            @for operation in &section.operations { (article(document, operation, base)) }
        }
    }
}

fn article(document: &Value, found: &Operation, base: &str) -> Markup {
    let Operation { method, path, operation } = found;
    let id = text(&operation["operationId"]);
    html! {
        article id=(id) {
            div.text {
                h3 { a href={ "#" (id) } { (text(&operation["summary"])) } }
                p.route { (badge(method)) code { (path_parts(path)) } @if is_open(operation) { span.open { "no key" } } }
                (prose(&operation["description"]))
                (fields::parameters(document, operation))
                (fields::body(document, operation))
                (answers(document, operation))
                (refusals_of(operation))
            }
            aside {
                (shell(&curl::line(found, base)))
                @if let Some(answer) = example(operation) { figure.answer { figcaption { "Answer" } pre { (fields::json(answer)) } } }
            }
        }
    }
}

fn answers(document: &Value, operation: &Value) -> Markup {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let good = responses.filter(|(status, _)| status.as_str() < "400");
    html! {
        h4 { "Answers" }
        @for (status, response) in good {
            div.reply {
                p { b.status { (status) } " " (line(&response["description"])) }
                (fields::of_content(document, response, "Fields"))
            }
        }
    }
}

/// What this call refuses beyond what every call does.
fn refusals_of(operation: &Value) -> Markup {
    let shared = shared_refusals();
    let responses = operation["responses"].as_object().into_iter().flatten();
    let own = responses.filter(|(status, response)| status.as_str() >= "400" && response.get("$ref").is_none());
    let rows = own.flat_map(|(status, response)| refused(status, response));
    let rows: Vec<_> = rows.filter(|row| !shared.contains(row)).collect();
    html! {
        @if !rows.is_empty() {
            details.more { summary { "Refusals " span.count { (rows.len()) } } (refusal_table(&rows)) }
        }
    }
}

/// What calls have in common: told once, at the top.
fn shared_refusals() -> Vec<Refused> {
    let all =
        [refusals::of_every_call(), refusals::of_every_body(), refusals::of_every_write(), refusals::of_the_server()];
    let all = all
        .into_iter()
        .flatten()
        .map(|(status, response)| (status, serde_json::to_value(response).unwrap_or_default()));
    all.flat_map(|(status, response)| refused(&status, &response)).collect()
}

/// One line of a table of refusals.
#[derive(PartialEq)]
struct Refused {
    status: String,
    reason: String,
    message: String,
}

fn refused(status: &str, response: &Value) -> Vec<Refused> {
    let examples = response["content"]["application/json"]["examples"].as_object().into_iter().flatten();
    let mut rows: Vec<_> = examples
        .map(|(_, example)| &example["value"])
        .map(|body| Refused {
            status: status.to_owned(),
            reason: text(&body["reason"]).to_owned(),
            message: text(&body["message"]).to_owned(),
        })
        .collect();
    if rows.is_empty() {
        rows.push(Refused {
            status: status.to_owned(),
            reason: String::new(),
            message: text(&response["description"]).to_owned(),
        });
    }
    rows
}

fn refusal_table(rows: &[Refused]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { th { "Status" } th { "Message" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { b.status.bad { (row.status) } }
                            td { (row.message) @if !row.reason.is_empty() { " " code.reason { (row.reason) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The recorded answer.
fn example(operation: &Value) -> Option<&Value> {
    let responses = operation["responses"].as_object()?;
    responses
        .values()
        .find_map(|response| response["content"].as_object()?.values().find_map(|content| content.get("example")))
}

/// Something to copy into a shell.
fn shell(line: &str) -> Markup {
    html! { figure.shell { button type="button" hidden { "Copy" } pre { code { (line) } } } }
}

fn badge(method: &str) -> Markup {
    html! { span class={ "method " (method) } { (method.to_uppercase()) } }
}

/// A path with its variable parts told apart.
fn path_parts(path: &str) -> Markup {
    html! {
        @for part in path.split_inclusive('}') {
            @match part.split_once('{') {
                Some((fixed, name)) => { (fixed) var { "{" (name) } }
                None => (part),
            }
        }
    }
}

fn anchor(name: &Value) -> String {
    text(name).replace(' ', "-")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Markdown of our own, as paragraphs.
fn prose(value: &Value) -> Markup {
    let mut markup = String::new();
    pulldown_cmark::html::push_html(&mut markup, pulldown_cmark::Parser::new(text(value)));
    PreEscaped(markup)
}

/// Markdown of one paragraph, without the paragraph.
fn line(value: &Value) -> Markup {
    let PreEscaped(markup) = prose(value);
    let inner = markup.trim().strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    PreEscaped(inner.map_or(markup.clone(), str::to_owned))
}
