//! Signed URLs against the running server, and who needs one. Every form that clients sign is in the unit tests of the
//! verification; here are the forms of the contract's clients, and what a signature opens.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::*;
use crate::support::server::PRIVATE_KEY;

/// `ik-s` for what stands after the endpoint, as a client computes it. `expiry` is `ik-t`.
fn sign(key: &str, text: &str, expiry: Option<i64>) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    mac.update(expiry.map_or("9999999999".to_owned(), |seconds| seconds.to_string()).as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The URL with its signature, as SDKs append it.
pub(super) fn signed(base: &str, text: &str, expiry: Option<i64>) -> String {
    let joint = if text.contains('?') { '&' } else { '?' };
    let time = expiry.map(|seconds| format!("ik-t={seconds}&")).unwrap_or_default();
    format!("{base}/library/{text}{joint}{time}ik-s={}", sign(PRIVATE_KEY, text, expiry))
}

/// Uploads a private file under this name as it is, and returns its url.
async fn put_private(library: &Library, folder: &str, name: &str, bytes: Vec<u8>) -> String {
    let fields = [("fileName", name), ("folder", folder), ("useUniqueFileName", "false"), ("isPrivateFile", "true")];
    let form = fields
        .into_iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value.to_owned()));
    let form = form.part("file", reqwest::multipart::Part::bytes(bytes).file_name("x"));
    let request = library.client.request(Method::POST, "/api/v2/files/upload").multipart(form);
    answer(request).await.expect("an answer").expect(200).text("url").to_owned()
}

fn now_s() -> i64 {
    calotype::model::time::Millis::now().0 / 1000
}

/// Whether an answer is a 401 with nothing of the file in it.
#[track_caller]
fn unauthorized(answer: &Download, what: &str) {
    assert_eq!((answer.status, answer.bytes.as_slice()), (401, b"Unauthorized".as_slice()), "{what}");
    assert!(header(answer, "ik-error").is_some_and(|error| error.starts_with("EACCES - ")), "{what}");
    assert_eq!(header(answer, "cache-control"), Some("no-store"), "{what}");
    assert_eq!(header(answer, "etag"), None, "{what}");
    request_id(&answer.headers);
}

#[tokio::test]
async fn a_signature_opens_a_private_file() {
    on_both_catalogs(async |library: &mut Library| {
        library.put_with("/img/a.png", bytes_of(50), &[("isPrivateFile", "true")]).await;
        let base = library.client.base().to_owned();
        for text in ["img/a.png", "img/a.png?v=1&x=y", "img/a.png?tr=orig-true", "tr:orig-true/img/a.png?v=1"] {
            for expiry in [None, Some(now_s() + 600), Some(99_999_999_999_999)] {
                let answer = fetch(library, Method::GET, &signed(&base, text, expiry), &[]).await;
                assert_eq!((answer.status, answer.bytes), (200, bytes_of(50)), "{text}, {expiry:?}");
            }
            unauthorized(&fetch(library, Method::GET, &format!("{base}/library/{text}"), &[]).await, text);
        }
        // rclone: its reads expire at once, and its query is sorted and form-encoded.
        let now = now_s();
        let text = "img/a.png?tr=orig-true&updatedAt=2026-01-01+00%3A00%3A00+%2B0000+UTC";
        let url = signed(&base, text, Some(now));
        let answer = fetch(library, Method::GET, &url, &[("range", "bytes=10-19")]).await;
        assert_eq!((answer.status, answer.bytes), (206, bytes_of(50)[10..20].to_vec()));
        let sorted = format!(
            "{base}/library/img/a.png?ik-s={}&ik-t={now}&{}",
            sign(PRIVATE_KEY, text, Some(now)),
            &text["img/a.png?".len()..]
        );
        assert_eq!(fetch(library, Method::HEAD, &sorted, &[]).await.status, 200);

        let head = fetch(library, Method::HEAD, &signed(&base, "img/a.png", None), &[]).await;
        assert_eq!((head.status, header(&head, "cache-control")), (200, Some("private, no-cache")));
        for (url, why) in [
            (signed(&base, "img/a.png", Some(now_s() - 600)), "expired"),
            (signed(&base, "img/a.png", None).replace("a.png", "b.png"), "another path"),
            (signed(&base, "img/a.png", Some(now + 600)).replace(&(now + 600).to_string(), "9999999999"), "later"),
            (format!("{base}/library/img/a.png?ik-s={}", sign("private_other", "img/a.png", None)), "another key"),
            (format!("{base}/library/img/a.png?ik-s={}", "0".repeat(40)), "nothing"),
        ] {
            unauthorized(&fetch(library, Method::GET, &url, &[]).await, why);
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_signature_is_refused_also_where_none_is_needed() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a.png", bytes_of(50)).await;
        let base = library.client.base().to_owned();
        for (url, status) in [
            (format!("{base}/library/a.png"), 200),
            (format!("{base}/library/a.png?ik-t=1"), 200),
            (signed(&base, "a.png", None), 200),
            (signed(&base, "a.png", Some(1)), 401),
            (format!("{base}/library/a.png?ik-s=00"), 401),
            (signed(&base, "none.png", None), 404),
            // Slashes count once for what is looked up, and each for what is signed.
            (signed(&base, "//a.png", None), 200),
            (signed(&base, "a.png", None).replace("/a.png", "///a.png"), 401),
            (format!("{base}/library/none.png?ik-s=00"), 401),
        ] {
            assert_eq!(fetch(library, Method::GET, &url, &[]).await.status, status, "{url}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_server_may_be_known_by_other_names() {
    let settings = [("CALOTYPE_PUBLIC_URL", "https://media.example.com/pictures")];
    with_settings(&settings, async |library: &mut Library| {
        let public = "https://media.example.com/pictures/library/d/a%20b.png";
        assert_eq!(put_private(library, "/d", "a b.png", bytes_of(50)).await, public);
        let base = library.client.base().to_owned();
        let at =
            |prefix: &str, text: &str| format!("{base}{prefix}/d/a%20b.png?ik-s={}", sign(PRIVATE_KEY, text, None));
        let host = base.strip_prefix("http://").expect("plain HTTP");
        for (url, what) in [
            (at("/library", "d/a%20b.png"), "a proxy that strips the public path"),
            (at("/pictures/library", "d/a%20b.png"), "and one that does not"),
            (at("/library", "d/a b.png"), "decoded"),
            (at("/library", "/d/a%20b.png"), "an endpoint without its slash"),
            (at("/library", "library/d/a%20b.png"), "an endpoint that is the host"),
            (at("/library", public), "the whole URL"),
            (at("/library", &format!("http://{host}/library/d/a%20b.png")), "the whole URL under the other name"),
            (at("/library", &format!("https://{host}/library/d/a%20b.png")), "and with TLS before the server"),
        ] {
            let answer = fetch(library, Method::GET, &url, &[]).await;
            assert_eq!((answer.status, answer.bytes), (200, bytes_of(50)), "{what}");
        }
        let named = at("/library", "https://ik.imagekit.io/library/d/a%20b.png");
        unauthorized(&fetch(library, Method::GET, &named, &[]).await, "a name that this request does not use");
        assert_eq!(fetch(library, Method::GET, &named, &[("host", "ik.imagekit.io")]).await.status, 200);
        // A host with a slash would make another path of what was signed.
        let tail = format!("{base}/library/a%20b.png?ik-s={}", sign(PRIVATE_KEY, "http://x/d/library/a%20b.png", None));
        put_private(library, "/", "a b.png", bytes_of(51)).await;
        let answer = fetch(library, Method::GET, &tail, &[("host", "x/d")]).await;
        assert!([400, 401].contains(&answer.status), "a made-up host: {}", answer.status);
    })
    .await;
}

#[tokio::test]
async fn who_needs_a_signature() {
    let scenario = async |library: &mut Library, is_restricted: bool| {
        let base = library.client.base().to_owned();
        library.put("/public.png", bytes_of(50)).await;
        library.put_with("/private.png", bytes_of(50), &[("isPrivateFile", "true")]).await;
        library.put_with("/draft.png", bytes_of(50), &[("isPublished", "false")]).await;
        let if_restricted = |status: u16, otherwise: u16| if is_restricted { status } else { otherwise };
        for (text, unsigned, with_signature) in [
            ("public.png", if_restricted(401, 200), 200),
            ("public.png?tr=w-10", if_restricted(401, 200), if_restricted(400, 200)),
            ("tr:n-ik_ml_thumbnail/public.png", if_restricted(401, 200), if_restricted(400, 200)),
            ("public.png?tr=n-nothing", if_restricted(401, 400), 400),
            ("private.png", 401, 200),
            ("private.png?tr=orig-true", 401, 200),
            // A blurred preview must not turn out sharp.
            ("private.png?tr=bl-50", 401, 400),
            ("tr:n-ik_ml_thumbnail/private.png", if_restricted(401, 400), 400),
            ("draft.png", if_restricted(401, 404), 404),
            ("none.png", if_restricted(401, 404), 404),
        ] {
            let plain = fetch(library, Method::GET, &format!("{base}/library/{text}"), &[]).await;
            assert_eq!(plain.status, unsigned, "unsigned {text}, restricted: {is_restricted}");
            let answer = fetch(library, Method::GET, &signed(&base, text, None), &[]).await;
            assert_eq!(answer.status, with_signature, "signed {text}, restricted: {is_restricted}");
            for answer in [plain, answer] {
                assert_eq!(answer.bytes == bytes_of(50), answer.status == 200, "{text}");
                assert_eq!(header(&answer, "ik-error").is_some(), answer.status != 200, "{text}");
            }
        }
    };
    on_both_catalogs(async |library: &mut Library| scenario(library, false).await).await;
    with_settings(&[("CALOTYPE_RESTRICT_UNSIGNED_URLS", "true")], async |library: &mut Library| {
        scenario(library, true).await;
    })
    .await;
}

#[tokio::test]
async fn versions_follow_the_same_rules() {
    on_both_catalogs(async |library: &mut Library| {
        let base = library.client.base().to_owned();
        let file = library.put_with("/f.png", bytes_of(10), &[("isPrivateFile", "true")]).await;
        library.put("/f.png", bytes_of(20)).await;
        let id = file["fileId"].as_str().unwrap();
        let versions = library.client.versions(id).await.unwrap().expect(200).body;
        let url = versions[1]["url"].as_str().unwrap();
        unauthorized(&fetch(library, Method::GET, url, &[]).await, "an older version that is private");
        let text = url.strip_prefix(&format!("{base}/library/")).expect("a url of this server");
        let now = now_s();
        let answer = fetch(library, Method::GET, &signed(&base, text, Some(now + 600)), &[]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 10));
        let kept = header(&answer, "cache-control").expect("Cache-Control");
        let seconds = kept.strip_prefix("private, max-age=").and_then(|rest| rest.strip_suffix(", immutable"));
        let seconds: i64 = seconds.unwrap_or_else(|| panic!("{kept}")).parse().expect("seconds");
        assert!((500..=600).contains(&seconds), "not longer than the signature: {kept}");
    })
    .await;
}
