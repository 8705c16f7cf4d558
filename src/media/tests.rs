//! Probing real files of every format, cut and damaged ones included.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use super::*;
use crate::blobs::HEAD_BYTES_MAX;

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn known(bytes: &[u8], name: &str) -> Media {
    match probe(bytes, bytes.len() as u64, name) {
        Probe::Known(media) => media,
        more => panic!("{name}: {more:?}"),
    }
}

fn facts(bytes: &[u8], name: &str) -> (String, Option<(u32, u32)>, Option<bool>) {
    let media = known(bytes, name);
    (media.mime, media.width.zip(media.height), media.has_alpha)
}

fn opaque() -> DynamicImage {
    DynamicImage::new_rgb8(30, 20)
}

fn transparent() -> DynamicImage {
    DynamicImage::new_rgba8(30, 20)
}

/// A file in the format of `mif1`: `ftyp`, then `meta` with the item properties.
fn heif(brand: &[u8; 4], alpha: bool) -> Vec<u8> {
    let boxed = |name: &[u8; 4], body: &[u8]| {
        let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(body);
        bytes
    };
    let mut size = vec![0; 4];
    size.extend([640_u32.to_be_bytes(), 480_u32.to_be_bytes()].concat());
    let mut properties = boxed(b"ispe", &size);
    if alpha {
        let urn = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";
        properties.extend(boxed(b"auxC", urn));
    }
    let properties = boxed(b"iprp", &boxed(b"ipco", &properties));
    let ftyp = [&brand[..], &[0; 4], b"mif1", brand].concat();
    let meta = [&[0; 4][..], &properties].concat();
    let mut file = boxed(b"ftyp", &ftyp);
    file.extend(boxed(b"meta", &meta));
    file.extend(boxed(b"mdat", &[7; 64]));
    file
}

#[test]
fn encoded_images_tell_size_and_transparency() {
    let size = Some((30, 20));
    for (format, name, mime, alpha_formats) in [
        (ImageFormat::Png, "a.png", "image/png", true),
        (ImageFormat::WebP, "a.webp", "image/webp", true),
        (ImageFormat::Tiff, "a.tif", "image/tiff", true),
        (ImageFormat::Bmp, "a.bmp", "image/bmp", true),
    ] {
        let plain = facts(&encoded(&opaque(), format), name);
        assert_eq!(plain, (mime.into(), size, Some(false)));
        let clear = facts(&encoded(&transparent(), format), "wrong.txt");
        assert_eq!(clear, (mime.into(), size, Some(alpha_formats)));
    }
    let jpeg = encoded(&opaque(), ImageFormat::Jpeg);
    assert_eq!(facts(&jpeg, ""), ("image/jpeg".into(), size, Some(false)));
    let icon = encoded(&transparent(), ImageFormat::Ico);
    assert_eq!(facts(&icon, "").1, size);
    let gif = encoded(&transparent(), ImageFormat::Gif);
    assert_eq!(facts(&gif, "x"), ("image/gif".into(), size, Some(true)));
    let gif = encoded(&opaque(), ImageFormat::Gif);
    assert_eq!(facts(&gif, "x"), ("image/gif".into(), size, Some(false)));
    assert_eq!(known(&gif, "x").kind, Kind::Image);
}

#[test]
fn a_transparent_colour_in_a_png_counts() {
    let png = encoded(&opaque(), ImageFormat::Png);
    // Between the header chunk (33 bytes with the signature) and the rest.
    let chunk = [&6_u32.to_be_bytes()[..], b"tRNS", &[0; 6], &[0; 4]].concat();
    let keyed = [&png[..33], &chunk, &png[33..]].concat();
    assert_eq!(facts(&keyed, "a.png").2, Some(true));
}

#[test]
fn heif_files_tell_size_and_alpha_plane() {
    for (brand, mime) in [(b"heic", "image/heic"), (b"avif", "image/avif"), (b"hevc", "image/heic")] {
        for alpha in [false, true] {
            let found = facts(&heif(brand, alpha), "x");
            assert_eq!(found, (mime.into(), Some((640, 480)), Some(alpha)));
        }
    }
    let mut generic = heif(b"avif", false);
    generic[8..12].copy_from_slice(b"mif1");
    assert_eq!(known(&generic, "x").mime, "image/avif");
    let cut = &generic[..60];
    assert!(matches!(probe(cut, generic.len() as u64, "x"), Probe::NeedMore { .. }));
}

#[test]
fn headers_written_by_hand_are_read() {
    let psd = |channels: u8| {
        let mut psd = b"8BPS\0\x01\0\0\0\0\0\0\0".to_vec();
        psd.extend([channels, 0, 0, 0, 20, 0, 0, 0, 30, 0, 8, 0, 3, 0, 0]);
        psd
    };
    let mime = "image/vnd.adobe.photoshop".to_owned();
    assert_eq!(facts(&psd(3), ""), (mime.clone(), Some((30, 20)), Some(false)));
    assert_eq!(facts(&psd(4), ""), (mime, Some((30, 20)), Some(true)));

    // Top row first: a negative height.
    let mut bmp = encoded(&opaque(), ImageFormat::Bmp);
    bmp[22..26].copy_from_slice(&(-20_i32).to_le_bytes());
    assert_eq!(facts(&bmp, "").1, Some((30, 20)));

    // A bare JPEG XL codestream; its size is packed by the bit.
    let jxl = facts(&[0xff, 0x0a, 0x05, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0], "x");
    assert_eq!(jxl.0, "image/jxl");
    assert!(jxl.1.is_some());

    let mut big = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    for (tag, value) in [(256_u16, 30_u64), (257, 20)] {
        big.extend(tag.to_le_bytes());
        big.extend(16_u16.to_le_bytes());
        big.extend(1_u64.to_le_bytes());
        big.extend(value.to_le_bytes());
    }
    assert_eq!(facts(&big, ""), ("image/tiff".into(), Some((30, 20)), Some(false)));
}

#[test]
fn a_header_beyond_the_head_asks_for_more() {
    let jpeg = encoded(&opaque(), ImageFormat::Jpeg);
    let mut long = jpeg[..2].to_vec();
    for _ in 0..5 {
        long.extend([0xff, 0xe2, 0xff, 0xff]);
        long.extend(vec![1; 0xfffd]);
    }
    long.extend(&jpeg[2..]);
    let size = long.len() as u64;
    let Probe::NeedMore { head_bytes, so_far } = probe(&long[..HEAD_BYTES_MAX], size, "a.jpg") else {
        panic!("the size stands behind the head");
    };
    assert_eq!((head_bytes, so_far.width), (size, None));
    assert_eq!(so_far.mime, "image/jpeg");
    assert_eq!(facts(&long, "a.jpg").1, Some((30, 20)));

    // At the limit the size is left open.
    let limit = HEAD_BYTES_LIMIT as usize;
    let mut endless = vec![0; limit];
    endless[..4].copy_from_slice(b"II\x2a\0");
    endless[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let asked = probe(&endless[..1000], u64::MAX, "a.tif");
    assert!(matches!(asked, Probe::NeedMore { head_bytes: HEAD_BYTES_LIMIT, .. }));
    assert!(matches!(probe(&endless, u64::MAX, "a.tif"), Probe::Known(Media { width: None, .. })));
}

#[test]
fn fill_bytes_in_a_jpeg_are_no_obstacle() {
    let jpeg = encoded(&opaque(), ImageFormat::Jpeg);
    let filled = [&jpeg[..2], &[0xff; 3], &jpeg[2..]].concat();
    assert_eq!(facts(&filled, "").1, Some((30, 20)));
}

#[test]
fn an_svg_tells_its_size_from_attributes_or_view_box() {
    for (attributes, wanted) in [
        (r#"width="30" height="20""#, Some((30, 20))),
        (r#"width='1in' height='25.4mm'"#, Some((96, 96))),
        (r#"viewBox="0 0 30.4 20""#, Some((30, 20))),
        (r#"width="60" viewBox="0,0,30,20""#, Some((60, 40))),
        (r#"width="100%" height="100%" viewBox="0 0 3 2""#, Some((3, 2))),
        (r#"width="100%""#, None),
        (r#"width="-3" height="1e999""#, None),
        (r#"width="&big;" height="&big;""#, None),
    ] {
        let svg = format!(
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- x -->\n<!DOCTYPE svg [<!ENTITY big \"9\">]>\n\
             <svg xmlns=\"&big;\" {attributes}><g/></svg>"
        );
        let found = facts(svg.as_bytes(), "x");
        assert_eq!(found, ("image/svg+xml".into(), wanted, Some(true)), "{attributes}");
        assert_eq!(known(svg.as_bytes(), "x").kind, Kind::Image);
    }
    assert_eq!(facts(b"<svg:svg width='3' height='4'/>", "").1, Some((3, 4)));
    assert_eq!(known(b"<!-- <svg> --><html><svg/></html>", "a.html").mime, "text/html");
}

#[test]
fn text_is_named_by_its_extension() {
    for (bytes, name, wanted) in [
        (&b"BM is a town in Germany, and so on."[..], "a.txt", "text/plain"),
        (b"GIF or PNG?", "a.md", "text/markdown"),
        (b"<p >hello</p>", "a", UNKNOWN),
        (b"<?xml version='1.0'?><a/>", "a.xml", "text/xml"),
        (b"hello", "noextension", UNKNOWN),
        (b"", "a.jpg", "image/jpeg"),
        (b"", "", UNKNOWN),
        (b"%PDF-1.7\n", "a.txt", "application/pdf"),
        (b"PK\x03\x04\0\0\0\0\0\0\0\0", "a.jar", "application/java-archive"),
        (b"PK\x03\x04\0\0\0\0\0\0\0\0", "a.jpg", "application/zip"),
        (b"\x01\x02\x03", "a.unheardof", UNKNOWN),
    ] {
        assert_eq!(known(bytes, name).mime, wanted, "{name}");
    }
    assert_eq!(known(b"hello", "a.txt").kind, Kind::NonImage);
    assert_eq!(known(b"AC1015\0\0\0\0\0\0", "a.dwg").kind, Kind::NonImage);
}

/// Any prefix and many damaged copies of every format: no panic, and always an answer.
#[test]
fn damaged_files_never_panic() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let svg = b"<!DOCTYPE svg [<!ENTITY a '&a;'>]><svg width='3' viewBox='0 0 1 2'><a/></svg>".to_vec();
    let mut files = vec![svg, heif(b"avif", true), heif(b"heic", false)];
    for format in
        [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Ico]
    {
        files.push(encoded(&transparent(), format));
    }
    files.push(encoded(&opaque(), ImageFormat::Jpeg));
    files.push([&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 1500]].concat());
    files.push([&b"PK\x03\x04"[..], &[0; 26], b"[Content_Types].xml", &[9; 80]].concat());
    files.push([&b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x10jxlp"[..], &[0; 60]].concat());
    for file in files {
        for cut in 0..file.len().min(300) {
            let _ = probe(&file[..cut], file.len() as u64, "x.png");
        }
        for _ in 0..3000 {
            let mut damaged = file.clone();
            for _ in 0..random.random_range(1..8) {
                let at = random.random_range(0..damaged.len().min(400));
                damaged[at] = match random.random_range(0..3) {
                    0 => 0xff,
                    1 => 0,
                    _ => random.random(),
                };
            }
            let media = probe(&damaged, damaged.len() as u64, "x").into_media();
            assert!(!media.mime.is_empty());
        }
    }
}
