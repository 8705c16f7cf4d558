//! The contract's vectors, and what each kind of client signs.

use super::*;

const KEY: &str = "private_key_test";
const NOW_S: u64 = 1_767_225_000;

/// A URL after the endpoint, with its signature in it.
fn check(url: &str) -> Signature {
    check_at(url, NOW_S)
}

fn check_at(url: &str, now_s: u64) -> Signature {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let endpoints = ["demo/", "/demo/", "https://ik.example/demo/", "http://other.example:8770/demo/"];
    verify(Asked { path, query, endpoints: &endpoints.map(str::to_owned) }, ["private_other", KEY], now_s)
}

/// What a client's signing function returns.
fn sign(text: &str, expiry: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.update(expiry.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

const FOREVER: Signature = Signature::Valid { left_s: None };

#[test]
fn the_vectors_of_the_contract() {
    for (url, signature) in [
        ("img/a.png", "7d829d573476bafe2d6fbfb3c8aff07304d8c872"),
        ("img/%C3%BCber.png", "74751a2aca27f7b3ccf1f14a7604adf9360ec10b"),
        ("img/a.png?v=1&x=y", "ad6e8684e36ba37cbb4a680423d3aefd7aa31c1c"),
        ("img/a.png?tr=w-300,h-200", "99d738ab066d43820bed95e98d18e6c766785294"),
        ("tr:w-300,h-200/img/a.png?v=1", "79120ccbf80d5aa296ba870c9052f6f9cd2384ae"),
    ] {
        let joint = if url.contains('?') { '&' } else { '?' };
        assert_eq!(check(&format!("{url}{joint}ik-s={signature}")), FOREVER, "{url}");
        assert_eq!(check(&format!("{url}{joint}ik-s={}", signature.to_uppercase())), FOREVER, "{url}");
        assert_eq!(check(&format!("x{url}{joint}ik-s={signature}")), Signature::Wrong, "another path: {url}");
        assert_eq!(check(&format!("{url}{joint}y=1&ik-s={signature}")), Signature::Wrong, "another query: {url}");
        assert_eq!(check(&format!("{url}{joint}ik-t=9999999998&ik-s={signature}")), Signature::Wrong, "{url}");
    }
    for (url, signature) in [
        ("img/a.png?tr=w-300", "2c952a3e4b5d1a728c7914fac6e60d0f022c565f"),
        (
            "img/a%20b.jpg?tr=orig-true&updatedAt=2026-01-01+00%3A00%3A00+%2B0000+UTC",
            "b803c5878f29f65b66486c04c81e1316726dbbef",
        ),
    ] {
        let url = format!("{url}&ik-t=1767225600&ik-s={signature}");
        assert_eq!(check(&url), Signature::Valid { left_s: Some(600) }, "{url}");
    }
}

#[test]
fn the_parameters_may_stand_anywhere() {
    let signature = sign("a.png?v=1&x=y", "1767225600");
    let valid = Signature::Valid { left_s: Some(600) };
    for query in [
        format!("ik-s={signature}&ik-t=1767225600&v=1&x=y"),
        format!("v=1&ik-t=1767225600&x=y&ik-s={signature}"),
        format!("ik-t=1767225600&v=1&ik-s={signature}&x=y"),
    ] {
        assert_eq!(check(&format!("a.png?{query}")), valid, "{query}");
    }
    let alone = format!("a.png?ik-t=1767225600&ik-s={}", sign("a.png", "1767225600"));
    assert_eq!(check(&alone), valid, "no question mark is left");
}

#[test]
fn urls_expire_after_some_leeway() {
    let at = |expiry: &str| format!("a.png?ik-t={expiry}&ik-s={}", sign("a.png", expiry));
    let url = at("1767225600");
    for (now_s, signature) in [
        (1_767_225_600, Signature::Valid { left_s: Some(0) }),
        (1_767_225_600 + 60, Signature::Valid { left_s: Some(0) }),
        (1_767_225_600 + LEEWAY_S, Signature::Valid { left_s: Some(0) }),
        (1_767_225_600 + LEEWAY_S + 1, Signature::Expired),
        (u64::MAX, Signature::Expired),
    ] {
        assert_eq!(check_at(&url, now_s), signature, "{now_s}");
    }
    for large in ["9999999999", "99999999999999", "18446744073709551616", "999999999999999999999999999999"] {
        assert!(matches!(check(&at(large)), Signature::Valid { left_s: Some(_) }), "{large}");
    }
    for odd in ["", "-1", "1e9", "1767225600.5", "+1767225600", "٣", "0x70000000", &"9".repeat(31)] {
        assert_eq!(check(&at(odd)), Signature::Wrong, "{odd:?}");
    }
}

#[test]
fn what_is_no_signature() {
    assert_eq!(check("a.png"), Signature::Missing);
    assert_eq!(check("a.png?v=1"), Signature::Missing);
    assert_eq!(check("a.png?ik-t=1"), Signature::Missing, "an expiry alone");
    let good = sign("a.png", NEVER);
    for query in [
        "ik-s".to_owned(),
        "ik-s=".to_owned(),
        "ik-s=zz".to_owned(),
        format!("ik-s={}", "0".repeat(40)),
        format!("ik-s={}", "é".repeat(20)),
        format!("ik-s={good}0"),
        format!("ik-s={}", &good[..38]),
        format!("ik-s={good}&ik-s={good}"),
        format!("ik-t=9999999999&ik-t=9999999999&ik-s={good}"),
    ] {
        assert_eq!(check(&format!("a.png?{query}")), Signature::Wrong, "{query}");
    }
    let long = "a".repeat(SIGNED_BYTES_MAX);
    assert_eq!(check(&format!("{long}?ik-s={}", sign(&long, NEVER))), Signature::Wrong, "too long");
    let other_key =
        verify(Asked { path: "a.png", query: Some(&format!("ik-s={good}")), endpoints: &[] }, ["private_other"], NOW_S);
    assert_eq!(other_key, Signature::Wrong);
}

/// What is sent, and what the client signed.
#[test]
fn clients_sign_in_other_forms_than_they_send() {
    for (sent, signed, who) in [
        ("%C3%BC%20b.png", "ü b.png", "PHP signs what it decoded"),
        ("%c3%bc.png", "%C3%BC.png", "a client that writes lower-case hex"),
        ("a%28b%29.png", "a(b).png", "encodeURI, of a name that is sent encoded further"),
        ("a%25.png", "a%25.png", "as sent"),
        ("a.png?tr=w-300%2Ch-200", "a.png?tr=w-300,h-200", "Node 6 and Python 3 encode the values"),
        ("a.png?tr=w-300,h-200%3Arot-90", "a.png?tr=w-300%2Ch-200%3Arot-90", "encoded when signed"),
        ("a.png?tr=w-1%2ch-2%3aw-3", "a.png?tr=w-1,h-2:w-3", "lower-case hex in the query"),
        ("a.png?x=%C3%BC%20b", "a.png?x=ü b", "a decoded query"),
        ("a.png?x=%5B1%5D&y=%2F", "a.png?x=%5B1%5D&y=/", "encodeURI over the query"),
        ("a.png?x=a+b%2Bc", "a.png?x=a b+c", "a decoded form"),
        ("%C3%BC.png?tr=w-1%2Ch-2", "ü.png?tr=w-1,h-2", "both"),
        ("a.png", "/a.png", "an endpoint without its slash"),
        ("a.png?v=1", "demo/a.png?v=1", "the endpoint is the host alone"),
        ("a.png", "/demo/a.png", "and without its slash"),
        ("a.png?v=1", "https://ik.example/demo/a.png?v=1", "an absolute source, signed whole"),
        ("a.png", "http://other.example:8770/demo/a.png", "under another name of the server"),
        ("a//b.png", "a//b.png", "slashes as they are"),
    ] {
        let joint = if sent.contains('?') { '&' } else { '?' };
        let url = format!("{sent}{joint}ik-s={}", sign(signed, NEVER));
        assert_eq!(check(&url), FOREVER, "{who}: {url}");
    }
    for (sent, signed) in [("b/a.png", "a.png"), ("a/b.png", "a//b.png"), ("a.png", "A.png"), ("a.png?x=1", "a.png")] {
        let joint = if sent.contains('?') { '&' } else { '?' };
        let url = format!("{sent}{joint}ik-s={}", sign(signed, NEVER));
        assert_eq!(check(&url), Signature::Wrong, "{signed} is not {sent}");
    }
}

#[test]
fn the_forms_of_a_url_are_few() {
    let worst = "a%20%C3%BC%28b%29,:%2c%3A+";
    assert!(forms_of_path(worst).len() <= 3);
    assert!(forms_of_query(worst).len() <= 6);
    assert_eq!(forms_of_path("img/a.png"), ["img/a.png"]);
    assert_eq!(forms_of_query("tr=w-300"), ["tr=w-300"]);
}
