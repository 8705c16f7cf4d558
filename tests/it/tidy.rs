//! The repository looks at itself: rules that a compiler does not know, checked on the source as text.
//!
//! A rule is a function from a path and a text to what is wrong there. Adding one means adding it to [`RULES`] and an
//! example it must catch to [`EXAMPLES`]. Rules look at names as they stand in the code, comments and strings left out;
//! they catch what happens by accident, not somebody who wants to get round them.

use std::fs;
use std::path::Path;

type Rule = fn(path: &str, text: &str) -> Vec<String>;

/// Checked on every Rust file of `src`, `tests` and `benches`.
const RULES: &[Rule] = &[begins_with_a_story, uses_only_what_it_may, leaves_no_notes, has_a_name, is_short];

/// Checked where a reader starts.
const DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// How the paths of a folder's files begin, with exceptions; what their code must not use; and why.
const FORBIDDEN: &[(&str, &[&str], &[&str], &str)] = &[
    // Layers: each knows only those below it. The model may derive `sqlx::Type`, for how a plain number is stored.
    ("src/model", &[], &["use sqlx", "sqlx::FromRow", "crate::store", "crate::blobs"], "the model is plain types"),
    ("src/model", &[], ABOVE_STORE, "the model is plain types"),
    ("src/query", &[], &["sqlx", "axum", "crate::store", "crate::library"], "the language is pure"),
    ("src/store", &[], ABOVE_STORE, "the store knows rows, not who asks for them"),
    ("src/blobs", &[], ABOVE_STORE, "blobs know bytes, not who asks for them"),
    ("src/tree", &[], &["axum", "crate::jobs", "crate::library"], "the tree does not know who changes it"),
    ("src/", TOP, &["crate::http", "crate::cli"], "only the top knows how the library is asked"),
    // One place for each.
    (
        "src/",
        &["src/store"],
        &["sqlx::query", "sqlx::raw_sql", "query_as", "query_scalar", "rusqlite::Connection"],
        "SQL lives in src/store",
    ),
    ("", &["src/model/time.rs"], &["SystemTime::now"], "time is an argument; the one clock is in src/model/time.rs"),
    ("", &[], &["todo!", "unimplemented!", "dbg!"], "unfinished"),
];
const ABOVE_STORE: &[&str] = &["axum", "crate::tree", "crate::jobs", "crate::library"];
const TOP: &[&str] = &["src/http", "src/cli", "src/main.rs", "src/lib.rs"];

/// A file that outgrows this holds two subjects.
const FILE_LINES_MAX: usize = 500;

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (path, text) in rust_files(root) {
        wrong.extend(RULES.iter().flat_map(|rule| rule(&path, &text)));
    }
    for path in DOCUMENTS {
        match fs::read_to_string(root.join(path)) {
            Ok(text) => wrong.extend(dead_links(path, &text, |target| root.join(target).exists())),
            Err(error) => wrong.push(format!("{path}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "not tidy:\n{}", wrong.join("\n"));
}

/// Told, not judged: `cargo test longest_functions -- --nocapture`.
#[test]
fn longest_functions() {
    let files = rust_files(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut found: Vec<_> = files.iter().flat_map(|(path, text)| functions(path, text)).collect();
    found.sort_by(|a, b| b.cmp(a));
    for (lines, place) in found.iter().take(10) {
        println!("{lines:5} lines  {place}");
    }
}

// ---- The rules ------------------------------------------------------------------------------------------------------

fn begins_with_a_story(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//!") { vec![] } else { vec![format!("{path}: begins without `//!` to say what it is for")] }
}

fn uses_only_what_it_may(path: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let begins = |prefix: &&str| path.starts_with(prefix);
    let apply = FORBIDDEN.iter().filter(|(folder, except, ..)| begins(folder) && !except.iter().any(begins));
    apply.flat_map(|(_, _, names, why)| names.iter().flat_map(|name| lines_with(path, &code, name, why))).collect()
}

/// In comments too: a note to oneself is either done or said in prose, as what is deliberately absent.
fn leaves_no_notes(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file does not catch itself.
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME")];
    notes.iter().flat_map(|note| lines_with(path, text, note, "do it, or say what is absent and why")).collect()
}

fn has_a_name(path: &str, _text: &str) -> Vec<String> {
    let nameless = |part: &str| matches!(part.trim_end_matches(".rs"), "util" | "utils" | "helper" | "helpers");
    if path.split('/').any(nameless) { vec![format!("{path}: a file is a noun, not a drawer")] } else { vec![] }
}

fn is_short(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX { vec![format!("{path}: {lines} lines, which is two files")] } else { vec![] }
}

/// Relative links in Markdown, `[text](target)`, that lead nowhere. Anchors are not followed.
fn dead_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let files = targets.filter(|to| !to.contains("://") && !to.starts_with("mailto:")).map(|to| to.split('#').next());
    let dead = files.flatten().filter(|file| !file.is_empty() && !exists(file));
    dead.map(|file| format!("{path}: links to {file}, which does not exist")).collect()
}

// ---- Reading source -------------------------------------------------------------------------------------------------

/// Every Rust file as its path from the root, with `/`, and its text; sorted.
fn rust_files(root: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root.join("src"), root.join("tests"), root.join("benches")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Lines that use `name`, or a name that goes on from there.
fn lines_with(path: &str, text: &str, name: &str, why: &str) -> Vec<String> {
    let found = |line: &str| line.match_indices(name).any(|(at, _)| !line[..at].ends_with(is_name_char));
    let lines = text.lines().enumerate().filter(|(_, line)| found(line));
    lines.map(|(index, _)| format!("{path}:{}: {name}: {why}", index + 1)).collect()
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with comments and the insides of strings and character literals taken out; lines stay where they are.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => end_of(rest, 2, "*/"),
            'r' if !code.ends_with(is_name_char) || code.ends_with('b') => raw_string_chars(rest),
            '"' => quoted_chars(rest, '"'),
            // A lifetime has no second quote where a character's would be.
            '\'' if rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'') => quoted_chars(rest, '\''),
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length of the raw string that `rest` begins with, or 0.
fn raw_string_chars(rest: &str) -> usize {
    let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    end_of(rest, hashes + 2, &format!("\"{}", "#".repeat(hashes)))
}

fn end_of(rest: &str, from: usize, end: &str) -> usize {
    rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
}

fn quoted_chars(rest: &str, quote: char) -> usize {
    let mut escaped = true; // the opening quote does not close
    for (at, c) in rest.char_indices() {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// The functions of a file: how many lines each has, and where.
fn functions(path: &str, text: &str) -> Vec<(usize, String)> {
    let code = code_only(text);
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_name_char));
    let measure = |(at, _): (usize, &str)| {
        let name: String = code[at + 3..].chars().take_while(|c| is_name_char(*c)).collect();
        let place = format!("{path}:{} {name}", code[..at].matches('\n').count() + 1);
        (body_lines(&code[at..]), place)
    };
    starts.map(measure).collect()
}

/// Lines from the beginning of `code` to the brace that closes its first block; 1 for a declaration without a body.
fn body_lines(code: &str) -> usize {
    let (mut braces, mut brackets, mut lines) = (0, 0, 1);
    for c in code.chars() {
        match c {
            '\n' => lines += 1,
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets -= 1,
            ';' if braces == 0 && brackets == 0 => return 1,
            '{' => braces += 1,
            '}' if braces == 1 => return lines,
            '}' => braces -= 1,
            _ => {}
        }
    }
    lines
}

// ---- The rules' own tests -------------------------------------------------------------------------------------------

/// A rule, a path, a text that it must catch there, and one that it must let pass.
const EXAMPLES: &[(Rule, &str, &str, &str)] = &[
    (begins_with_a_story, "src/a.rs", "use b;", "//! A.\nuse b;"),
    (uses_only_what_it_may, "src/model/a.rs", "use sqlx::Row;", "#[derive(sqlx::Type)] // no axum here"),
    (uses_only_what_it_may, "src/store/a.rs", "use axum::Json;", "let a = \"axum\";"),
    (uses_only_what_it_may, "src/tree/clone.rs", "crate::jobs::wake();", "crate::store::jobs::wake();"),
    (uses_only_what_it_may, "src/jobs/a.rs", "use crate::http::reply;", "/* crate::http */"),
    (uses_only_what_it_may, "src/http/a.rs", "sqlx::query_as!(A, s)", "let a = r#\"sqlx::query\"#;"),
    (uses_only_what_it_may, "src/library/a.rs", "use sqlx::{Row, query_scalar};", "store::job_by_id(tx)"),
    (uses_only_what_it_may, "tests/it/a.rs", "let t = std::time::SystemTime::now();", "Instant::now()"),
    (uses_only_what_it_may, "src/a.rs", "fn a() { todo!() }", "methodo!(\"dbg!\")"),
    (leaves_no_notes, "src/a.rs", concat!("// TO", "DO: later"), "// Deliberately absent: b."),
];

#[test]
fn rules_catch_what_they_are_for() {
    for (rule, path, bad, good) in EXAMPLES {
        assert!(!rule(path, bad).is_empty(), "not caught in {path}: {bad}");
        assert_eq!(rule(path, good), Vec::<String>::new(), "caught in {path}: {good}");
    }
    let drawers = ["src/http/utils.rs", "src/helper/mod.rs", "src/utility.rs"].map(|path| has_a_name(path, "").len());
    assert_eq!(drawers, [1, 1, 0]);
    assert_eq!(is_short("src/a.rs", &"\n".repeat(FILE_LINES_MAX + 1)).len(), 1);
    let links = "[a](a.md) [b](b.md#c) [c](https://example.com) [d](#d) [e](e.md)";
    assert_eq!(dead_links("README.md", links, |to| to != "b.md"), ["README.md: links to b.md, which does not exist"]);
}

#[test]
fn functions_are_measured_by_their_braces() {
    let text = "fn one() {}\nfn two<'a>(_: &'a [u8; 2]) -> char {\n    '{'\n}\ntrait A {\n    fn none();\n}\n\
                fn four() {\n    // }\n    let a = r#\"}\"}\"#;\n    b(\"\\\"}\", '\\'', b'{', \"}\\\\\")\n}\n";
    let found: Vec<_> = functions("a.rs", text).into_iter().map(|(lines, place)| format!("{lines} {place}")).collect();
    assert_eq!(found, ["1 a.rs:1 one", "3 a.rs:2 two", "1 a.rs:6 none", "5 a.rs:8 four"]);
}
