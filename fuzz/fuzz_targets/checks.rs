//! Upload checks. The input is the folder, the file's name and its size, and then the conditions, in four lines.
//!
//! Parentheses and repetition do not change the verdict, and what a condition says of names and sizes is so.

#![no_main]

use calotype::query::checks::{Upload, parse};
use calotype_fuzz::lines;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, json};

fuzz_target!(|data: &[u8]| {
    let Some([folder, file_name, size, checks]) = lines(data) else { return };
    let custom_metadata = Map::from_iter([("sku".to_owned(), json!(12)), ("kind".to_owned(), json!(["x", true]))]);
    let media_metadata = Map::from_iter([("Make".to_owned(), json!("Canon")), ("ISO".to_owned(), json!(200))]);
    let tags = ["red".to_owned(), "blue".to_owned()];
    let upload = Upload {
        folder,
        file_name,
        tags: &tags,
        is_private_file: false,
        use_unique_file_name: true,
        custom_metadata: &custom_metadata,
        size_bytes: size.parse().unwrap_or(1_048_576),
        mime: "image/png",
        width: Some(640),
        height: None,
        duration_s: None,
        media_metadata: &media_metadata,
    };
    let passes = |checks: &str| parse(checks).ok().map(|check| check.matches(&upload));
    if let Some(passed) = passes(checks).filter(|_| !checks.trim().is_empty()) {
        let (true_also, false_also) =
            (r#""request.useUniqueFileName" = "true""#, r#""request.isPrivateFile" = "true""#);
        for (same, verdict) in [
            (format!("({checks})"), passed),
            (format!("({checks}) AND ({checks})"), passed),
            (format!("({checks}) AND {true_also}"), passed),
            (format!("{false_also} OR ({checks})"), passed),
            (format!("{false_also} AND ({checks})"), false),
            (format!("({checks}) OR {true_also}"), true),
        ] {
            // It may be too long now, or nested too deep.
            assert!(passes(&same).is_none_or(|found| found == verdict), "{same}");
        }
    }
    facts_are_so(&upload, &passes);
});

/// Conditions that are made of the facts.
fn facts_are_so(upload: &Upload<'_>, passes: &dyn Fn(&str) -> Option<bool>) {
    let text = |text: &str| json!(text).to_string();
    let size = upload.size_bytes;
    for (checks, verdict) in [
        (format!(r#""request.fileName" = {}"#, text(upload.file_name)), true),
        (format!(r#""request.fileName" NOT = {}"#, text(upload.file_name)), false),
        (format!(r#""request.fileName" : {}"#, text(upload.file_name)), true),
        (format!(r#""request.folder" = {}"#, text(upload.folder)), true),
        (format!(r#""request.folder" IN [{}, "x"]"#, text(upload.folder)), true),
        (format!(r#""file.size" <= "{size}" AND "file.size" >= "{size}""#), true),
        (format!(r#""file.size" < "{size}" OR "file.size" > "{size}""#), false),
    ] {
        assert!(passes(&checks).is_none_or(|found| found == verdict), "{checks}");
    }
}
