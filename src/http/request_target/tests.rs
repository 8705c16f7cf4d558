//! What becomes of messages on their way in, whatever pieces they come in.

use tokio::io::AsyncReadExt;

use super::*;

/// What comes out when the bytes come in pieces of this size, at most.
fn passed(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut repair, mut out) = (Repair::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        let mut ready = Vec::new();
        let passed = repair.pass(piece, &mut ready);
        out.extend_from_slice(&piece[..passed]);
        out.append(&mut ready);
    }
    repair.end(&mut out);
    out
}

/// Whatever the pieces, this becomes that.
#[track_caller]
fn becomes(sent: &str, expected: &str) {
    for piece in [1, 2, 3, 7, 50, usize::MAX] {
        let out = passed(sent.as_bytes(), piece);
        assert_eq!(String::from_utf8_lossy(&out), expected, "in pieces of {piece}");
    }
}

#[track_caller]
fn stays(sent: &str) {
    becomes(sent, sent);
}

#[test]
fn quotes_brackets_and_spaces_are_encoded_in_the_target_only() {
    becomes(
        "GET /v1/files?searchQuery=name = \"a b.txt\" HTTP/1.1\r\nX: \"<a b>\"\r\n\r\n",
        "GET /v1/files?searchQuery=name%20=%20%22a%20b.txt%22 HTTP/1.1\r\nX: \"<a b>\"\r\n\r\n",
    );
    becomes("GET /a?q=size<5&r=>`x HTTP/1.0\n\n", "GET /a?q=size%3C5&r=%3E%60x HTTP/1.0\n\n");
    becomes("GET /a HTTP/1.1 b HTTP/1.1\r\n\r\n", "GET /a%20HTTP/1.1%20b HTTP/1.1\r\n\r\n");
    becomes("\r\n\nGET /a b HTTP/1.1\r\n\r\n", "\r\n\nGET /a%20b HTTP/1.1\r\n\r\n");
    stays("GET /v1/files?searchQuery=name%20=%20'a' HTTP/1.1\r\nX: y\r\n\r\n");
}

#[test]
fn messages_are_told_apart_by_their_lengths() {
    let body = "GET /\"a b\" HTTP/1.1\r\n\r\n";
    let post = format!("POST /\"x\" HTTP/1.1\r\nContent-length: {}\r\n\r\n{body}", body.len());
    let plain = post.replace("/\"x\"", "/x");
    let repaired = post.replace("/\"x\"", "/%22x%22");
    becomes(&post, &repaired);
    stays(&plain);
    // One behind the other, without waiting for answers.
    let get = "GET /a b HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    let got = get.replace("/a b", "/a%20b");
    let (post, plain, repaired, got) = (post.as_str(), plain.as_str(), repaired.as_str(), got.as_str());
    becomes(&[post, get, plain, get, "\r\n", post].concat(), &[repaired, got, plain, got, "\r\n", repaired].concat());
    // The next one is not all there.
    stays(&[plain, "GET /a b"].concat());
}

#[test]
fn after_what_could_be_misunderstood_nothing_is_changed() {
    let next = "GET /\"a b\" HTTP/1.1\r\n\r\n";
    for head in [
        "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "POST /\"x\" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "POST /x HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na",
        "POST /x HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "POST /x HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\na",
        "POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n\r\na",
        "GET /x HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "CONNECT x:80 HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET /\"x\" HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET /x HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
        "GET /x y\r\n\r\n",
        "GET /x y HTTP/2.0\r\n\r\n",
        "GET /x y HTTP/1.1 \r\n\r\n",
        "nonsense\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        stays(&format!("{head}{next}"));
        stays(&format!("GET /first HTTP/1.1\r\n\r\n{head}{next}{next}"));
    }
    let many = format!("GET /x y HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS_MAX + 1));
    stays(&format!("{many}{next}"));
    let long = format!("GET /x y HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(HEAD_BYTES_MAX));
    let out = passed(format!("{long}{next}").as_bytes(), 1000);
    assert_eq!(out, format!("{long}{next}").as_bytes());
}

/// The work is that of the bytes, not of the bytes for each head: each would copy what stands behind it otherwise.
#[test]
fn many_heads_that_come_at_once_are_repaired_one_by_one() {
    let (sent, expected) = ("A \" HTTP/1.1\n\n", "A %22 HTTP/1.1\n\n");
    let (bytes, mut ready) = (sent.repeat(30_000), Vec::new());
    assert_eq!(Repair::default().pass(bytes.as_bytes(), &mut ready), 0);
    assert!(ready == expected.repeat(30_000).as_bytes());
    let Head::Repaired(length, repaired, _) = look(bytes.as_bytes()) else { panic!("it needs repair") };
    assert!(length == sent.len() && repaired.capacity() < 100, "{length} bytes, room for {}", repaired.capacity());
}

#[test]
fn nonsense_is_not_waited_for() {
    for beginning in ["\u{16}\u{3}\u{1}", "(", "G(", "GET\t"] {
        let mut repair = Repair::default();
        assert_eq!(repair.pass(beginning.as_bytes(), &mut Vec::new()), beginning.len(), "{beginning:?}");
    }
}

#[tokio::test]
async fn a_connection_is_read_through_buffers_of_any_size() {
    let sent = "GET /a b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 9\r\n\r\n\"< body >GET /\" HTTP/1.1\r\n\r\nGET /x y";
    let expected = sent.replacen("/a b", "/a%20b", 1).replacen("/\" ", "/%22 ", 1);
    for piece in [1, 2, 5, 1000] {
        for room in [1, 3, 1000] {
            let mut inner = in_pieces(sent.as_bytes(), piece);
            let mut reader = Repaired::new(&mut inner);
            let (mut out, mut buffer) = (Vec::new(), vec![0; room]);
            loop {
                let count = reader.read(&mut buffer).await.unwrap();
                if count == 0 {
                    break;
                }
                out.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(String::from_utf8_lossy(&out), expected, "pieces of {piece}, room for {room}");
        }
    }
}

/// A reader that gives so many bytes at a time.
fn in_pieces(bytes: &[u8], piece: usize) -> impl AsyncRead + Unpin {
    let pieces: Vec<_> =
        bytes.chunks(piece).map(|piece| io::Result::Ok(bytes::Bytes::copy_from_slice(piece))).collect();
    tokio_util::io::StreamReader::new(futures_util::stream::iter(pieces))
}
