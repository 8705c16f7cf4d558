//! Search queries. The input is a query.
//!
//! What a query says about its answer is true of everything that it finds, because rows are left out for it unseen; and
//! parentheses and repetition do not change what is found.

#![no_main]

use calotype::model::custom_field::Kind;
use calotype::model::time::Millis;
use calotype::query::search::{Field, Search};
use calotype::query::{Facts, Value};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const NOW: Millis = Millis(1_711_886_400_500);

fuzz_target!(|data: &[u8]| {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let search = match parse(query) {
        Ok(Some(search)) => search,
        Ok(None) => {
            assert!(query.trim().is_empty(), "only what is blank asks for nothing");
            return;
        }
        Err(told) => {
            assert!(told.starts_with("Invalid search query - "), "{told}");
            return;
        }
    };
    assert_eq!(
        parse(&format!(" {query}\n")).as_ref().ok(),
        Some(&Some(search.clone())).filter(|_| query.len() < 9_000)
    );
    let assets = assets(&search);
    for asset in &assets {
        tells_the_truth(&search, asset);
    }
    for same in [format!("({query})"), format!("({query}) AND ({query})"), format!("({query}) OR ({query})")] {
        // It may be too long now, or nested too deep.
        if let Ok(again) = parse(&same) {
            let again = again.expect("it is not blank");
            for asset in assets.iter().filter(|asset| asset.is_among(&search)) {
                assert_eq!(again.matches(asset), search.matches(asset), "{same}");
                assert!(asset.is_among(&again));
            }
        }
    }
});

fn parse(query: &str) -> Result<Option<Search>, String> {
    let customs = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
    Search::parse(query, &customs, NOW).map_err(|error| error.to_string())
}

fn tells_the_truth(search: &Search, asset: &Asset) {
    let found = search.matches(asset);
    if found && (asset.kind != "file-version" || search.kinds().versions) {
        assert!(asset.is_among(search), "it finds a {} and says that it cannot", asset.kind);
        let is_one_of = |texts: Option<Vec<&str>>, text: &str| texts.is_none_or(|texts| texts.contains(&text));
        assert!(is_one_of(search.names(), &asset.name), "{:?}", search.names());
        assert!(is_one_of(search.ids(), &asset.id), "{:?}", search.ids());
        assert!(search.folder().is_none_or(|folder| folder == asset.path), "{:?}", search.folder());
        let within = |above: &str| {
            above == "/" || asset.path == above || asset.path.starts_with(&format!("{}/", above.trim_end_matches('/')))
        };
        assert!(search.below().is_none_or(within), "{:?}", search.below());
        assert!(search.score(asset).is_finite() && search.score(asset) >= 0.0);
    }
    if search.is_only_about_kinds() && asset.is_among(search) {
        assert!(found, "it says that it finds every {}", asset.kind);
    }
}

/// A file, an older version or a folder.
struct Asset {
    kind: &'static str,
    name: String,
    path: String,
    id: String,
    has_more: bool,
}

impl Asset {
    fn is_among(&self, search: &Search) -> bool {
        match self.kind {
            "file" => search.kinds().files,
            "file-version" => search.kinds().versions,
            _ => search.kinds().folders,
        }
    }
}

/// Some that are always there, and those that the query seems to look for.
fn assets(search: &Search) -> Vec<Asset> {
    let first = |texts: Option<Vec<&str>>, other: &str| {
        texts.and_then(|texts| texts.first().map(|text| (*text).to_owned())).unwrap_or_else(|| other.to_owned())
    };
    let mut assets = Vec::new();
    for kind in ["file", "file-version", "folder"] {
        for has_more in [false, true] {
            let plain = Asset { kind, name: "a.jpg".into(), path: "/".into(), id: "0".repeat(24), has_more };
            let path = search.folder().or(search.below()).unwrap_or("/a/b").to_owned();
            let (name, id) = (first(search.names(), "red dress"), first(search.ids(), "1"));
            assets.extend([plain, Asset { kind, name, path, id, has_more }]);
        }
    }
    assets
}

impl Facts<Field> for Asset {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Kind => Value::Text(self.kind.into()),
            Field::Name => Value::Text(self.name.as_str().into()),
            Field::Path => Value::Text(self.path.as_str().into()),
            Field::Id => Value::Text(self.id.as_str().into()),
            Field::Created | Field::Updated => Value::Time(NOW),
            _ if !self.has_more => Value::Missing,
            Field::Tags => Value::Texts(vec!["summer".into(), "sale".into()]),
            Field::Height | Field::Width | Field::Size => Value::Number(600.0),
            Field::Format => Value::Text("jpg".into()),
            Field::Private | Field::Published | Field::Transparency => Value::Flag(true),
            Field::CreatedBy => Value::Missing,
            Field::Description => Value::Text("A red dress".into()),
            Field::Embedded(_) => Value::Json(json!([40.0, 100.0])),
            Field::Custom(_) => Value::Json(json!(["luxury", 500, true, "2024-03-01T00:00:00.000Z"])),
        }
    }
}
