//! What holds for whatever is sent as a schema or value: tried with thousands of them, from a fixed seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// JSON as nobody means it, but made of what schemas are made of.
fn some_value(random: &mut StdRng, depth: u32) -> Value {
    match random.random_range(0..if depth == 0 { 8 } else { 10 }) {
        0 => Value::Null,
        1 => random.random::<bool>().into(),
        2 => 0.into(),
        3 => random.random_range(-3_i64..300).into(),
        4 => (f64::from(random.random_range(-8..8)) / 4.0).into(),
        5 => ["a", "b", "", "1", "Text", "2022-11-30", "2023-01-01T00:00+01:00"][random.random_range(0..7)].into(),
        6 => random.random::<f64>().into(),
        7 => random.random::<u64>().into(),
        8 => (0..random.random_range(0..5)).map(|_| some_value(random, depth - 1)).collect::<Vec<_>>().into(),
        _ => some_schema(random, depth - 1).into(),
    }
}

fn some_schema(random: &mut StdRng, depth: u32) -> Map<String, Value> {
    const KEYS: [&str; 8] =
        ["isValueRequired", "defaultValue", "minLength", "maxLength", "minValue", "maxValue", "selectOptions", "x"];
    let mut schema = Map::new();
    if random.random_ratio(19, 20) {
        schema.insert("type".into(), Kind::ALL[random.random_range(0..7)].name().into());
    }
    for _ in 0..random.random_range(0..5) {
        let key = KEYS[random.random_range(0..KEYS.len())];
        let value = match key {
            "isValueRequired" => random.random::<bool>().into(),
            "selectOptions" => (0..random.random_range(0..4)).map(|_| some_value(random, 0)).collect::<Vec<_>>().into(),
            _ => some_value(random, depth),
        };
        schema.insert(key.into(), value);
    }
    schema
}

#[test]
fn whatever_is_sent_a_schema_that_is_taken_is_stored_and_read_as_it_is() {
    const SEED: u64 = 4;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut taken = 0;
    for round in 0..20_000 {
        let sent = some_schema(&mut random, 2);
        let place = || format!("seed {SEED}, round {round}: {}", Value::from(sent.clone()));
        let schema = match Schema::parse(&sent, None) {
            Ok(schema) => schema,
            Err(faults) => {
                assert!(!faults.is_empty() && faults.to_json().as_object().unwrap().values().all(Value::is_string));
                continue;
            }
        };
        taken += 1;
        let text = schema.to_json().to_string();
        assert_eq!(Schema::from_stored(&text).as_ref(), Some(&schema), "{}", place());
        // Keys that are absent, or `null`, are the same.
        let mut with_nulls = schema.to_json().as_object().expect("a schema is an object").clone();
        for key in
            ["minLength", "maxLength", "minValue", "maxValue", "selectOptions", "defaultValue", "isValueRequired"]
        {
            with_nulls.entry(key).or_insert(Value::Null);
        }
        assert_eq!(Schema::parse(&with_nulls, None).as_ref(), Ok(&schema), "{}", place());
        // What a schema takes it takes again in the form in which it is stored.
        assert!(!schema.requires_value() || schema.default_value.is_some(), "{}", place());
        for _ in 0..5 {
            let value = some_value(&mut random, 1);
            if let Ok(stored) = schema.check(&value) {
                assert_eq!(schema.check(&stored), Ok(stored.clone()), "{value} in {}", place());
                assert!(!value.is_null() && !value.is_object(), "{value} in {}", place());
            }
        }
        // So do clients that send back what they read.
        if let Some(default) = &schema.default_value {
            assert_eq!(schema.check(default).as_ref(), Ok(default), "{}", place());
        }
    }
    assert!(taken > 2_000, "only {taken} schemas were valid, which proves little");
}
