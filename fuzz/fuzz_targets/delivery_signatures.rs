//! Signed URLs. The input is a text that somebody with the key has signed, and the URL that is asked for, in two lines.
//!
//! What was signed as documented is accepted, a signature opens nothing but what was signed, however it is encoded, and
//! without the key there is no signature.

#![no_main]

use calotype::http::delivery::signature::{Asked, SIGNED_BYTES_MAX, Signature, verify};
use calotype_fuzz::{hmac_sha1, lines, unknowable_key};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;

const KEY: &str = "private_key_test";
const NOW_S: u64 = 1_767_225_000;
const NEVER: &str = "9999999999";
const ENDPOINTS: [&str; 3] = ["demo/", "/demo/", "https://ik.example/demo/"];

fuzz_target!(|data: &[u8]| {
    let Some([signed, asked]) = lines(data) else { return };
    forged(asked, &unknowable_key(data));
    sound(signed, asked);
    complete(asked);
});

fn check(url: &str, key: &str, now_s: u64) -> Signature {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    verify(Asked { path, query, endpoints: &ENDPOINTS.map(str::to_owned) }, ["private_other", key], now_s)
}

fn with(url: &str, parameter: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameter}")
}

fn forged(asked: &str, key: &str) {
    assert!(!matches!(check(asked, key, NOW_S), Signature::Valid { .. }), "forged");
    assert!(!matches!(check(asked, key, 0), Signature::Valid { .. }), "forged");
}

fn sound(signed: &str, asked: &str) {
    let url = with(asked, &format!("ik-s={}", hmac_sha1(KEY, signed)));
    let Signature::Valid { left_s } = check(&url, KEY, NOW_S) else { return };
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    let (times, rest): (Vec<_>, Vec<_>) = query.split('&').partition(|pair| pair.split('=').next() == Some("ik-t"));
    let expiry = times.first().map_or(NEVER, |time| time.strip_prefix("ik-t=").expect("an expiry has a value"));
    assert_eq!(left_s.is_some(), !times.is_empty());
    assert!(times.len() <= 1 && expiry.bytes().all(|byte| byte.is_ascii_digit()), "{asked}");
    let rest = rest.join("&");
    let query = if rest.is_empty() { String::new() } else { format!("?{rest}") };
    let named = ["", "/"].iter().chain(&ENDPOINTS).map(|endpoint| plain(&format!("{endpoint}{path}{query}{expiry}")));
    assert!(named.into_iter().any(|text| text == plain(signed)), "the signature of {signed:?} opens {asked:?}");
}

/// What is left of a text when all encoding is taken away.
fn plain(text: &str) -> Vec<u8> {
    let mut plain = text.as_bytes().to_vec();
    loop {
        let decoded: Vec<u8> = percent_encoding::percent_decode(&plain).collect();
        if decoded == plain {
            break;
        }
        plain = decoded;
    }
    plain.into_iter().map(|byte| if byte == b'+' { b' ' } else { byte }).collect()
}

fn complete(asked: &str) {
    let (path, query) = asked.split_once('?').unwrap_or((asked, "x=1"));
    if query.is_empty() || query.contains("ik-") || path.len() + query.len() > SIGNED_BYTES_MAX - 100 {
        return;
    }
    let url = format!("{path}?{query}");
    let mut texts = vec![url.clone()];
    if let Ok(decoded) = percent_decode_str(path).decode_utf8() {
        texts.push(format!("{decoded}?{query}"));
    }
    texts.extend(ENDPOINTS.map(|endpoint| format!("{endpoint}{url}")));
    for text in texts {
        let forever = format!("ik-s={}", hmac_sha1(KEY, &format!("{text}{NEVER}")));
        assert_eq!(check(&with(&url, &forever), KEY, NOW_S), Signature::Valid { left_s: None }, "{text}");
        let until = NOW_S + 600;
        let signature = hmac_sha1(KEY, &format!("{text}{until}"));
        let valid = Signature::Valid { left_s: Some(600) };
        assert_eq!(check(&with(&url, &format!("ik-t={until}&ik-s={signature}")), KEY, NOW_S), valid, "{text}");
        let first = format!("{path}?ik-s={signature}&ik-t={until}&{query}");
        assert_eq!(check(&first, KEY, NOW_S), valid, "wherever they stand: {text}");
        assert_eq!(check(&first, KEY, until + 1000), Signature::Expired, "{text}");
    }
}
