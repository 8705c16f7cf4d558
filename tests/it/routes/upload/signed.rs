//! Uploads without a key, signed for a client: version 1 by HMAC, version 2 by a JSON Web Token.

use super::*;
use crate::support::server::{PRIVATE_KEY, PUBLIC_KEY};
use calotype::model::time::Millis;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

const NO_KEY: &str = "Your request does not contain private API key.";
const BAD_EXPIRE: &str = "Your request contains invalid expire parameter. Expire parameter should be a Unix time in less than 1 hour into the future.";
const BAD_SIGNATURE: &str = "Your request contains invalid signature.";
const USED: &str = "Your request contains a token that has already been used.";
const MISSING_TOKEN: &str = "Your request is missing token parameter.";
const BAD_TOKEN: &str = "Your request has invalid token.";
const EXPIRED_TOKEN: &str = "Your request contains expired token.";
const BAD_PAYLOAD: &str =
    "Your request contains invalid payload. It does not match with the payload used to generate token.";

fn now_s() -> i64 {
    Millis::now().0 / 1000
}

/// A Unix time that far ahead, as text.
pub(super) fn in_seconds(ahead_s: i64) -> String {
    (now_s() + ahead_s).to_string()
}

pub(super) fn hmac_sha1(key: &str, token: &str, expire: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(format!("{token}{expire}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fields that a browser SDK adds, in its order.
fn v1_fields(token: &str, ahead_s: i64) -> Vec<(&'static str, String)> {
    let expire = in_seconds(ahead_s);
    vec![
        ("publicKey", PUBLIC_KEY.to_owned()),
        ("signature", hmac_sha1(PRIVATE_KEY, token, &expire)),
        ("expire", expire),
        ("token", token.to_owned()),
    ]
}

fn texts(fields: &[(&'static str, String)]) -> Form {
    fields.iter().fold(Form::new(), |form, (name, value)| form.text(*name, value.clone()))
}

fn file() -> Part {
    Part::bytes(png(1, 1)).file_name("from-the-disk.png")
}

async fn send(library: &Library, path: &str, form: Form) -> Answer {
    let answer = answer(library.keyless(Method::POST, path).multipart(form)).await.expect("an answer");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "browsers read every answer: {answer:#?}");
    answer
}

fn jwt(key: &str, kid: &str, payload: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    encode(&header, payload, &EncodingKey::from_secret(key.as_bytes())).expect("a token")
}

/// A token for these fields, from `issued` seconds ago until `ahead` seconds from now.
fn token_for(fields: &[(&'static str, &str)], issued_s: i64, ahead_s: i64) -> String {
    let mut payload = json!({ "iat": now_s() - issued_s, "exp": now_s() + ahead_s });
    for (name, value) in fields {
        payload[*name] = json!(value);
    }
    jwt(PRIVATE_KEY, PUBLIC_KEY, &payload)
}

#[tokio::test]
async fn a_signature_stands_for_the_key_once() {
    on_both_catalogs(async |library: &mut Library| {
        // Fields before the file, behind it, and around it; with the public key and without.
        let plain = [("fileName", "f.png".to_owned()), ("useUniqueFileName", "false".to_owned())];
        let orders = [
            texts(&plain).part("file", file()),
            Form::new().part("file", file()).text("fileName", "f.png").text("useUniqueFileName", "false"),
        ];
        for (number, form) in orders.into_iter().enumerate() {
            let form =
                v1_fields(&format!("behind-{number}"), 1800).into_iter().fold(form, |form, (n, v)| form.text(n, v));
            succeeded(&send(library, V1, form).await, 200);
        }
        let before_file = v1_fields("before", 1800);
        let form = || texts(&before_file[1..]).text("fileName", "f.png").part("file", file());
        succeeded(&send(library, V1, form()).await, 200);
        let stored = library.everything().await;
        refused(&send(library, V1, form()).await, 400, None, USED);
        refused(&send(library, "/v1/files/upload", form()).await, 400, None, USED);
        assert_eq!(library.everything().await, stored);
        // It was noted durably.
        library.kill_and_restart().await;
        refused(&send(library, V1, form()).await, 400, None, USED);
        // A token is spent by the request that proves it, though that fails for another reason.
        let failed = v1_fields("failed", 1800);
        let missing = send(library, V1, texts(&failed).part("file", file())).await;
        refused(&missing, 400, None, "Your request is missing fileName parameter.");
        let again = texts(&failed).text("fileName", "f.png").part("file", file());
        refused(&send(library, V1, again).await, 400, None, USED);
        // Also where what is wrong was seen before who sent it.
        for (number, bad) in ["data:;base64,!!!", &format!("http://{}", "a".repeat(9000))].into_iter().enumerate() {
            let fields = v1_fields(&format!("bad-{number}"), 1800);
            let form = Form::new().text("file", bad.to_owned()).text("fileName", "f.png");
            let form = fields.iter().fold(form, |form, (name, value)| form.text(*name, value.clone()));
            let answer = send(library, V1, form).await;
            assert!(answer.body["message"].as_str().unwrap().contains("invalid file parameter"), "{answer:#?}");
            let again = texts(&fields).text("fileName", "f.png").part("file", file());
            refused(&send(library, V1, again).await, 400, None, USED);
        }
        // Who proves nothing is told nothing of the file.
        let form = Form::new().text("file", "data:;base64,!!!").text("fileName", "f.png");
        refused(&send(library, V1, form).await, 401, None, NO_KEY);
        // But not by one that proves nothing.
        let mut stolen = v1_fields("stolen", 1800);
        stolen[1].1 = "0".repeat(40);
        let form = texts(&stolen).text("fileName", "f.png").part("file", file());
        refused(&send(library, V1, form).await, 400, None, BAD_SIGNATURE);
        let form = texts(&v1_fields("stolen", 1800)).text("fileName", "f.png").part("file", file());
        succeeded(&send(library, V1, form).await, 200);
    })
    .await;
}

#[tokio::test]
async fn of_many_uploads_with_one_token_one_succeeds() {
    on_both_catalogs(async |library: &mut Library| {
        let fields = v1_fields("shared", 600);
        let shared = &*library;
        let uploads = (0..8).map(|_| send(shared, V1, texts(&fields).text("fileName", "f.png").part("file", file())));
        let answers = futures_util::future::join_all(uploads).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            refused(answer, 400, None, USED);
        }
        assert_eq!(library.everything().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn signatures_of_version_1_are_refused_in_the_contracts_words() {
    on_both_catalogs(async |library: &mut Library| {
        let with = |changes: &[(&'static str, Option<&str>)]| {
            let mut fields = v1_fields("t", 1800);
            for (name, value) in changes {
                fields.retain(|(field, _)| field != name);
                fields.extend(value.map(|value| (*name, value.to_owned())));
            }
            fields
        };
        let by = |key: &str| hmac_sha1(key, "t", &(now_s() + 1800).to_string());
        let unknown = "Your account cannot be authenticated.";
        let cases = [
            (vec![], 401, NO_KEY),
            (vec![("unknown", "x".to_owned())], 401, NO_KEY),
            (with(&[("token", None)]), 400, MISSING_TOKEN),
            (with(&[("token", Some(""))]), 400, MISSING_TOKEN),
            (vec![("publicKey", PUBLIC_KEY.to_owned())], 400, MISSING_TOKEN),
            (with(&[("expire", None)]), 400, BAD_EXPIRE),
            (with(&[("expire", Some("soon"))]), 400, BAD_EXPIRE),
            (v1_fields("t", -1), 400, BAD_EXPIRE),
            (v1_fields("t", 3_700), 400, BAD_EXPIRE),
            (with(&[("publicKey", Some("public_of_nobody"))]), 403, unknown),
            (with(&[("signature", None)]), 400, BAD_SIGNATURE),
            (with(&[("signature", Some("x"))]), 400, BAD_SIGNATURE),
            (with(&[("signature", Some(&by("private_wrong")))]), 400, BAD_SIGNATURE),
            (with(&[("token", Some("u"))]), 400, BAD_SIGNATURE),
        ];
        for (fields, status, message) in cases {
            eprintln!("{fields:?}");
            let form = texts(&fields).text("fileName", "f.png").text("folder", "/new").part("file", file());
            refused(&send(library, V1, form).await, status, None, message);
            // Who it is counts before what is wrong with the rest.
            refused(&send(library, V1, texts(&fields).text("more", "x")).await, status, None, message);
        }
        // A key beside it: whoever sends both is warned.
        let both = "Your request contains both signature and basic auth parameter. Use only one method, you might be exposing your private API key.";
        let form = texts(&v1_fields("both", 1800)).text("fileName", "f.png").part("file", file());
        refused(&upload(library, V1, form).await, 400, None, both);
        assert_eq!(library.everything().await, [Value::Null; 0]);
        // Not even a form: nothing that could prove anything.
        let request = library.keyless(Method::POST, V1).header("content-type", "application/json").body("{}");
        refused(&answer(request).await.expect("an answer"), 401, None, NO_KEY);
        let log = library.server.log_text();
        assert!(!log.contains(PRIVATE_KEY) && !log.contains(&by(PRIVATE_KEY)), "no secret is in the log");
    })
    .await;
}

#[tokio::test]
async fn a_web_token_holds_the_whole_form() {
    on_both_catalogs(async |library: &mut Library| {
        let fields = [
            ("fileName", "in the token.png"),
            ("useUniqueFileName", "false"),
            ("tags", "a,b"),
            ("folder", "/by token"),
            ("responseFields", "tags"),
        ];
        let token = token_for(&fields, 0, 600);
        let signed = |token: &str| form(&fields).text("token", token.to_owned()).part("file", file());
        let answer = send(library, V2, signed(&token)).await;
        succeeded(&answer, 200);
        assert_eq!((answer.text("filePath"), &answer.body["tags"]), ("/by token/in the token.png", &json!(["a", "b"])));
        refused(&send(library, V2, signed(&token)).await, 400, None, USED);
        let other = token_for(&fields, 1, 601);
        let behind = Form::new().part("file", file()).text("token", other);
        let behind = fields.iter().rev().fold(behind, |form, (name, value)| form.text(*name, (*value).to_owned()));
        succeeded(&send(library, V2, behind).await, 200);
        let stored = library.everything().await;

        let unsigned = |token: &str| form(&fields[..2]).text("token", token.to_owned()).part("file", file());
        let hs512 = {
            let header = Header { kid: Some(PUBLIC_KEY.to_owned()), ..Header::new(Algorithm::HS512) };
            let payload = json!({ "fileName": "f.png", "iat": now_s(), "exp": now_s() + 60 });
            encode(&header, &payload, &EncodingKey::from_secret(PRIVATE_KEY.as_bytes())).expect("a token")
        };
        let payload = json!({ "iat": now_s(), "exp": now_s() + 60 });
        let cases = [
            (form(&fields).part("file", file()), 401, NO_KEY),
            (signed(""), 400, MISSING_TOKEN),
            (form(&fields).text("signature", "x").part("file", file()), 400, MISSING_TOKEN),
            (signed("not.a.token"), 400, BAD_TOKEN),
            (signed(&jwt("private_wrong", PUBLIC_KEY, &payload)), 400, BAD_TOKEN),
            (signed(&jwt(PRIVATE_KEY, "public_of_nobody", &payload)), 400, BAD_TOKEN),
            (signed(&hs512), 400, BAD_TOKEN),
            (signed(&token_for(&fields, 0, 3_700)), 400, BAD_TOKEN),
            (signed(&token_for(&fields, -120, 600)), 400, BAD_TOKEN),
            (signed(&token_for(&fields, 60, -1)), 400, EXPIRED_TOKEN),
            (signed(&token_for(&fields[..3], 0, 600)), 400, BAD_PAYLOAD),
            (unsigned(&token_for(&fields, 0, 600)), 400, BAD_PAYLOAD),
            (signed(&token_for(&[&fields[..4], &[("responseFields", "metadata")]].concat(), 0, 600)), 400, BAD_PAYLOAD),
            (
                signed(&token_for(&fields, 0, 602)).text("folder", "/elsewhere"),
                400,
                BAD_PAYLOAD,
            ),
        ];
        for (number, (form, status, message)) in cases.into_iter().enumerate() {
            eprintln!("case {number}");
            refused(&send(library, V2, form).await, status, None, message);
        }
        let both = "Your request contains both token and basic auth parameter. Use only one method, you might be exposing your private API key.";
        refused(&upload(library, V2, signed(&token_for(&fields, 0, 603))).await, 400, None, both);
        assert_eq!(library.everything().await, stored);
    })
    .await;
}

#[tokio::test]
async fn strangers_cannot_fill_the_disk() {
    with_settings(&[("CALOTYPE_CLIENT_UPLOAD_BYTES_MAX", "20000")], async |library: &mut Library| {
        let busy = "Too many uploads without an API key are under way. Please try again later.";
        let large = || Part::bytes(bytes_of(30_000)).file_name("large");
        for form in [
            form(&[("fileName", "f.txt")]).part("file", large()),
            Form::new().part("file", large()).text("fileName", "f.txt"),
            form(&[("fileName", "f.txt")]).text("file", "A".repeat(30_000)),
        ] {
            let answer = send(library, V1, form).await;
            assert_eq!(answer.header("retry-after"), Some("5"), "{answer:#?}");
            refused(&answer, 429, None, busy);
        }
        // What they took is free again, and whoever has a key was never counted.
        let form = texts(&v1_fields("small", 600)).text("fileName", "f.png").part("file", file());
        succeeded(&send(library, V1, form).await, 200);
        library.put("/large.txt", bytes_of(30_000)).await;
        assert_eq!(library.everything().await.len(), 2);
    })
    .await;
}
