//! The rules of schemas and values as tables.

use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("{value} is no object") };
    object
}

fn parsed(sent: Value) -> Result<Value, Value> {
    Schema::parse(&object(sent), None).map(|schema| schema.to_json()).map_err(|faults| faults.to_json())
}

#[test]
fn valid_schemas_come_back_as_they_are() {
    for schema in [
        json!({ "type": "Text" }),
        json!({ "type": "Text", "minLength": 0 }),
        json!({ "type": "Text", "minLength": 3, "maxLength": 3 }),
        json!({ "type": "Text", "isValueRequired": true, "defaultValue": "abc", "minLength": 3 }),
        json!({ "type": "Text", "isValueRequired": false, "defaultValue": "" }),
        json!({ "type": "Textarea", "defaultValue": "a\nb", "minLength": 1, "maxLength": 500 }),
        json!({ "type": "Number" }),
        json!({ "type": "Number", "isValueRequired": true, "defaultValue": 0, "minValue": 0, "maxValue": 0 }),
        json!({ "type": "Number", "defaultValue": 1.5, "minValue": -1e300, "maxValue": 18_446_744_073_709_551_615_u64 }),
        json!({ "type": "Date" }),
        json!({ "type": "Date", "minValue": "2022-11-30T10:11:10.494Z", "maxValue": "2022-11-30T10:11:10.494Z" }),
        json!({ "type": "Date", "isValueRequired": true, "defaultValue": "2022-11-30T10:11:10.000Z" }),
        json!({ "type": "Boolean" }),
        json!({ "type": "Boolean", "isValueRequired": true, "defaultValue": false }),
        json!({ "type": "SingleSelect", "selectOptions": ["small", 1, "1", true, "true", 1.5, ""] }),
        json!({ "type": "SingleSelect", "isValueRequired": true, "defaultValue": 1, "selectOptions": [1] }),
        json!({ "type": "MultiSelect", "selectOptions": ["a"] }),
        json!({ "type": "MultiSelect", "defaultValue": [], "selectOptions": ["a"] }),
        json!({ "type": "MultiSelect", "isValueRequired": true, "defaultValue": ["b", 3], "selectOptions": ["a", "b", 3] }),
    ] {
        assert_eq!(parsed(schema.clone()), Ok(schema));
    }
}

#[test]
fn spellings_of_old_clients_are_brought_into_one_form() {
    let nothing = json!(null);
    for (sent, kept) in [
        (json!({ "type": "TextArea" }), json!({ "type": "Textarea" })),
        // .NET 4 and 5 send every key there is.
        (
            json!({
                "type": "Text", "selectOptions": nothing, "defaultValue": nothing, "isValueRequired": false,
                "minValue": nothing, "maxValue": nothing, "minLength": 0, "maxLength": 0,
            }),
            json!({ "type": "Text", "isValueRequired": false, "minLength": 0 }),
        ),
        (
            json!({
                "type": "Number", "selectOptions": nothing, "defaultValue": nothing, "isValueRequired": false,
                "minValue": 10, "maxValue": 20, "minLength": 0, "maxLength": 0,
            }),
            json!({ "type": "Number", "isValueRequired": false, "minValue": 10, "maxValue": 20 }),
        ),
        (
            json!({ "type": "Boolean", "minValue": 0, "maxValue": 0.0, "minLength": -0.0, "maxLength": 0 }),
            json!({ "type": "Boolean" }),
        ),
        (
            json!({ "type": "SingleSelect", "selectOptions": ["a"], "minLength": 0, "maxLength": 0, "isValueRequired": nothing }),
            json!({ "type": "SingleSelect", "selectOptions": ["a"] }),
        ),
        // Zero is a bound of numbers.
        (
            json!({ "type": "Number", "minValue": 0, "maxValue": 0 }),
            json!({ "type": "Number", "minValue": 0, "maxValue": 0 }),
        ),
        // Whole numbers of languages that have no others.
        (
            json!({ "type": "Text", "minLength": 1.0, "maxLength": 7.0 }),
            json!({ "type": "Text", "minLength": 1, "maxLength": 7 }),
        ),
        // JavaScript's dates as JSON, Python's, and dates without a time.
        (
            json!({ "type": "Date", "minValue": "2022-11-30T10:11:10+05:30", "maxValue": "2022-12-01", "defaultValue": "2022-11-30 12:00" }),
            json!({
                "type": "Date", "defaultValue": "2022-11-30T12:00:00.000Z",
                "minValue": "2022-11-30T04:41:10.000Z", "maxValue": "2022-12-01T00:00:00.000Z",
            }),
        ),
        // The option is told as the schema has it.
        (
            json!({ "type": "SingleSelect", "selectOptions": [1, 2], "defaultValue": 2.0 }),
            json!({ "type": "SingleSelect", "defaultValue": 2, "selectOptions": [1, 2] }),
        ),
    ] {
        assert_eq!(parsed(sent.clone()), Ok(kept), "{sent}");
    }
}

#[test]
fn invalid_schemas_are_told_key_by_key() {
    const KINDS: &str = "should be one of Text, Textarea, Number, Date, Boolean, SingleSelect, MultiSelect";
    const NUMBER: &str = "should be of type number";
    const STRING: &str = "should be of type string";
    const DATE: &str = "should be an ISO 8601 date";
    const WHOLE: &str = "should be a whole number of at least 0";
    const OPTIONS: &str = "should be an array of strings, numbers and booleans";
    for (sent, errors) in [
        (json!({}), json!({ "type": IS_REQUIRED })),
        (json!({ "type": null, "maxLength": "7" }), json!({ "type": IS_REQUIRED })),
        (json!({ "type": 7 }), json!({ "type": STRING })),
        (json!({ "type": "text" }), json!({ "type": KINDS })),
        (json!({ "type": "" }), json!({ "type": KINDS })),
        // The contract's own example.
        (
            json!({ "type": "Number", "minValue": "1000", "maxValue": 3000, "maxLength": 5 }),
            json!({ "maxLength": NOT_ALLOWED, "minValue": NUMBER }),
        ),
        (
            json!({ "type": "Text", "minValue": 1, "maxValue": "2022-11-30", "selectOptions": ["a"] }),
            json!({ "minValue": NOT_ALLOWED, "maxValue": NOT_ALLOWED, "selectOptions": NOT_ALLOWED }),
        ),
        (json!({ "type": "Textarea", "selectOptions": [] }), json!({ "selectOptions": NOT_ALLOWED })),
        (
            json!({ "type": "Date", "minLength": 1, "maxLength": 2 }),
            json!({ "minLength": NOT_ALLOWED, "maxLength": NOT_ALLOWED }),
        ),
        (
            json!({ "type": "Boolean", "minLength": 1, "minValue": 1, "selectOptions": [true] }),
            json!({ "minLength": NOT_ALLOWED, "minValue": NOT_ALLOWED, "selectOptions": NOT_ALLOWED }),
        ),
        (
            json!({ "type": "MultiSelect", "selectOptions": ["a"], "minValue": 1, "maxLength": 1 }),
            json!({ "minValue": NOT_ALLOWED, "maxLength": NOT_ALLOWED }),
        ),
        (json!({ "type": "Text", "readOnly": true }), json!({ "readOnly": NOT_ALLOWED })),
        (
            json!({ "type": "Text", "minLength": "1", "maxLength": true }),
            json!({ "minLength": NUMBER, "maxLength": NUMBER }),
        ),
        (
            json!({ "type": "Text", "minLength": -1, "maxLength": 1.5 }),
            json!({ "minLength": WHOLE, "maxLength": WHOLE }),
        ),
        (json!({ "type": "Text", "maxLength": 1e300 }), json!({ "maxLength": WHOLE })),
        (json!({ "type": "Text", "minLength": 5, "maxLength": 4 }), json!({ "maxLength": "should be at least 5" })),
        (json!({ "type": "Number", "minValue": 2, "maxValue": 1.5 }), json!({ "maxValue": "should be at least 2" })),
        (
            json!({ "type": "Number", "minValue": [], "maxValue": "1" }),
            json!({ "minValue": NUMBER, "maxValue": NUMBER }),
        ),
        (json!({ "type": "Date", "minValue": 0 }), json!({ "minValue": STRING })),
        (json!({ "type": "Date", "minValue": "soon", "maxValue": "" }), json!({ "minValue": DATE, "maxValue": DATE })),
        (
            json!({ "type": "Date", "minValue": "2022-11-30T00:00Z", "maxValue": "2022-11-30T00:00+01:00" }),
            json!({ "maxValue": "should be at least 2022-11-30T00:00:00.000Z" }),
        ),
        (
            json!({ "type": "Text", "isValueRequired": "true" }),
            json!({ "isValueRequired": "should be of type boolean" }),
        ),
        (json!({ "type": "Text", "isValueRequired": 1 }), json!({ "isValueRequired": "should be of type boolean" })),
        // A required value needs a default, which is not empty.
        (json!({ "type": "Text", "isValueRequired": true }), json!({ "defaultValue": IS_REQUIRED })),
        (
            json!({ "type": "Text", "isValueRequired": true, "defaultValue": null }),
            json!({ "defaultValue": IS_REQUIRED }),
        ),
        (
            json!({ "type": "Text", "isValueRequired": true, "defaultValue": "" }),
            json!({ "defaultValue": IS_REQUIRED }),
        ),
        (
            json!({ "type": "MultiSelect", "isValueRequired": true, "defaultValue": [], "selectOptions": [1] }),
            json!({ "defaultValue": IS_REQUIRED }),
        ),
        // A default is a value like any other, required or not.
        (json!({ "type": "Text", "defaultValue": 7 }), json!({ "defaultValue": STRING })),
        (
            json!({ "type": "Text", "defaultValue": "ab", "minLength": 3 }),
            json!({ "defaultValue": "should be at least 3 characters" }),
        ),
        (
            json!({ "type": "Text", "defaultValue": "äöü", "maxLength": 2 }),
            json!({ "defaultValue": "should be at most 2 characters" }),
        ),
        (json!({ "type": "Number", "defaultValue": "7" }), json!({ "defaultValue": NUMBER })),
        (
            json!({ "type": "Number", "defaultValue": 7, "minValue": 7.5 }),
            json!({ "defaultValue": "should be at least 7.5" }),
        ),
        (json!({ "type": "Date", "defaultValue": 7 }), json!({ "defaultValue": STRING })),
        (json!({ "type": "Date", "defaultValue": "7" }), json!({ "defaultValue": DATE })),
        (json!({ "type": "Boolean", "defaultValue": "true" }), json!({ "defaultValue": "should be of type boolean" })),
        (
            json!({ "type": "SingleSelect", "defaultValue": "1", "selectOptions": [1] }),
            json!({ "defaultValue": "should be one of the allowed options" }),
        ),
        (
            json!({ "type": "MultiSelect", "defaultValue": "a", "selectOptions": ["a"] }),
            json!({ "defaultValue": "should be of type array" }),
        ),
        // Without good limits the default is not judged.
        (
            json!({ "type": "Text", "isValueRequired": true, "defaultValue": 7, "maxLength": "x" }),
            json!({ "maxLength": NUMBER }),
        ),
        (json!({ "type": "SingleSelect" }), json!({ "selectOptions": IS_REQUIRED })),
        (json!({ "type": "MultiSelect", "selectOptions": null }), json!({ "selectOptions": IS_REQUIRED })),
        (
            json!({ "type": "MultiSelect", "selectOptions": "a,b" }),
            json!({ "selectOptions": "should be of type array" }),
        ),
        (json!({ "type": "MultiSelect", "selectOptions": 0 }), json!({ "selectOptions": "should be of type array" })),
        (
            json!({ "type": "SingleSelect", "selectOptions": [] }),
            json!({ "selectOptions": "should have at least 1 option" }),
        ),
        (json!({ "type": "SingleSelect", "selectOptions": ["a", null] }), json!({ "selectOptions": OPTIONS })),
        (json!({ "type": "SingleSelect", "selectOptions": [["a"]] }), json!({ "selectOptions": OPTIONS })),
        (
            json!({ "type": "SingleSelect", "selectOptions": ["a", "b", "a"] }),
            json!({ "selectOptions": "should not have duplicates" }),
        ),
        (
            json!({ "type": "SingleSelect", "selectOptions": [1, 1.0] }),
            json!({ "selectOptions": "should not have duplicates" }),
        ),
        (json!({ "type": "SingleSelect", "selectOptions": ["a\u{0}"] }), json!({ "selectOptions": NO_NUL })),
    ] {
        assert_eq!(parsed(sent.clone()), Err(errors), "{sent}");
    }
}

#[test]
fn a_field_keeps_its_type() {
    let number = Some(Kind::Number);
    for (sent, kept) in [
        (json!({}), Ok(json!({ "type": "Number" }))),
        (json!({ "type": "Text", "minValue": 1 }), Ok(json!({ "type": "Number", "minValue": 1 }))),
        (json!({ "type": "nonsense" }), Ok(json!({ "type": "Number" }))),
        (json!({ "type": "Text", "minLength": 1 }), Err(json!({ "minLength": NOT_ALLOWED }))),
    ] {
        let parsed = Schema::parse(&object(sent.clone()), number);
        assert_eq!(parsed.map(|schema| schema.to_json()).map_err(|faults| faults.to_json()), kept, "{sent}");
    }
}

#[test]
fn schemas_are_bounded() {
    let select = |options: Vec<Value>| parsed(json!({ "type": "SingleSelect", "selectOptions": options }));
    assert!(select((0..OPTIONS_MAX).map(Value::from).collect()).is_ok());
    let many = select((0..=OPTIONS_MAX).map(Value::from).collect());
    assert_eq!(many, Err(json!({ "selectOptions": "should have at most 1000 options" })));
    let large = select((0..100).map(|at| format!("{at:0400}").into()).collect());
    assert_eq!(large, Err(json!({ "selectOptions": "should be at most 32768 bytes in all" })));
    let keys = (0..FAULTS_MAX + 50).map(|at| (format!("k{at}"), 1.into())).chain([("type".into(), "Text".into())]);
    let faults = parsed(keys.collect::<Map<_, _>>().into()).unwrap_err();
    assert_eq!(faults.as_object().unwrap().len(), FAULTS_MAX);
}

#[test]
fn names_labels_and_descriptions_are_checked() {
    let longest = "ä".repeat(NAME_CHARS_MAX);
    for good in ["a", "Price (€)", "custom.field", " a ", "__proto__", &longest] {
        assert_eq!(check_name(Some(&json!(good))).as_deref(), Ok(good));
    }
    for (bad, why) in [
        (json!(null), IS_REQUIRED),
        (json!(""), IS_REQUIRED),
        (json!(" \t"), IS_REQUIRED),
        (json!(7), "should be of type string"),
        (json!(["a"]), "should be of type string"),
        (json!("a\u{0}"), "should not have control characters"),
        (json!("a\nb"), "should not have control characters"),
        (json!(longest + "ä"), "should be at most 255 characters"),
    ] {
        assert_eq!(check_name(Some(&bad)), Err(why.to_owned()), "{bad}");
    }
    assert_eq!(check_name(None), Err(IS_REQUIRED.to_owned()));
    let longest = "ä".repeat(DESCRIPTION_CHARS_MAX);
    assert_eq!(check_description(Some(&json!(longest))), Ok(Some(longest.clone())));
    assert_eq!(check_description(Some(&json!(longest + "ä"))), Err("should be at most 500 characters".to_owned()));
    for none in [None, Some(&json!(null)), Some(&json!(""))] {
        assert_eq!(check_description(none), Ok(None));
    }
    assert_eq!(check_description(Some(&json!("a\nb"))), Ok(Some("a\nb".to_owned())));
    assert_eq!(check_description(Some(&json!("a\u{0}"))), Err(NO_NUL.to_owned()));
    assert_eq!(check_description(Some(&json!(7))), Err("should be of type string".to_owned()));
}

/// Fields of these names and schemas; those in `deleted` are deleted.
fn fields(schemas: Value, deleted: &[&str]) -> Fields {
    let field = |(at, (name, schema)): (usize, (String, Value))| Field {
        id: CustomFieldId(at as i64),
        label: name.clone(),
        schema: Schema::parse(&object(schema), None).unwrap(),
        description: None,
        deleted: deleted.contains(&name.as_str()),
        name,
    };
    Fields::new(object(schemas).into_iter().enumerate().map(field).collect())
}

fn one_of_each() -> Fields {
    let schemas = json!({
        "text": { "type": "Text", "minLength": 2, "maxLength": 4 },
        "area": { "type": "Textarea" },
        "number": { "type": "Number", "minValue": -1.5, "maxValue": 10 },
        "date": { "type": "Date", "minValue": "2022-01-01", "maxValue": "2022-12-31T12:00:00Z" },
        "flag": { "type": "Boolean" },
        "one": { "type": "SingleSelect", "selectOptions": ["a", 1, true, 2.5] },
        "many": { "type": "MultiSelect", "selectOptions": ["a", 1, true, "1"] },
        "must": { "type": "Text", "isValueRequired": true, "defaultValue": "default" },
        "musts": { "type": "MultiSelect", "isValueRequired": true, "defaultValue": ["x"], "selectOptions": ["x", "y"] },
        "gone": { "type": "Text" },
    });
    fields(schemas, &["gone"])
}

#[test]
fn values_are_checked_by_their_fields() {
    let fields = one_of_each();
    let check = |name: &str, value: &Value| fields.get(name).unwrap().schema.check(value);
    for (name, good) in [
        ("text", json!("ab")),
        ("text", json!("äöüß")),
        ("area", json!("")),
        ("area", json!("a\nb")),
        ("area", json!("x".repeat(5_000))),
        ("number", json!(-1.5)),
        ("number", json!(10)),
        ("number", json!(10.0)),
        ("number", json!(0)),
        ("date", json!("2022-01-01T00:00:00.000Z")),
        ("date", json!("2022-12-31T12:00:00.000Z")),
        ("flag", json!(true)),
        ("flag", json!(false)),
        ("one", json!("a")),
        ("one", json!(1)),
        ("one", json!(true)),
        ("one", json!(2.5)),
        ("many", json!([])),
        ("many", json!(["1", 1, "a", true])),
        ("must", json!("x")),
        ("musts", json!(["y"])),
    ] {
        assert_eq!(check(name, &good), Ok(good.clone()), "{name}");
    }
    assert_eq!(check("date", &json!("2022-02-03")), Ok(json!("2022-02-03T00:00:00.000Z")));
    assert_eq!(check("date", &json!("2022-02-03T04:05:06+01:00")), Ok(json!("2022-02-03T03:05:06.000Z")));
    assert_eq!(check("one", &json!(1.0)), Ok(json!(1)));
    let option = "should be one of the allowed options";
    for (name, bad, why) in [
        ("text", json!("a"), "should be at least 2 characters"),
        ("text", json!("abcde"), "should be at most 4 characters"),
        ("text", json!(12), "should be of type string"),
        ("text", json!(["ab"]), "should be of type string"),
        ("text", json!("a\u{0}"), NO_NUL),
        ("area", json!("x".repeat(5_001)), "should be at most 5000 characters"),
        ("area", json!({}), "should be of type string"),
        ("number", json!("1"), "should be of type number"),
        ("number", json!(true), "should be of type number"),
        ("number", json!(-2), "should be at least -1.5"),
        ("number", json!(10.000_001), "should be at most 10"),
        ("number", json!(u64::MAX), "should be at most 10"),
        ("date", json!(1_641_000_000), "should be of type string"),
        ("date", json!("tomorrow"), "should be an ISO 8601 date"),
        ("date", json!(""), "should be an ISO 8601 date"),
        ("date", json!("2021-12-31"), "should be at least 2022-01-01T00:00:00.000Z"),
        ("date", json!("2023-01-01"), "should be at most 2022-12-31T12:00:00.000Z"),
        ("flag", json!("true"), "should be of type boolean"),
        ("flag", json!(1), "should be of type boolean"),
        ("one", json!("b"), option),
        ("one", json!("1"), option),
        ("one", json!("true"), option),
        ("one", json!(["a"]), option),
        ("one", json!({}), option),
        ("many", json!("a"), "should be of type array"),
        ("many", json!(["a", "b"]), option),
        ("many", json!(["a", null]), option),
        ("many", json!([["a"]]), option),
        ("many", json!(["a", "a"]), "should not have duplicates"),
        ("many", json!([1, 1.0]), "should not have duplicates"),
        ("many", json!(["a", "a", "a", "a", "a"]), "should not have duplicates"),
        ("many", json!(["b", "b", "b", "b", "b"]), option),
        ("must", json!(""), IS_REQUIRED),
        ("musts", json!([]), IS_REQUIRED),
    ] {
        assert_eq!(check(name, &bad), Err(why.to_owned()), "{name}: {bad}");
    }
}

fn merged(existing: Value, sent: Value) -> Result<Value, Value> {
    let merged = merge(&one_of_each(), &object(existing), &object(sent));
    merged.map(Value::from).map_err(|faults| faults.to_json())
}

#[test]
fn what_is_sent_is_laid_over_what_is_there() {
    let defaults = json!({ "must": "default", "musts": ["x"] });
    assert_eq!(merged(json!({}), json!({})), Ok(defaults.clone()));
    assert_eq!(
        merged(json!({ "must": "m", "musts": ["y"], "text": "ab" }), json!({ "number": 1, "text": "cd" })),
        Ok(json!({ "must": "m", "musts": ["y"], "text": "cd", "number": 1 }))
    );
    // `null` unsets, also what is not there.
    assert_eq!(merged(json!({ "text": "ab" }), json!({ "text": null, "number": null })), Ok(defaults.clone()));
    // Stored values are not looked at again, and those of deleted fields stay.
    assert_eq!(
        merged(json!({ "text": "too long now", "gone": "stays" }), json!({ "flag": true })),
        Ok(json!({ "text": "too long now", "gone": "stays", "flag": true, "must": "default", "musts": ["x"] }))
    );
    for (sent, errors) in [
        (json!({ "must": null }), json!({ "must": IS_REQUIRED })),
        (
            json!({ "nope": 1, "text": 2, "flag": true }),
            json!({ "nope": "field does not exist", "text": "should be of type string" }),
        ),
        (json!({ "gone": "x" }), json!({ "gone": "field does not exist" })),
        (json!({ "nope": null }), json!({ "nope": "field does not exist" })),
        (json!({ "Text": "ab" }), json!({ "Text": "field does not exist" })),
    ] {
        assert_eq!(merged(json!({}), sent.clone()), Err(errors), "{sent}");
    }
}

#[test]
fn what_an_asset_has_is_bounded() {
    let names: Vec<String> = (0..10).map(|at| format!("f{at}")).collect();
    let schemas: Map<_, _> = names.iter().map(|name| (name.clone(), json!({ "type": "Text" }))).collect();
    let fields = fields(schemas.into(), &[]);
    let values = |names: &[String]| -> Map<_, _> {
        names.iter().map(|name| (name.clone(), Value::from("x".repeat(4_900)))).collect()
    };
    let told = Faults::one("customMetadata", "should be at most 32768 bytes in all");
    assert_eq!(merge(&fields, &Map::new(), &values(&names)), Err(told.clone()));
    let six = merge(&fields, &Map::new(), &values(&names[..6])).unwrap();
    assert_eq!(merge(&fields, &six, &values(&names[6..])), Err(told));
    assert_eq!(merge(&fields, &six, &Map::new()), Ok(six.clone()));
}

#[test]
fn values_of_deleted_fields_are_not_shown() {
    let stored = object(json!({ "number": 1, "gone": "x", "text": "ab" }));
    assert_eq!(Value::from(shown(&one_of_each(), stored)), json!({ "number": 1, "text": "ab" }));
}
