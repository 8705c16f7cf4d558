//! Key pairs over HTTP: made, listed, rolled, revoked, expired; and what each may do.

use super::*;
use crate::support::client::Client;

mod limits;
mod rights;
mod signing;

const UNKNOWN_KEY: &str = "Your account cannot be authenticated.";
const EXPIRED_KEY: &str = "Your request contains expired private API key.";
const LAST_FULL_KEY: &str = "Nobody could do everything without this key pair: it is the last with full rights. Create another one with full rights that works for a day at least, or roll this one with a grace period.";
const MORE_RIGHTS: &str = "Your API key cannot give, roll or revoke rights that it does not have itself.";
const KEY_ENDED: &str = "The key pair has been rolled or revoked, or has expired. Create a new one.";
const KEYS: &str = "/calotype/v1/keys";

impl Library {
    /// Makes a pair and returns what is told of it, the private key included.
    async fn make_key(&self, body: Value) -> Value {
        let made = self.post(KEYS, body).await;
        succeeded(&made, 201);
        assert_eq!(made.header("cache-control"), Some("no-store"));
        made.body
    }

    /// A client with a key of these rights.
    async fn client_with(&self, rights: Value) -> Client {
        let made = self.make_key(json!({ "rights": rights })).await;
        self.client.with_key(made["privateKey"].as_str().expect("a private key"))
    }
}

/// A client with the key in this object.
fn client_of(library: &Library, made: &Value) -> Client {
    library.client.with_key(made["privateKey"].as_str().expect("a private key"))
}

fn path_of_key(made: &Value) -> String {
    format!("{KEYS}/{}", made["id"].as_str().expect("an id"))
}

async fn list_files(client: &Client) -> Answer {
    client.list("/").await.expect("an answer")
}

#[tokio::test]
async fn a_pair_is_made_shown_rolled_and_revoked() {
    on_both_catalogs(async |library| {
        let made = library.make_key(json!({ "name": "shop", "rights": { "files": "read", "uploads": "write" } })).await;
        let private = made["privateKey"].as_str().expect("a private key").to_owned();
        assert_id(&made["id"]);
        assert_time(&made["createdAt"]);
        let expected = json!({
            "id": made["id"], "name": "shop", "publicKey": made["publicKey"],
            "privateKeyEnd": private[private.len() - 4..],
            "rights": {
                "files": "read", "folders": "none", "uploads": "write", "metadata": "none", "purge": "none",
                "keys": "none",
            },
            "status": "active", "createdAt": made["createdAt"], "expiresAt": null, "revokedAt": null,
            "supersededAt": null, "supersededBy": null,
        });
        let mut with_private = expected.clone();
        with_private["privateKey"] = private.clone().into();
        assert_eq!(made, with_private);
        assert!(private.starts_with("private_") && made["publicKey"].as_str().unwrap().starts_with("public_"));

        // Shown to holders of full keys, and the private key to nobody again.
        let shown = library.get(&path_of_key(&made)).await;
        succeeded(&shown, 200);
        assert_eq!(shown.body, expected);
        let list = library.get(KEYS).await;
        succeeded(&list, 200);
        let listed = list.body.as_array().expect("an array");
        assert_eq!((listed.len(), &listed[1]), (2, &expected), "{list:#?}");
        assert_eq!(
            (&listed[0]["rights"], &listed[0]["publicKey"]),
            (&json!("full"), &json!("public_integration_tests"))
        );
        assert!(!list.body.to_string().contains(&private));

        // Works at once, rolls with a grace in which both work, and ends at once.
        succeeded(&list_files(&client_of(library, &made)).await, 200);
        let rolled = library.post(&format!("{}/roll", path_of_key(&made)), json!({})).await;
        succeeded(&rolled, 201);
        assert_eq!((&rolled.body["name"], &rolled.body["rights"]), (&made["name"], &made["rights"]));
        assert_ne!(rolled.body["privateKey"], made["privateKey"]);
        succeeded(&list_files(&client_of(library, &made)).await, 200);
        succeeded(&list_files(&client_of(library, &rolled.body)).await, 200);
        let old = library.get(&path_of_key(&made)).await.body;
        assert_eq!((&old["status"], &old["supersededBy"]), (&json!("superseded"), &rolled.body["id"]));
        assert!(assert_time(&old["expiresAt"]) > assert_time(&old["supersededAt"]));
        refused(&library.post(&format!("{}/roll", path_of_key(&made)), json!({})).await, 409, None, KEY_ENDED);

        for _ in 0..2 {
            let revoked = library.client.send(Method::DELETE, &path_of_key(&rolled.body), None).await.unwrap();
            succeeded_empty(&revoked);
            refused(&list_files(&client_of(library, &rolled.body)).await, 403, None, UNKNOWN_KEY);
        }
        assert_eq!(library.get(&path_of_key(&rolled.body)).await.body["status"], "revoked");
        refused(&library.post(&format!("{}/roll", path_of_key(&rolled.body)), json!({})).await, 409, None, KEY_ENDED);
    })
    .await;
}

#[tokio::test]
async fn pairs_outlive_the_server() {
    on_both_catalogs(async |library| {
        let kept = library.make_key(json!({ "rights": "full" })).await;
        let rolled = library.make_key(json!({ "rights": "files=read" })).await;
        let new = library.post(&format!("{}/roll", path_of_key(&rolled)), json!({ "graceSeconds": 0 })).await;
        succeeded(&new, 201);
        refused(&list_files(&client_of(library, &rolled)).await, 403, None, EXPIRED_KEY);
        let before = library.get(KEYS).await.body;
        library.kill_and_restart().await;
        assert_eq!(library.get(KEYS).await.body, before);
        succeeded(&list_files(&client_of(library, &kept)).await, 200);
        succeeded(&list_files(&client_of(library, &new.body)).await, 200);
        refused(&list_files(&client_of(library, &rolled)).await, 403, None, EXPIRED_KEY);
        // The pair of the settings may go too; the server starts although its settings still name it.
        let first = before[0]["id"].as_str().expect("an id");
        let other = client_of(library, &kept);
        succeeded_empty(&other.send(Method::DELETE, &format!("{KEYS}/{first}"), None).await.unwrap());
        library.kill_and_restart().await;
        refused(&list_files(&library.client).await, 403, None, UNKNOWN_KEY);
        succeeded(&list_files(&client_of(library, &kept)).await, 200);
    })
    .await;
}

#[tokio::test]
async fn an_expired_key_is_told_so() {
    on_both_catalogs(async |library| {
        let end = calotype::model::time::Millis(calotype::model::time::Millis::now().0 + 1_500).to_string();
        let made = library.make_key(json!({ "rights": "full", "expiresAt": end })).await;
        assert_eq!(made["expiresAt"], end);
        succeeded(&list_files(&client_of(library, &made)).await, 200);
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        refused(&list_files(&client_of(library, &made)).await, 403, None, EXPIRED_KEY);
        assert_eq!(library.get(&path_of_key(&made)).await.body["status"], "expired");
        refused(&library.post(&format!("{}/roll", path_of_key(&made)), json!({})).await, 409, None, KEY_ENDED);
        library.kill_and_restart().await;
        refused(&list_files(&client_of(library, &made)).await, 403, None, EXPIRED_KEY);

        // A roll renews for as long as the pair was made for.
        let end = calotype::model::time::Millis(calotype::model::time::Millis::now().0 + 3_600_000).to_string();
        let made = library.make_key(json!({ "rights": "full", "expiresAt": end })).await;
        let rolled = library.post(&format!("{}/roll", path_of_key(&made)), json!({ "graceSeconds": "86400" })).await;
        succeeded(&rolled, 201);
        assert!(rolled.text("expiresAt") > end.as_str());
        let old = library.get(&path_of_key(&made)).await.body;
        assert_eq!(old["expiresAt"], end, "a grace period makes no life longer");
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_refused() {
    on_both_catalogs(async |library| {
        const NAME: &str =
            "Your request contains invalid name parameter. It should have 1 to 100 characters and no control characters.";
        const END: &str = "Your request contains invalid expiresAt parameter. It should be a time to come, such as 2030-01-31T12:00:00.000Z.";
        const GRACE: &str =
            "Your request contains invalid graceSeconds parameter. It should be a whole number from 0 to 7776000.";
        const RIGHTS: &str = "Your request contains invalid rights parameter. ";
        let shape = format!("{RIGHTS}Send \"full\", or an object such as {{\"files\": \"write\", \"folders\": \"read\"}}.");
        let areas = format!("{RIGHTS}The areas are files, folders, uploads, metadata, purge, keys.");
        let access = format!("{RIGHTS}The rights in an area are none, read, write.");
        let nothing = format!("{RIGHTS}They allow nothing.");
        for (body, message) in [
            (json!({ "rights": 7 }), shape.as_str()),
            (json!({ "rights": { "files": true } }), &shape),
            (json!({ "rights": { "filez": "read" } }), &areas),
            (json!({ "rights": { "files": "all" } }), &access),
            (json!({ "rights": {} }), &nothing),
            (json!({ "rights": "files=none" }), &nothing),
            (json!({ "rights": "full", "name": "" }), NAME),
            (json!({ "rights": "full", "name": "x".repeat(101) }), NAME),
            (json!({ "rights": "full", "name": "a\u{7}" }), NAME),
            (json!({ "rights": "full", "expiresAt": "2020-01-01T00:00:00.000Z" }), END),
            (json!({ "rights": "full", "expiresAt": "soon" }), END),
            (json!({ "rights": "full", "expiresAt": 7 }), END),
        ] {
            refused(&library.post(KEYS, body).await, 400, None, message);
        }
        let missing = library.post(KEYS, json!({ "name": "x" })).await;
        refused(&missing, 400, Some("MISSING_PARAMETER"), "rights parameter is missing.");
        let name = library.post(KEYS, json!({ "name": 7, "rights": "full" })).await;
        refused(&name, 400, Some("INVALID_PARAMETER"), "name parameter should be a string.");

        let made = library.make_key(json!({ "rights": "full" })).await;
        for grace in [json!(-1), json!(7_776_001), json!(1.5), json!("soon"), json!(true)] {
            let path = format!("{}/roll", path_of_key(&made));
            refused(&library.post(&path, json!({ "graceSeconds": grace })).await, 400, None, GRACE);
        }
        for id in [UNKNOWN_ID, "nonsense"] {
            let path = format!("{KEYS}/{id}");
            for answer in [
                library.get(&path).await,
                library.client.send(Method::DELETE, &path, None).await.unwrap(),
                library.post(&format!("{path}/roll"), json!({})).await,
            ] {
                refused(&answer, 404, None, "The requested key pair does not exist.");
            }
        }
        assert_eq!(library.get(KEYS).await.body.as_array().map(Vec::len), Some(2), "nothing was made by the way");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_locked_out() {
    on_both_catalogs(async |library| {
        let first = library.get(KEYS).await.body[0].clone();
        let revoke = async |made: &Value| library.client.send(Method::DELETE, &path_of_key(made), None).await.unwrap();
        let roll = async |made: &Value, grace: u64| {
            library.post(&format!("{}/roll", path_of_key(made)), json!({ "graceSeconds": grace })).await
        };
        refused(&revoke(&first).await, 409, None, LAST_FULL_KEY);
        refused(&roll(&first, 0).await, 409, None, LAST_FULL_KEY);
        refused(&roll(&first, 59).await, 409, None, LAST_FULL_KEY);

        // Neither a restricted key nor one that ends soon is enough.
        let everything = "files=write,folders=write,uploads=write,metadata=write,purge=write,keys=write";
        library.make_key(json!({ "rights": everything })).await;
        let end = calotype::model::time::Millis(calotype::model::time::Millis::now().0 + 3_600_000).to_string();
        let ends_soon = library.make_key(json!({ "rights": "full", "expiresAt": end })).await;
        refused(&revoke(&first).await, 409, None, LAST_FULL_KEY);
        succeeded_empty(&revoke(&ends_soon).await);

        // Nor a successor that would end soon.
        let body = json!({ "graceSeconds": 3_600, "expiresAt": end });
        let path = format!("{}/roll", path_of_key(&first));
        refused(&library.post(&path, body).await, 409, None, LAST_FULL_KEY);
        assert_eq!(library.get(&path_of_key(&first)).await.body["status"], "active", "a refused roll changes nothing");

        let second = roll(&first, 3_600).await;
        succeeded(&second, 201);
        refused(&revoke(&second.body).await, 409, None, LAST_FULL_KEY);
        succeeded_empty(&revoke(&first).await);
        refused(&list_files(&library.client).await, 403, None, UNKNOWN_KEY);
        succeeded(&list_files(&client_of(library, &second.body)).await, 200);
    })
    .await;
}

#[tokio::test]
async fn a_restricted_key_gives_and_takes_no_more_than_it_has() {
    on_both_catalogs(async |library| {
        let restricted = library.client_with(json!({ "keys": "write", "files": "write", "folders": "read" })).await;
        for more in [json!("full"), json!({ "folders": "write" }), json!({ "files": "read", "purge": "read" })] {
            let answer = restricted.post(KEYS, json!({ "rights": more })).await.unwrap();
            refused(&answer, 403, None, MORE_RIGHTS);
        }
        let own = restricted.post(KEYS, json!({ "rights": { "files": "read", "keys": "write" } })).await.unwrap();
        succeeded(&own, 201);

        let full = library.make_key(json!({ "rights": "full" })).await;
        let roll = restricted.post(&format!("{}/roll", path_of_key(&full)), json!({})).await.unwrap();
        refused(&roll, 403, None, MORE_RIGHTS);
        let revoke = restricted.send(Method::DELETE, &path_of_key(&full), None).await.unwrap();
        refused(&revoke, 403, None, MORE_RIGHTS);
        succeeded(&list_files(&client_of(library, &full)).await, 200);
        succeeded_empty(&restricted.send(Method::DELETE, &path_of_key(&own.body), None).await.unwrap());
    })
    .await;
}
