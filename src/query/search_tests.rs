//! The test matrix of the language, on a file and a folder in memory.

use std::collections::HashMap;

use serde_json::json;

use super::*;

/// 2024-03-31T12:00:00.500Z
const NOW: Millis = Millis(1_711_886_400_500);

/// An asset of a few fields; the others are missing.
struct Sample(Vec<(Field, Value<'static>)>);

impl Facts<Field> for Sample {
    fn value(&self, field: &Field) -> Value<'_> {
        self.0.iter().find(|(known, _)| known == field).map_or(Value::Missing, |(_, value)| value.clone())
    }
}

fn customs(name: &str) -> Option<Kind> {
    let kinds = [
        ("text", Kind::Text),
        ("area", Kind::Textarea),
        ("number", Kind::Number),
        ("date", Kind::Date),
        ("flag", Kind::Boolean),
        ("one", Kind::SingleSelect),
        ("level", Kind::SingleSelect),
        ("tuple", Kind::MultiSelect),
        ("none", Kind::Text),
        ("wrong", Kind::Number),
    ];
    HashMap::from(kinds).remove(name)
}

fn search(query: &str) -> Search {
    let parsed = Search::parse(query, &customs, NOW);
    parsed.unwrap_or_else(|error| panic!("{query}: {error}")).unwrap_or_else(|| panic!("{query} is blank"))
}

fn refusal(query: &str) -> String {
    Search::parse(query, &customs, NOW).map(|_| panic!("{query} is accepted")).unwrap_err().to_string()
}

fn file() -> Sample {
    let embedded = |key: &str, value| (Field::Embedded(key.into()), Value::Json(value));
    let custom = |key: &str, value| (Field::Custom(key.into()), Value::Json(value));
    Sample(vec![
        (Field::Kind, Value::Text("file".into())),
        (Field::Name, Value::Text("red-dress-summer.jpg".into())),
        (Field::Path, Value::Text("/sales/2020".into())),
        (Field::Tags, Value::Texts(vec!["summer-sale".into(), "AI".into()])),
        (Field::Id, Value::Text("00c0ffee00000000000000ff".into())),
        (Field::Created, Value::Time(Millis(NOW.0 - 3_600_000))),
        (Field::Updated, Value::Time(Millis(NOW.0))),
        (Field::Height, Value::Number(400.0)),
        (Field::Width, Value::Number(600.0)),
        (Field::Size, Value::Number(1024.0)),
        (Field::Format, Value::Text("jpg".into())),
        (Field::Private, Value::Flag(false)),
        (Field::Published, Value::Flag(true)),
        (Field::Transparency, Value::Flag(false)),
        (Field::Description, Value::Text("A red dress".into())),
        embedded("Keywords", json!(["beach", "sun"])),
        embedded("DateTimeOriginal", json!("2020:05:06 07:08:09")),
        embedded("LocationTaken", json!("40.01,100.01")),
        embedded("ISO", json!(200)),
        embedded("Make", json!("Canon")),
        custom("text", json!("Wool and silk")),
        custom("area", json!("")),
        custom("number", json!(4.5)),
        custom("date", json!("2024-03-01T00:00:00.000Z")),
        custom("flag", json!(true)),
        custom("one", json!("luxury")),
        custom("level", json!(3)),
        custom("tuple", json!(["luxury", 500, true])),
        custom("wrong", json!("4.5")),
    ])
}

fn folder() -> Sample {
    Sample(vec![
        (Field::Kind, Value::Text("folder".into())),
        (Field::Name, Value::Text("über".into())),
        (Field::Path, Value::Text("/".into())),
        (Field::Created, Value::Time(NOW)),
    ])
}

#[test]
fn a_file_matches() {
    for query in [
        r#"name = "red-dress-summer.jpg""#,
        r#"name : "red-""#,
        r#"name: """#,
        r#"name NOT = "a.jpg""#,
        r#"name != 'a.jpg'"#,
        r#"name IN ["x", "red-dress-summer.jpg"]"#,
        r#"name NOT IN ["x"]"#,
        r#"name HAS "DRESS red""#,
        r#"name HAS "red summ""#,
        r#""name" = "red-dress-summer.jpg""#,
        r#"path = "/sales/2020""#,
        r#"path = "sales/2020/""#,
        r#"path : "/sales""#,
        r#"path : "/""#,
        r#"path : "/sales/2020""#,
        r#"path NOT = "/sales""#,
        r#"path IN ["/x", "//sales//2020"]"#,
        r#"tags IN ["AI", "x"]"#,
        r#"tags NOT IN ["x"]"#,
        "tags EXISTS",
        r#"tags HAS "sale summer""#,
        r#"type = "file""#,
        r#"type IN ["file", "file-version"]"#,
        r#"type NOT = "folder""#,
        r#"id = "00c0ffee00000000000000ff""#,
        r#"createdAt > "2h""#,
        r#"createdAt < 0h"#,
        "createdAt = 1h",
        "createdAt <= 2024-03-31T11:00:00.500Z AND createdAt >= '2024-03-31T11:00:00.500'",
        "createdAt > 2024-03-31",
        r#"updatedAt IN ["2024-03-31T12:00:00.500Z"]"#,
        "width > 500 AND height<=400",
        "width IN [599, 600]",
        "width NOT = 5",
        r#"size <= "1kb" AND size >= "1 KB" AND size = 1024 AND size > 1023.5"#,
        "size < 10kb",
        r#"format = "jpeg""#,
        "format = JPG",
        r#"format NOT IN ["png"]"#,
        "private = false",
        "published = TRUE",
        "transparency = false",
        r#"createdBy NOT = "a@example.com""#,
        r#"description HAS "dress""#,
        "description EXISTS",
        r#""embeddedMetadata.Keywords" IN ["sun"]"#,
        r#""embeddedMetadata.Keywords" NOT IN ["su"]"#,
        r#""embeddedMetadata.DateTimeOriginal" > "2020-05-06T07:08:08""#,
        r#""embeddedMetadata.LocationTaken" = "40,100 5km""#,
        r#""embeddedMetadata.LocationTaken" = "40,100|50,105""#,
        r#""embeddedMetadata.LocationTaken" EXISTS"#,
        r#""embeddedMetadata.ISO" = "200""#,
        r#"embeddedMetadata.Make : "Can""#,
        r#""embeddedMetadata.Nothing" NOT EXISTS"#,
        r#""customMetadata.text" : "Wool""#,
        r#""customMetadata.text" HAS "silk wool""#,
        r#"customMetadata.area NOT EXISTS"#,
        r#""customMetadata.number" > 4 AND "customMetadata.number" = 4.5"#,
        r#""customMetadata.date" >= "1m""#,
        r#""customMetadata.flag" = true"#,
        r#""customMetadata.one" = "luxury""#,
        r#""customMetadata.one" : "lux""#,
        r#""customMetadata.level" >= 3"#,
        r#""customMetadata.tuple" IN ["x", 500]"#,
        r#""customMetadata.tuple" IN ["x", true]"#,
        r#""customMetadata.tuple" NOT IN ["500", false]"#,
        r#""customMetadata.none" NOT = "x""#,
        r#""customMetadata.wrong" NOT = 4.5"#,
        "(size < 10 OR width > 500) AND private = false",
        "width > 500 OR height > 500 AND format = \"png\"",
    ] {
        assert!(search(query).matches(&file()), "{query}");
    }
}

#[test]
fn a_file_does_not_match() {
    for query in [
        r#"name = "Red-dress-summer.jpg""#,
        r#"name : "Red""#,
        r#"name HAS "dre red""#,
        r#"name NOT = "red-dress-summer.jpg""#,
        r#"path = "/sales""#,
        r#"path : "/sales/20""#,
        r#"path : "/sales/../x""#,
        r#"tags IN ["summer"]"#,
        r#"tags NOT IN ["x", "AI"]"#,
        "tags NOT EXISTS",
        r#"tags HAS "AI summer""#,
        r#"type = "folder""#,
        r#"createdAt < "1h""#,
        "createdAt = 2024-03-31",
        r#"size < "1kb""#,
        "width > 600",
        "private = true",
        r#"createdBy = "a@example.com""#,
        r#"createdBy IN ["a@example.com"]"#,
        r#""embeddedMetadata.Nothing" : "x""#,
        r#""embeddedMetadata.Nothing" HAS "x""#,
        r#""customMetadata.wrong" = 4.5"#,
        r#""customMetadata.one" > 1"#,
        r#""customMetadata.tuple" IN ["500", "true"]"#,
        "(width > 500 OR height > 500) AND format = \"png\"",
    ] {
        assert!(!search(query).matches(&file()), "{query}");
    }
}

#[test]
fn folders_have_few_fields() {
    for (query, expected) in [
        (r#"type = "folder" AND name = "\u00fcber""#, true),
        ("tags NOT EXISTS", true),
        (r#"tags NOT IN ["x"]"#, true),
        (r#"path = "/""#, true),
        ("size >= 0", false),
        ("size NOT = 5", true),
        ("private = false", false),
        (r#"format NOT IN ["png"]"#, true),
    ] {
        assert_eq!(search(query).matches(&folder()), expected, "{query}");
    }
}

#[test]
fn refusals_name_their_cause() {
    let date = "field must have a valid date value. Make sure the value is enclosed within quotes";
    let text = "field must have a string value. Make sure the value is enclosed within quotes";
    for (query, cause) in [
        ("a = 1", "a is not a valid search field".to_owned()),
        ("Name = \"x\"", "Name is not a valid search field".into()),
        (r#""customMetadata.unknown" = "x""#, "customMetadata.unknown is not a valid search field".into()),
        (r#""customMetadata." = "x""#, "customMetadata. is not a valid search field".into()),
        (r#"createdAt > "yesterday""#, format!("createdAt {date}")),
        ("updatedAt > 5", format!("updatedAt {date}")),
        (r#"createdAt IN ["2020-01-01", "x"]"#, format!("createdAt {date}")),
        ("height > \"5\"", "height field must have a numeric value".into()),
        ("width > 5px", "width field must have a numeric value".into()),
        ("private = \"true\"", "private field must have a boolean value without quotes".into()),
        ("private = 1", "private field must have a boolean value without quotes".into()),
        ("size > \"1e3kb\"", "size field must have a numeric value or a valid size string such as \"1mb\"".into()),
        ("format = 5", format!("format {text}")),
        ("format IN [true]", format!("format {text}")),
        ("size > \"big\"", "size field must have a numeric value or a valid size string such as \"1mb\"".into()),
        ("name = 5", format!("name {text}")),
        ("name = x", format!("name {text}")),
        ("name IN [\"a\", 5]", format!("name {text}")),
        ("description HAS 5", format!("description {text}")),
        ("path : 5", format!("path {text}")),
        ("tags IN \"x\"", "tags field must have an array value with IN operator".into()),
        ("name NOT IN \"x\"", "name field must have an array value with NOT IN operator".into()),
        ("name < \"x\"", "operator < is not supported for name field".into()),
        ("tags = \"x\"", "operator = is not supported for tags field".into()),
        ("private NOT = true", "operator NOT = is not supported for private field".into()),
        ("id EXISTS", "operator EXISTS is not supported for id field".into()),
        ("name NOT EXISTS", "operator NOT EXISTS is not supported for name field".into()),
        ("size : \"1\"", "operator : is not supported for size field".into()),
        ("type = \"image\"", "type field must be one of file, file-version, folder".into()),
        (r#""customMetadata.number" = "5""#, "customMetadata.number field must have a numeric value".into()),
        (r#""customMetadata.one" > "b""#, "customMetadata.one field must have a numeric value".into()),
        (r#""customMetadata.one" : 5"#, format!("customMetadata.one {text}")),
        (r#""customMetadata.tuple" = "x""#, "operator = is not supported for customMetadata.tuple field".into()),
        (
            r#""embeddedMetadata.LocationTaken" = "here""#,
            "embeddedMetadata.LocationTaken field must have a valid location value such as \"40,100 5km\"".into(),
        ),
        ("(size < 10", "unexpected end of query at position 11".into()),
    ] {
        let sentence =
            format!("Invalid search query - {cause}. Please refer to the documentation for syntax specification.");
        assert_eq!(refusal(query), sentence, "{query}");
    }
}

/// Every pair of field and operator that the contract's table does not have is refused.
#[test]
fn operators_are_those_of_the_table() {
    let table = [
        ("name", "\"x\"", "= : IN NOT= NOTIN HAS"),
        ("path", "\"x\"", "= : IN NOT= NOTIN"),
        ("tags", "\"x\"", "IN NOTIN HAS EXISTS NOTEXISTS"),
        ("type", "\"file\"", "= IN NOT= NOTIN"),
        ("id", "\"x\"", "= IN NOT= NOTIN"),
        ("createdAt", "\"1d\"", "= < <= > >= IN NOT= NOTIN"),
        ("updatedAt", "2020-01-01", "= < <= > >= IN NOT= NOTIN"),
        ("height", "5", "= < <= > >= IN NOT= NOTIN"),
        ("width", "5", "= < <= > >= IN NOT= NOTIN"),
        ("size", "\"5kb\"", "= < <= > >= IN NOT= NOTIN"),
        ("format", "\"png\"", "= IN NOT= NOTIN"),
        ("private", "true", "="),
        ("published", "true", "="),
        ("transparency", "false", "="),
        ("createdBy", "\"x\"", "= IN NOT= NOTIN"),
        ("description", "\"x\"", "= : IN NOT= NOTIN HAS EXISTS NOTEXISTS"),
        ("\"embeddedMetadata.Keywords\"", "\"x\"", "IN NOTIN EXISTS NOTEXISTS"),
        ("\"embeddedMetadata.DateTimeOriginal\"", "\"1d\"", "= < <= > >= IN NOT= NOTIN EXISTS NOTEXISTS"),
        ("\"embeddedMetadata.LocationTaken\"", "\"1,1 1km\"", "= EXISTS NOTEXISTS"),
        ("\"embeddedMetadata.X\"", "\"x\"", "= : IN NOT= NOTIN HAS EXISTS NOTEXISTS"),
        ("\"customMetadata.text\"", "\"x\"", "= : IN NOT= NOTIN HAS EXISTS NOTEXISTS"),
        ("\"customMetadata.area\"", "\"x\"", "= : IN NOT= NOTIN HAS EXISTS NOTEXISTS"),
        ("\"customMetadata.number\"", "5", "= < <= > >= IN NOT= NOTIN EXISTS NOTEXISTS"),
        ("\"customMetadata.date\"", "\"1d\"", "= < <= > >= IN NOT= NOTIN EXISTS NOTEXISTS"),
        ("\"customMetadata.flag\"", "true", "= EXISTS NOTEXISTS"),
        ("\"customMetadata.level\"", "5", "= < <= > >= IN NOT= NOTIN EXISTS NOTEXISTS"),
        ("\"customMetadata.one\"", "\"x\"", "= : IN NOT= NOTIN EXISTS NOTEXISTS"),
        ("\"customMetadata.tuple\"", "\"x\"", "IN NOTIN HAS EXISTS NOTEXISTS"),
    ];
    let all = ["=", ":", "<", "<=", ">", ">=", "IN", "NOT=", "NOTIN", "HAS", "EXISTS", "NOTEXISTS"];
    for (field, value, allowed) in table {
        for op in all {
            let spaced = op.replace("NOT", "NOT ");
            let query = match op {
                "IN" | "NOTIN" => format!("{field} {spaced} [{value}]"),
                "EXISTS" | "NOTEXISTS" => format!("{field} {spaced}"),
                _ => format!("{field} {spaced} {value}"),
            };
            let accepted = Search::parse(&query, &customs, NOW).is_ok();
            assert_eq!(accepted, allowed.split(' ').any(|allowed| allowed == op), "{query}");
        }
    }
}

#[test]
fn what_a_search_requires_is_told() {
    let kinds = |query| {
        let kinds = search(query).kinds();
        (kinds.files, kinds.versions, kinds.folders)
    };
    for (query, files_versions_folders, only) in [
        (r#"name = "x""#, (true, false, true), false),
        (r#"type = "file""#, (true, false, false), true),
        (r#"type IN ["file", "file-version"]"#, (true, true, false), true),
        (r#"type NOT = "folder""#, (true, true, false), true),
        (r#"type = "folder" AND name = "x""#, (false, false, true), false),
        (r#"type = "folder" OR name = "x""#, (true, true, true), false),
        (r#"type = "file" AND type = "folder""#, (false, false, false), true),
        (r#"type = "file" OR (type = "folder" AND size > 5)"#, (true, false, true), false),
    ] {
        assert_eq!(kinds(query), files_versions_folders, "{query}");
        assert_eq!(search(query).is_only_about_kinds(), only, "{query}");
    }
    assert_eq!(search(r#"type = "file" AND (name = "x")"#).names(), Some(vec!["x"]));
    assert_eq!(search(r#"name IN ["b", "a", "b"] AND size > 5"#).names(), Some(vec!["a", "b"]));
    for query in [r#"name = "x" OR size > 5"#, r#"name NOT = "x""#, r#"name : "x""#, r#"id = "x""#] {
        assert_eq!(search(query).names(), None, "{query}");
    }
    assert_eq!(search(r#"id IN ["b", "a"]"#).ids(), Some(vec!["a", "b"]));
    assert_eq!(search(r#"path = "a/" AND size > 5"#).folder(), Some("/a"));
    assert_eq!(search(r#"path IN ["/a", "/b"]"#).folder(), None);
    assert_eq!(search(r#"path : "a/b/" AND size > 5"#).below(), Some("/a/b"));
    assert_eq!(search(r#"path : "a" OR size > 5"#).below(), None);
}

#[test]
fn older_parameters_are_searches() {
    let search = Search::of_parameters(Kinds::FILES, Some("red-dress-summer.jpg"), vec!["x".into(), "AI".into()]);
    assert!(search.clone().unwrap().matches(&file()));
    assert_eq!(search.unwrap().kinds(), Kinds::FILES);
    assert!(!Search::of_parameters(Kinds::ALL, None, vec!["x".into()]).unwrap().matches(&file()));
    assert_eq!(Search::of_parameters(Kinds::ALL, None, vec![]), None);
}

#[test]
fn scores_add_up() {
    let score = |query| search(query).score(&file());
    assert_eq!(score(r#"name HAS "red""#), 0.5);
    assert_eq!(score(r#"name HAS "red dres""#), 0.75);
    assert_eq!(score(r#"name HAS "red" AND tags HAS "ai""#), 2.5);
    assert_eq!(score(r#"size > 5"#), 0.0);
    assert!(!search("size > 5").has_words());
}
