//! Schemas of custom metadata, and values. The input is a schema and an object of values, as JSON in two lines; the
//! values are also tried one by one.
//!
//! A schema that is taken is stored and read as it is; so is a value, and it stays valid when it is sent back.

#![no_main]

use calotype::model::custom_field::{
    FAULTS_MAX, Faults, Field, Fields, Kind, METADATA_BYTES_MAX, Schema, check_description, check_name, merge, shown,
};
use calotype::model::ids::CustomFieldId;
use calotype_fuzz::lines;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let Some([schema, values]) = lines(data) else { return };
    let object = |text| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (Some(sent), Some(values)) = (object(schema), object(values)) else { return };
    texts(&values);
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.name()), Some(kind));
        if let Err(faults) = Schema::parse(&sent, Some(kind)) {
            told(&faults);
        }
    }
    match Schema::parse(&sent, None) {
        Ok(schema) => taken(&schema, &values),
        Err(faults) => told(&faults),
    }
});

/// Every fault is a text under a key, and there are not too many.
fn told(faults: &Faults) {
    let json = faults.to_json();
    let object = json.as_object().expect("faults are an object");
    assert!((1..=FAULTS_MAX).contains(&object.len()) && object.values().all(Value::is_string), "{json}");
}

fn texts(values: &Map<String, Value>) {
    for value in values.values() {
        if let Ok(name) = check_name(Some(value)) {
            assert!(!name.trim().is_empty() && !name.contains('\0') && value == &Value::from(name));
        }
        if let Ok(Some(text)) = check_description(Some(value)) {
            assert!(!text.is_empty() && !text.contains('\0'));
        }
    }
}

fn taken(schema: &Schema, values: &Map<String, Value>) {
    let stored = schema.to_json().to_string();
    assert_eq!(Schema::from_stored(&stored).as_ref(), Some(schema), "{stored}");
    assert!(!schema.requires_value() || schema.default_value.is_some(), "{stored}");
    if let Some(default) = &schema.default_value {
        assert_eq!(schema.check(default).as_ref(), Ok(default), "{stored}");
    }
    for value in values.values() {
        if let Ok(kept) = schema.check(value) {
            assert_eq!(schema.check(&kept).as_ref(), Ok(&kept), "{value} by {stored}");
            assert!(!value.is_null() && !value.is_object(), "{value} by {stored}");
        }
    }
    merged(schema, values);
}

/// The values as an asset's, with a field for some of the names.
fn merged(schema: &Schema, values: &Map<String, Value>) {
    let field = |(id, name): (i64, &str), deleted| Field {
        id: CustomFieldId(id),
        name: name.to_owned(),
        label: name.to_owned(),
        schema: schema.clone(),
        description: None,
        deleted,
    };
    let fields = Fields::new(vec![field((1, "a"), false), field((2, "b"), false), field((3, "gone"), true)]);
    let existing = Map::from_iter([("gone".to_owned(), Value::from(1))]);
    match merge(&fields, &existing, values) {
        Err(faults) => told(&faults),
        Ok(merged) => {
            assert_eq!(merged.get("gone"), Some(&Value::from(1)), "values of deleted fields stay");
            let visible = shown(&fields, merged.clone());
            assert!(visible.keys().all(|name| matches!(name.as_str(), "a" | "b")));
            assert!(!schema.requires_value() || visible.len() == 2, "defaults are filled in");
            // Defaults are added after the bound was looked at.
            if Value::from(visible.clone()).to_string().len() <= METADATA_BYTES_MAX {
                assert_eq!(merge(&fields, &merged, &visible).as_ref(), Ok(&merged), "sent back as read");
            }
        }
    }
}
