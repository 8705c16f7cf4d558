//! The order of hits that no index has: by a number, by name, or by relevance. What lacks the number comes last in
//! either direction; ties are broken by id.

use std::cmp::Reverse;

use crate::model::time::Millis;
use crate::store::listing::{Asset, Direction, FOLDER, Page, SortKey};

/// What hits are ordered by.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    By(SortKey, Direction),
    Relevance(Direction),
}

/// A hit, as small as its place in the order and its whereabouts allow. The lesser one comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    key: Key,
    pub id: i64,
    pub version: i64,
    pub kind: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Id and version number.
    Created(i64, i64),
    Name(String),
    NameDown(Reverse<String>),
    /// Whether there is none, and the number.
    Number(bool, i64),
    /// The score, and the younger first.
    Relevance(i64, Reverse<Millis>),
}

impl Order {
    /// The page's order, or by relevance.
    pub fn new(page: &Page, relevance: Option<Direction>) -> Order {
        relevance.map_or(Order::By(page.key, page.direction), Order::Relevance)
    }

    /// What it sorts by, if that is not relevance.
    pub fn key(self) -> Option<SortKey> {
        if let Order::By(key, _) = self { Some(key) } else { None }
    }

    /// The place of an asset; `score` is asked only if relevance counts.
    pub fn hit(self, asset: &Asset, score: impl FnOnce() -> f64) -> Hit {
        let key = match self {
            Order::Relevance(direction) => {
                // The bits of floats that are not negative have the order of the floats.
                let bits = score().abs().to_bits().cast_signed();
                Key::Relevance(signed(bits, direction), Reverse(asset.created))
            }
            Order::By(SortKey::Created, direction) => {
                Key::Created(signed(asset.id, direction), signed(asset.version, direction))
            }
            Order::By(SortKey::Name, Direction::Up) => Key::Name(asset.name.clone()),
            Order::By(SortKey::Name, Direction::Down) => Key::NameDown(Reverse(asset.name.clone())),
            Order::By(SortKey::Updated, direction) => number(Some(asset.updated.0), direction),
            Order::By(SortKey::Size, direction) => number((asset.kind != FOLDER).then_some(asset.size), direction),
            Order::By(SortKey::Height, direction) => number(asset.height, direction),
            Order::By(SortKey::Width, direction) => number(asset.width, direction),
        };
        Hit { key, id: asset.id, version: asset.version, kind: asset.kind }
    }
}

fn number(number: Option<i64>, direction: Direction) -> Key {
    Key::Number(number.is_none(), signed(number.unwrap_or_default(), direction))
}

fn signed(number: i64, direction: Direction) -> i64 {
    if direction == Direction::Up { number } else { -number }
}
