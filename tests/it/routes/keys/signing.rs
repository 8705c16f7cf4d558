//! Signatures by other pairs than the first: each that is active and has the right signs, and none that has not or is gone.

use super::rights::NO_PERMISSION;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::multipart::{Form, Part};

use super::*;

const BAD_TOKEN: &str = "Your request has invalid token.";

fn hmac_sha1(key: &str, text: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is told of a pair when it is made.
struct Pair {
    made: Value,
    public: String,
    private: String,
}

async fn make(library: &Library, rights: Value) -> Pair {
    let made = library.make_key(json!({ "rights": rights })).await;
    let text = |key: &str| made[key].as_str().expect("a key").to_owned();
    let (public, private) = (text("publicKey"), text("privateKey"));
    Pair { made, public, private }
}

impl Pair {
    /// Status of the private file behind a URL that this pair signs.
    async fn delivers(&self, library: &Library) -> u16 {
        let signature = hmac_sha1(&self.private, "secret.txt9999999999");
        library.client.get_file(&format!("/secret.txt?ik-s={signature}")).await.expect("an answer").status
    }

    /// An upload of version 1 that this pair signs, with its public key beside the signature or without.
    async fn uploads_v1(&self, library: &Library, token: &str, names_itself: bool) -> Answer {
        let expire = (calotype::model::time::Millis::now().0 / 1000 + 600).to_string();
        let signature = hmac_sha1(&self.private, &format!("{token}{expire}"));
        let mut form = Form::new().text("fileName", "f").text("folder", "/signed");
        form = form.text("token", token.to_owned()).text("expire", expire).text("signature", signature);
        if names_itself {
            form = form.text("publicKey", self.public.clone());
        }
        send(library, "/api/v1/files/upload", form).await
    }

    /// One of version 2.
    async fn uploads_v2(&self, library: &Library, number: i64) -> Answer {
        let now_s = calotype::model::time::Millis::now().0 / 1000;
        let payload = json!({ "fileName": "f", "folder": "/signed", "iat": now_s, "exp": now_s + 600 + number });
        let header = Header { kid: Some(self.public.clone()), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &payload, &EncodingKey::from_secret(self.private.as_bytes())).expect("a token");
        let form = Form::new().text("fileName", "f").text("folder", "/signed").text("token", token);
        send(library, "/api/v2/files/upload", form).await
    }
}

async fn send(library: &Library, path: &str, form: Form) -> Answer {
    let form = form.part("file", Part::bytes(bytes_of(3)).file_name("f"));
    answer(library.keyless(Method::POST, path).multipart(form)).await.expect("an answer")
}

#[tokio::test]
async fn every_active_pair_with_the_right_signs_and_no_other() {
    on_both_catalogs(async |library| {
        library.put_with("/secret.txt", bytes_of(9), &[("isPrivateFile", "true")]).await;
        // Rights, and whether they are enough to sign URLs and uploads.
        let pairs = [
            (json!("full"), true, true),
            (json!({ "files": "read" }), true, false),
            (json!({ "uploads": "write" }), false, true),
            (json!({ "folders": "write", "uploads": "read" }), false, false),
        ];
        for (number, (rights, delivers, uploads)) in pairs.into_iter().enumerate() {
            eprintln!("{rights}");
            let pair = make(library, rights).await;
            assert_eq!(pair.delivers(library).await, if delivers { 200 } else { 401 });
            for names_itself in [true, false] {
                let token = format!("{number}-{names_itself}");
                let answer = pair.uploads_v1(library, &token, names_itself).await;
                if uploads {
                    succeeded(&answer, 200);
                } else {
                    refused(&answer, 403, None, NO_PERMISSION);
                }
            }
            let answer = pair.uploads_v2(library, number as i64).await;
            if uploads {
                succeeded(&answer, 200);
            } else {
                refused(&answer, 403, None, NO_PERMISSION);
            }

            let before = library.paths("/signed").await;
            let revoked = library.client.send(Method::DELETE, &path_of_key(&pair.made), None).await.unwrap();
            succeeded_empty(&revoked);
            assert_eq!(pair.delivers(library).await, 401, "after it was revoked");
            let token = format!("{number}-revoked");
            refused(&pair.uploads_v1(library, &token, true).await, 403, None, UNKNOWN_KEY);
            let refusal = pair.uploads_v1(library, &token, false).await;
            refused(&refusal, 400, None, "Your request contains invalid signature.");
            refused(&pair.uploads_v2(library, number as i64 + 10).await, 400, None, BAD_TOKEN);
            assert_eq!(library.paths("/signed").await, before, "nothing was stored");
        }
    })
    .await;
}
