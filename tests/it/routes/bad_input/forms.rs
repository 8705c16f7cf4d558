//! Uploads that are no proper form, and files that are no proper image.

use super::*;

#[tokio::test]
async fn malformed_forms() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        let good = [good_parts(), END.to_vec()].concat();
        let parts = good_parts();
        let many_parts = (0..10_000).flat_map(|number| field(&format!("extra{number}"), b"x"));
        let many_parts = many_parts.chain(good.clone()).collect::<Vec<u8>>();
        let huge = vec![b'x'; 2 << 20];
        let huge_header = format!("Content-Disposition: form-data; name=\"x\"\r\nX-Huge: {}", "x".repeat(2 << 20));
        let cases: Vec<(&str, &str, Vec<u8>)> = vec![
            ("no boundary", "multipart/form-data", good.clone()),
            ("an empty boundary", "multipart/form-data; boundary=", good.clone()),
            ("another boundary", "multipart/form-data; boundary=YY", good.clone()),
            ("no form", "application/json", b"{\"fileName\":\"new.txt\"}".to_vec()),
            ("another form", FORM, b"fileName=new.txt&file=aGVsbG8h".to_vec()),
            ("a form without a type", "", good.clone()),
            ("nothing", MULTIPART, Vec::new()),
            ("only the end", MULTIPART, END.to_vec()),
            ("only text", MULTIPART, b"no form at all".to_vec()),
            ("cut in the file", MULTIPART, parts[..parts.len() - 500].to_vec()),
            ("cut before the end", MULTIPART, parts.clone()),
            ("cut in the end", MULTIPART, [&parts[..], b"--X"].concat()),
            ("cut in a header", MULTIPART, [&parts[..], b"--XX\r\nContent-Dispo"].concat()),
            ("a part without a name", MULTIPART, [part("X-Nothing: 1", b"x"), END.to_vec()].concat()),
            ("a header without a colon", MULTIPART, [part("nonsense", b"x"), END.to_vec()].concat()),
            ("a header that is no text", MULTIPART, [&b"--XX\r\n\xff\xfe: \x00\r\n\r\nx\r\n"[..], END].concat()),
            ("a name that is no UTF-8", MULTIPART, [field("fileName", b"a\xffb.txt"), good.clone()].concat()),
            ("10,000 parts", MULTIPART, many_parts),
            ("a huge name", MULTIPART, [field("fileName", &huge), good.clone()].concat()),
            ("a huge folder", MULTIPART, [field("folder", &huge), good.clone()].concat()),
            ("huge tags", MULTIPART, [field("tags", &huge), good.clone()].concat()),
            ("a huge header", MULTIPART, [part(&huge_header, b"x"), good.clone()].concat()),
        ];
        for path in ["/api/v1/files/upload", "/api/v2/files/upload"] {
            for (what, content_type, body) in &cases {
                refuse_raw(library, &format!("{what} to {path}"), &request(library, "POST", path, content_type, body))
                    .await;
            }
        }
        // The parts themselves were good.
        let answer = raw(library, &request(library, "POST", "/api/v1/files/upload", MULTIPART, &good)).await;
        let uploaded = answer.expect("an answer").expect(200);
        library.client.delete_file(uploaded.text("fileId")).await.expect("an answer").expect(204);
        library.client.delete_folder("/new").await.expect("an answer").expect(204);
        assert_unharmed(library, &before).await;
    })
    .await;
}

#[tokio::test]
async fn unusual_but_good_forms() {
    on_both_catalogs(async |library: &mut Library| {
        let content = bytes_of(2000);
        let upload = async |content_type: &str, body: Vec<u8>| {
            let request = request(library, "POST", "/api/v1/files/upload", content_type, &body);
            let answer = raw(library, &request).await.expect("an answer").expect(200);
            let got = library.client.get(answer.text("url")).await.expect("an answer");
            assert!(got.bytes == content, "the bytes of {}", answer.text("filePath"));
        };
        // Boundaries and quoting as some SDKs write them.
        for boundary in ["--randomBoundary---7", "randomBoundary-------------------9", "a'b(c)d+e_f,g./:=?h"] {
            let mut body = Vec::new();
            for (header, value) in [
                (
                    "Content-Disposition: form-data; name=fileName\r\nContent-Type: text/plain; charset=utf-8",
                    &b"new.txt"[..],
                ),
                ("content-disposition: form-data; name=folder", b"/new"),
                (
                    "Content-Disposition: form-data; name=file; filename*=UTF-8''%E5%86%99.txt\r\nContent-Type:",
                    &content,
                ),
            ] {
                body.extend(format!("--{boundary}\r\n{header}\r\n\r\n").into_bytes());
                body.extend(value);
                body.extend(b"\r\n");
            }
            body.extend(format!("--{boundary}--\r\n").into_bytes());
            upload(&format!("multipart/form-data; boundary=\"{boundary}\""), body).await;
        }
        // No line end behind the last boundary, and text behind that.
        upload(MULTIPART, [&good_parts()[..], b"--XX--"].concat()).await;
        upload("multipart/form-data; charset=utf-8; boundary=XX", [&good_parts()[..], END, b"after"].concat()).await;
    })
    .await;
}

#[tokio::test]
async fn broken_images_are_files_like_any_other() {
    on_both_catalogs(async |library: &mut Library| {
        let garbage = |magic: &[u8]| [magic, &bytes_of(300)[..]].concat();
        let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bomb.extend(0x7fff_ffff_u32.to_be_bytes());
        bomb.extend(0x7fff_ffff_u32.to_be_bytes());
        bomb.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        let entities = b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
            <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"&c;\">&c;</svg>";
        let nested = [b"<svg>".repeat(50_000), b"</svg>".repeat(10)].concat();
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("signature.png", b"\x89PNG\r\n\x1a\n".to_vec()),
            ("garbage.png", garbage(b"\x89PNG\r\n\x1a\n")),
            ("bomb.png", bomb),
            ("chunk.png", garbage(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR")),
            ("soi.jpg", b"\xff\xd8\xff".to_vec()),
            ("garbage.jpg", garbage(b"\xff\xd8\xff\xe0")),
            ("length.jpg", b"\xff\xd8\xff\xe1\0\0\xff\xc0\0\x01".to_vec()),
            ("exif.jpg", garbage(b"\xff\xd8\xff\xe1\x01\x00Exif\0\0MM\0*\xff\xff\xff\xff")),
            ("header.gif", b"GIF89a".to_vec()),
            ("garbage.gif", garbage(b"GIF89a\xff\xff\xff\xff\xff\xff\xff")),
            ("garbage.webp", garbage(b"RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\xff")),
            ("short.webp", b"RIFF\0\0\0\0WEBP".to_vec()),
            ("garbage.bmp", garbage(b"BM\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff")),
            ("negative.bmp", [b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\xff\xff\0\0\0\x80", &[0; 40][..]].concat()),
            ("garbage.tiff", garbage(b"II*\0\xff\xff\xff\xff")),
            ("loop.tiff", b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec()),
            ("many.ico", garbage(b"\0\0\x01\0\xff\xff")),
            ("garbage.heic", garbage(b"\0\0\0\x18ftypheic\0\0\0\0")),
            ("garbage.avif", garbage(b"\xff\xff\xff\xffftypavif\0\0\0\0")),
            ("garbage.psd", garbage(b"8BPS\0\x01")),
            ("entities.svg", entities.to_vec()),
            ("nested.svg", nested),
            ("cut.svg", b"<svg width=".to_vec()),
            ("latin.svg", b"<svg xmlns='\xff\xfe' width='1e999' height='-5'/>".to_vec()),
        ];
        for (name, bytes) in cases {
            eprintln!("{name}");
            let uploaded = library.client.upload("/broken", name, bytes.clone()).await.expect("an answer").expect(200);
            assert_eq!(uploaded.body["size"], bytes.len(), "{name}");
            let file = library.client.details(uploaded.text("fileId")).await.expect("an answer").expect(200).body;
            for key in ["width", "height"] {
                if let Some(value) = file.get(key) {
                    assert!(value.as_u64().is_some_and(|value| value > 0), "{key} of {name}: {file:#}");
                }
            }
            assert!(library.bytes(&format!("/broken/{name}")).await == bytes, "the bytes of {name}");
        }
        library.server.assert_no_panic();
    })
    .await;
}
