//! Key pairs as JSON objects, for the API and the command line.

use serde_json::{Map, Value, json};

use crate::library::keys::{Described, Made};
use crate::model::ids::LibraryTag;
use crate::model::rights::{Area, Rights};
use crate::model::time::Millis;

/// What is told of a pair.
pub fn key_pair(tag: LibraryTag, pair: &Described, now: Millis) -> Value {
    let time = |time: Option<Millis>| time.map(|time| time.to_string());
    let rights = match pair.rights {
        Rights::Full => Value::from("full"),
        rights @ Rights::Only(_) => {
            let access = |area: Area| (area.name().to_owned(), Value::from(rights.access(area).name()));
            Value::Object(Area::ALL.into_iter().map(access).collect::<Map<_, _>>())
        }
    };
    json!({
        "id": tag.wire(pair.id.0),
        "name": pair.name,
        "publicKey": pair.public_key,
        "privateKeyEnd": pair.private_key_end,
        "rights": rights,
        "status": pair.state(now).name(),
        "createdAt": pair.created.to_string(),
        "expiresAt": time(pair.expires),
        "revokedAt": time(pair.revoked),
        "supersededAt": time(pair.superseded),
        "supersededBy": pair.successor.map(|id| tag.wire(id.0)),
    })
}

/// The same with the private key.
pub fn made_pair(tag: LibraryTag, made: &Made, now: Millis) -> Value {
    let mut value = key_pair(tag, &made.pair, now);
    value["privateKey"] = made.private_key.as_str().into();
    value
}
