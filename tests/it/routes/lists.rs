//! What lists are sorted by and narrowed to, said with literal results: whole libraries, folders, and searches alike.

use super::search::png;
use super::*;

/// The paths of a listing, in its order, joined by blanks.
async fn listed(library: &Library, query: &[(&str, &str)]) -> String {
    let answer = library.client.list_with(query).await.expect("an answer");
    succeeded(&answer, 200);
    let paths: Vec<_> = answer.body.as_array().expect("a bare array").iter().map(path_of).collect();
    paths.join(" ")
}

/// A picture of this size in a file of so many bytes.
fn picture(width: u32, height: u32, bytes: usize) -> Vec<u8> {
    let mut picture = png(width, height, false);
    picture.resize(bytes, 0);
    picture
}

#[tokio::test]
async fn every_sort_word_has_its_order() {
    on_both_catalogs(async |library: &mut Library| {
        let wide = library.put("/wide.png", picture(200, 20, 1000)).await;
        for (path, bytes) in [("/tall.png", Some(picture(10, 300, 3000))), ("/empty", Some(vec![])), ("/folder", None)]
        {
            tokio::time::sleep(A_MOMENT).await;
            match bytes {
                Some(bytes) => drop(library.put(path, bytes).await),
                None => library.put_folder(path).await,
            }
        }
        for (path, bytes) in [("/text.txt", bytes_of(5)), ("/small.png", picture(30, 40, 2000))] {
            tokio::time::sleep(A_MOMENT).await;
            library.put(path, bytes).await;
        }
        tokio::time::sleep(A_MOMENT).await;
        succeeded(&library.patch(wide["fileId"].as_str().unwrap(), json!({ "tags": ["last"] })).await, 200);

        // What has no size or no dimensions comes last, in the order of creation.
        for (sort, order) in [
            ("ASC_CREATED", "/wide.png /tall.png /empty /folder/ /text.txt /small.png"),
            ("DESC_CREATED", "/small.png /text.txt /folder/ /empty /tall.png /wide.png"),
            ("ASC_NAME", "/empty /folder/ /small.png /tall.png /text.txt /wide.png"),
            ("DESC_NAME", "/wide.png /text.txt /tall.png /small.png /folder/ /empty"),
            ("ASC_UPDATED", "/tall.png /empty /folder/ /text.txt /small.png /wide.png"),
            ("DESC_UPDATED", "/wide.png /small.png /text.txt /folder/ /empty /tall.png"),
            ("ASC_HEIGHT", "/wide.png /small.png /tall.png /empty /folder/ /text.txt"),
            ("DESC_HEIGHT", "/tall.png /small.png /wide.png /empty /folder/ /text.txt"),
            ("ASC_WIDTH", "/tall.png /small.png /wide.png /empty /folder/ /text.txt"),
            ("DESC_WIDTH", "/wide.png /small.png /tall.png /empty /folder/ /text.txt"),
            ("ASC_SIZE", "/empty /text.txt /wide.png /small.png /tall.png /folder/"),
            ("DESC_SIZE", "/tall.png /small.png /wide.png /text.txt /empty /folder/"),
        ] {
            let files = order.replace("/folder/ ", "").replace(" /folder/", "");
            for (query, expected) in [
                (vec![("path", "/"), ("type", "all")], order),
                (vec![("type", "all")], order),
                (vec![("path", "/")], &files),
                (vec![], &files),
                (vec![("searchQuery", "createdAt > '1d'")], order),
                (vec![("searchQuery", "createdAt > '1d'"), ("path", "/")], order),
                (vec![("searchQuery", "type = 'file'")], &files),
                (vec![("searchQuery", "type = 'file' AND createdAt > '1d'"), ("path", "/")], &files),
            ] {
                let query = [query, vec![("sort", sort)]].concat();
                assert_eq!(listed(library, &query).await, expected, "{query:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn lists_are_narrowed_to_images_or_to_what_is_none() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/shape", bytes_of(3)).await;
        library.put("/a/shape", picture(2, 2, 500)).await;
        library.put("/a/text.txt", bytes_of(5)).await;
        library.put("/a/text.txt", bytes_of(6)).await;
        library.put("/b/two.png", picture(2, 2, 500)).await;
        library.put("/a/in/deep.txt", bytes_of(5)).await;
        for (query, all, images, others) in [
            ("path=/a", "/a/shape /a/text.txt", "/a/shape", "/a/text.txt"),
            ("", "/a/shape /a/text.txt /b/two.png /a/in/deep.txt", "/a/shape /b/two.png", "/a/text.txt /a/in/deep.txt"),
            // A folder is neither.
            ("path=/a&type=all", "/a/shape /a/text.txt /a/in/", "/a/shape", "/a/text.txt"),
            (
                "type=all",
                "/a/ /a/shape /a/text.txt /b/ /b/two.png /a/in/ /a/in/deep.txt",
                "/a/shape /b/two.png",
                "/a/text.txt /a/in/deep.txt",
            ),
            ("type=folder", "/a/ /b/ /a/in/", "", ""),
            ("path=/a&type=folder", "/a/in/", "", ""),
            // Of an older version counts what it was itself.
            ("path=/a&type=file-version", "/a/shape /a/text.txt", "", "/a/shape /a/text.txt"),
            ("type=file-version", "/a/shape /a/text.txt", "", "/a/shape /a/text.txt"),
        ] {
            for (file_type, expected) in
                [(None, all), (Some("all"), all), (Some("image"), images), (Some("non-image"), others)]
            {
                for sort in ["ASC_CREATED", "ASC_NAME", "DESC_SIZE"] {
                    let mut query: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
                    query.extend(file_type.map(|file_type| ("fileType", file_type)));
                    query.push(("sort", sort));
                    let found = listed(library, &query).await;
                    let sorted = |paths: &str| {
                        let mut paths: Vec<_> = paths.split(' ').map(str::to_owned).collect();
                        paths.sort();
                        paths
                    };
                    if sort == "ASC_CREATED" {
                        assert_eq!(found, expected, "{query:?}");
                    } else {
                        assert_eq!(sorted(&found), sorted(expected), "{query:?}");
                    }
                }
            }
        }
        for wrong in ["file", "Image", "images", "video"] {
            for query in ["path=/a", "type=all", "searchQuery=size>0"] {
                let answer = library.get(&format!("/v1/files?{query}&fileType={wrong}")).await;
                let message = "Your request contains invalid value for fileType parameter.";
                refused(&answer, 400, None, message);
            }
        }
    })
    .await;
}
