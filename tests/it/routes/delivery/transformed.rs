//! Names for search engines, and transformations in URLs: `orig-true` is the original; of all others the original of a public file stands in, and the
//! answer says so, until there are transformations.

use super::*;

#[tokio::test]
async fn where_a_transformation_stands_and_what_it_is() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/x/y/a.png", bytes_of(50)).await;
        let base = library.client.base().to_owned();
        let listed = library.entry("/x/y/a.png").await;
        let thumbnail = listed["thumbnail"].as_str().unwrap().strip_prefix(&format!("{base}/library/")).unwrap();
        for (path, is_original) in [
            ("x/y/a.png?tr=orig-true", true),
            ("tr:orig-true/x/y/a.png", true),
            ("x/tr:orig-true/y/a.png", true),
            ("x/y/tr:w-10:orig-true/a.png?tr=h-20", true),
            ("x/y/a.png?tr=", true),
            ("x//y/a.png?updatedAt=7&v=8&ik-sdk-version=php-1", true),
            (thumbnail, false),
            ("x/y/a.png?tr=w-300,h-200:rt-90", false),
            ("x/y/a.png?tr=w-300%2Ch-200", false),
            ("tr%3Aw-300%2Ch-200/x/y/a.png", false),
            ("tr:l-text,i-hello,fs-50,l-end/x/y/a.png", false),
        ] {
            let answer = fetch(library, Method::GET, &format!("{base}/library/{path}"), &[]).await;
            assert_eq!((answer.status, answer.bytes.as_slice()), (200, bytes_of(50).as_slice()), "{path}");
            assert_eq!(header(&answer, "calotype-note").is_none(), is_original, "{path}");
            assert_eq!(header(&answer, "cache-control"), Some("public, no-cache"), "{path}");
        }
        let answer = fetch(library, Method::GET, &format!("{base}/library/tr:n-mine/x/y/a.png"), &[]).await;
        assert_eq!((answer.status, answer.bytes.as_slice()), (400, b"Bad Image Transformation Request".as_slice()));
        assert!(header(&answer, "ik-error").is_some_and(|error| error.starts_with("EUNSUPPORTED - ")));
    })
    .await;
}

#[tokio::test]
async fn a_folder_may_be_called_like_a_transformation() {
    on_both_catalogs(async |library: &mut Library| {
        let url = url_of(library, "/tr:w-10", "tr:x", bytes_of(30)).await;
        let answer = fetch(library, Method::GET, &url, &[]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 30), "{url}");
        assert_eq!(header(&answer, "calotype-note"), None);
        let base = library.client.base();
        not_found(&fetch(library, Method::GET, &format!("{base}/library/tr:w-10/tr:x"), &[]).await);
    })
    .await;
}

#[tokio::test]
async fn a_name_for_search_engines_leads_to_the_file() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/x/y/old.png", bytes_of(50)).await;
        library.put("/ik-seo/x/y/other/new.png", bytes_of(60)).await;
        library.put("/x/y/other.png", bytes_of(70)).await;
        library.put_with("/x/secret.png", bytes_of(80), &[("isPrivateFile", "true")]).await;
        let base = library.client.base().to_owned();
        for (path, status, length) in [
            ("ik-seo/x/y/old/red%20shoes.png", 200, 50),
            ("ik-seo/x/y/old/red%20shoes.png?tr=orig-true&v=1", 200, 50),
            // What is really there comes first.
            ("ik-seo/x/y/other/new.png", 200, 60),
            ("ik-seo/x/y/other/newer.png", 200, 70),
            ("ik-seo/x/y/old/red%20shoes.jpg", 404, 9),
            ("ik-seo/old/red%20shoes.png", 404, 9),
            ("ik-seo/x/secret/red%20shoes.png", 401, 12),
        ] {
            for _ in 0..2 {
                let answer = fetch(library, Method::GET, &format!("{base}/library/{path}"), &[]).await;
                assert_eq!((answer.status, answer.bytes.len()), (status, length), "{path}");
            }
        }
        let signed = signed::signed(&base, "ik-seo/x/secret/red%20shoes.png", None);
        assert_eq!(fetch(library, Method::GET, &signed, &[]).await.bytes, bytes_of(80));
    })
    .await;
}
