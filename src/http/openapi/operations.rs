//! What is said of a call whose handler is no plain function: `/readyz` remembers its last answer.

use super::schemas;

#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady", tag = "operations", security(()),
    summary = "Ask whether the server can work",
    description = "Looks at the catalog and at the blobs, and says no while the server is stopping.",
    responses(
        (status = 200, description = "It can", body = schemas::Readiness),
        (status = 503, description = "It cannot now; the log tells why", body = schemas::Readiness)
    )
)]
#[expect(dead_code, reason = "carries the annotation")]
pub fn readyz() {}
