//! The upload parameter `checks`: the same operators over what is known of a request and its file before it is
//! stored. Both sides of a comparison are quoted, so quotes tell nothing about types here.
//!
//! An upload reads its `checks` with [`parse`] when the form is complete; an error is the contract's `Your request
//! contains invalid syntax for the checks parameter.` When the file's bytes are probed and nothing is
//! stored yet, it asks [`Check::matches`]; `false` is `Your request failed 'checks' validation.`

use serde_json::{Map, Value as Json};

use super::parser::{Op, Predicate, parse as parse_query};
use super::types::{Quotes, Type};
use super::{Expr, Facts, QueryError, Test, Value, format};
use crate::model::time::Millis;

use Op::{Equal, Exists, Greater, GreaterEqual, Has, In, Less, LessEqual, NotEqual, NotExists, NotIn, Prefix};

/// Everything but an order: texts have none.
const TEXT: &[Op] = &[Equal, Prefix, In, NotEqual, NotIn, Has, Exists, NotExists];
const NUMBER: &[Op] = &[Equal, Less, LessEqual, Greater, GreaterEqual, In, NotEqual, NotIn, Exists, NotExists];
const FLAG: &[Op] = &[Equal, NotEqual, In, NotIn];
const LOOSE: &[Op] =
    &[Equal, Prefix, In, NotEqual, NotIn, Has, Less, LessEqual, Greater, GreaterEqual, Exists, NotExists];

/// What is known of an upload.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// The `folder` parameter; slashes at its ends and runs of them do not matter.
    pub folder: &'a str,
    /// The `fileName` parameter.
    pub file_name: &'a str,
    pub tags: &'a [String],
    pub is_private_file: bool,
    pub use_unique_file_name: bool,
    /// The `customMetadata` parameter.
    pub custom_metadata: &'a Map<String, Json>,
    pub size_bytes: u64,
    /// As detected from the bytes.
    pub mime: &'a str,
    /// Pixels, of what has them.
    pub width: Option<u64>,
    pub height: Option<u64>,
    pub duration_s: Option<f64>,
    /// What the file says about itself: EXIF, IPTC, XMP by their keys.
    pub media_metadata: &'a Map<String, Json>,
}

/// A variable of `checks`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Variable {
    Folder,
    FileName,
    Tags,
    IsPrivateFile,
    UseUniqueFileName,
    CustomMetadata(String),
    Size,
    Mime,
    Format,
    Width,
    Height,
    Duration,
    MediaMetadata(String),
}

/// Conditions that an upload must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Check(Option<Expr<Test<Variable>>>);

/// Reads the parameter's value; a blank one asks for nothing.
pub fn parse(checks: &str) -> Result<Check, QueryError> {
    let Some(parsed) = parse_query(checks)? else { return Ok(Check(None)) };
    let expr = parsed.try_map(&mut |mut predicate: Predicate| {
        let Some((variable, of, ops)) = rule(&predicate.field) else {
            return Err(QueryError(format!("{} is not a variable of checks", predicate.field)));
        };
        if variable == Variable::Folder {
            predicate = with_plain_folders(predicate);
        }
        // What a file says is compared as text, dates too, so nothing is compared with now and any time will do.
        Test::new(&predicate, variable, of, ops, Quotes::Ignored, Millis(0))
    })?;
    Ok(Check(Some(expr)))
}

impl Check {
    /// Whether an upload passes.
    pub fn matches(&self, upload: &Upload<'_>) -> bool {
        self.0.as_ref().is_none_or(|expr| expr.matches(upload))
    }
}

fn rule(name: &str) -> Option<(Variable, Type, &'static [Op])> {
    Some(match name {
        "request.folder" => (Variable::Folder, Type::Text, TEXT),
        "request.fileName" => (Variable::FileName, Type::Text, TEXT),
        "request.tags" => (Variable::Tags, Type::Text, TEXT),
        "request.isPrivateFile" => (Variable::IsPrivateFile, Type::Flag, FLAG),
        "request.useUniqueFileName" => (Variable::UseUniqueFileName, Type::Flag, FLAG),
        "file.size" => (Variable::Size, Type::Size, NUMBER),
        "file.mime" => (Variable::Mime, Type::Text, TEXT),
        "file.format" => (Variable::Format, Type::Format, TEXT),
        "file.width" => (Variable::Width, Type::Number, NUMBER),
        "file.height" => (Variable::Height, Type::Number, NUMBER),
        "file.duration" => (Variable::Duration, Type::Number, NUMBER),
        _ => {
            let custom =
                name.strip_prefix("request.customMetadata.").map(|key| Variable::CustomMetadata(key.to_owned()));
            let media = name.strip_prefix("mediaMetadata.").map(|key| Variable::MediaMetadata(key.to_owned()));
            (custom.or(media)?, Type::Loose, LOOSE)
        }
    })
}

/// Folders are compared without the slash in front, and runs of slashes count once, as in paths.
fn with_plain_folders(mut predicate: Predicate) -> Predicate {
    use super::parser::Operand;
    let trim = |scalar: &mut super::parser::Scalar| scalar.text = plain_folder(&scalar.text);
    match &mut predicate.operand {
        Operand::None => {}
        Operand::One(scalar) => trim(scalar),
        Operand::List(list) => list.iter_mut().for_each(trim),
    }
    predicate
}

fn plain_folder(text: &str) -> String {
    let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
    let end = if text.ends_with('/') && !names.is_empty() { "/" } else { "" };
    names.join("/") + end
}

impl Facts<Variable> for Upload<'_> {
    fn value(&self, variable: &Variable) -> Value<'_> {
        // Pixels and bytes stay far below what a float holds exactly.
        let number = |number: Option<u64>| number.map_or(Value::Missing, |number| Value::Number(number as f64));
        let stored =
            |map: &Map<String, Json>, key: &str| map.get(key).map_or(Value::Missing, |v| Value::Json(v.clone()));
        match variable {
            Variable::Folder => {
                let folder = plain_folder(self.folder.trim_end_matches('/'));
                Value::Texts(vec![format!("{folder}/").into(), folder.into()])
            }
            Variable::FileName => Value::Text(self.file_name.into()),
            Variable::Tags => Value::Texts(self.tags.iter().map(|tag| tag.into()).collect()),
            Variable::IsPrivateFile => Value::Flag(self.is_private_file),
            Variable::UseUniqueFileName => Value::Flag(self.use_unique_file_name),
            Variable::CustomMetadata(key) => stored(self.custom_metadata, key),
            Variable::Size => Value::Number(self.size_bytes as f64),
            Variable::Mime => Value::Text(self.mime.into()),
            Variable::Format => Value::Text(format::of(self.mime, self.file_name).into()),
            Variable::Width => number(self.width),
            Variable::Height => number(self.height),
            Variable::Duration => self.duration_s.map_or(Value::Missing, Value::Number),
            Variable::MediaMetadata(key) => stored(self.media_metadata, key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn passes(checks: &str) -> bool {
        let object = |json: Json| json.as_object().cloned().unwrap();
        let (custom, media) =
            (object(json!({ "sku": 12, "kind": "x" })), object(json!({ "Make": "Canon", "ISO": 200 })));
        let tags = ["red".to_owned(), "blue".to_owned()];
        let upload = Upload {
            folder: "/marketing/2026/",
            file_name: "a b.PNG",
            tags: &tags,
            is_private_file: false,
            use_unique_file_name: true,
            custom_metadata: &custom,
            size_bytes: 1_048_576,
            mime: "image/png",
            width: Some(640),
            height: Some(480),
            duration_s: None,
            media_metadata: &media,
        };
        parse(checks).unwrap_or_else(|error| panic!("{checks}: {error}")).matches(&upload)
    }

    #[test]
    fn uploads_pass_or_fail() {
        for (checks, expected) in [
            ("", true),
            (r#""request.folder" : "marketing/""#, true),
            (r#""request.folder" : "/marketing/""#, true),
            (r#""request.folder" : "market/""#, false),
            (r#""request.folder" = "marketing/2026""#, true),
            (r#""request.folder" = "marketing/2026/""#, true),
            (r#""request.folder" = "marketing""#, false),
            (r#""request.folder" = "//marketing//2026//""#, true),
            (r#""request.folder" NOT = "/marketing/2026/""#, false),
            (r#""request.folder" IN ["/x", "/marketing/2026"]"#, true),
            ("'file.size' < '1mb'", false),
            ("'file.size' <= '1mb'", true),
            ("'file.size' = '1048576'", true),
            (r#""file.size" > 1000 AND "file.size" < "2 MB""#, true),
            (r#""file.mime" IN ["image/png", "image/jpeg"]"#, true),
            (r#""file.mime" : "image/""#, true),
            (r#""file.format" = "PNG""#, true),
            (r#""file.width" > "500" AND "file.height" < "500""#, true),
            (r#""file.duration" < "10""#, false),
            (r#""file.duration" NOT EXISTS"#, true),
            (r#""request.tags" IN ["red"]"#, true),
            (r#""request.tags" NOT IN ["red"]"#, false),
            (r#""request.fileName" HAS "png""#, true),
            (r#""request.isPrivateFile" = "false""#, true),
            (r#""request.useUniqueFileName" = "false""#, false),
            (r#""request.customMetadata.sku" = "12""#, true),
            (r#""request.customMetadata.sku" > "11""#, true),
            (r#""request.customMetadata.kind" = "x""#, true),
            (r#""request.customMetadata.none" = "x""#, false),
            (r#""mediaMetadata.Make" = "Canon" OR "file.size" < "1""#, true),
            (r#"("mediaMetadata.ISO" >= "400" OR "file.width" = "640") AND "file.height" = "480""#, true),
        ] {
            assert_eq!(passes(checks), expected, "{checks}");
        }
    }

    #[test]
    fn others_are_no_checks() {
        for checks in [
            "x",
            r#""file.size" <"#,
            r#""file.size" < "big""#,
            r#""file.width" < "1mb""#,
            r#""request.isPrivateFile" = "maybe""#,
            r#""request.fileName" < "b""#,
            r#""name" = "b""#,
            r#""request.nothing" = "b""#,
            r#"("file.size" < "1mb""#,
        ] {
            assert!(parse(checks).is_err(), "{checks}");
        }
    }
}
