//! Calls of the contract that this version does not have: each is answered as an unknown route, in JSON that every
//! client can read and none sends again.

use super::*;

const NOT_YET: &[(&str, &str)] = &[
    ("GET", "/v1/saved-extensions"),
    ("POST", "/v1/saved-extensions"),
    ("GET", "/v1/named-transformations"),
    ("POST", "/v1/named-transformations"),
    ("PATCH", "/v1/named-transformations/6bZ9x2ZUx"),
    ("DELETE", "/v1/named-transformations/6bZ9x2ZUx"),
    ("GET", "/v1/accounts/usage?startDate=2026-01-01&endDate=2026-01-31"),
    ("GET", "/v1/accounts/usage-analytics"),
    ("GET", "/v1/accounts/origins"),
    ("PUT", "/v1/accounts/origins/1"),
    ("POST", "/v1/accounts/url-endpoints"),
    ("DELETE", "/v1/accounts/url-endpoints/1"),
];

#[tokio::test]
async fn what_is_not_built_is_no_route() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/a.png", bytes_of(10)).await;
        let id = file["fileId"].as_str().unwrap();
        for (method, path) in NOT_YET {
            for path in [path.replace("{id}", id), path.replacen("/v1/", "/v2/", 1).replace("{id}", id)] {
                let request = library.client.request(method.parse().unwrap(), &path);
                let answer = answer(request).await.expect("an answer");
                refused(&answer, 404, None, "Not found");
            }
        }
    })
    .await;
}
