//! Key pairs and their rights, as types; for the document only, as in `schemas`.
#![expect(dead_code, reason = "the types are read by the derive, not built")]

use utoipa::ToSchema;

use super::schemas::{Id, Time};

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Full {
    Full,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Access {
    None,
    Read,
    Write,
}

/// What a pair may do, by area: `files`, `folders`, `uploads`, `metadata`, `purge`, `keys`.
#[derive(ToSchema)]
pub struct Areas {
    #[schema(nullable = false)]
    files: Option<Access>,
    #[schema(nullable = false)]
    folders: Option<Access>,
    #[schema(nullable = false)]
    uploads: Option<Access>,
    #[schema(nullable = false)]
    metadata: Option<Access>,
    #[schema(nullable = false)]
    purge: Option<Access>,
    #[schema(nullable = false)]
    keys: Option<Access>,
}

/// Everything, or what is named.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum Rights {
    Full(Full),
    Areas(Areas),
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum KeyState {
    Active,
    /// Rolled, and still working for a while.
    Superseded,
    Expired,
    Revoked,
}

/// A key pair.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct KeyPair {
    id: Id,
    #[schema(required)]
    name: Option<String>,
    public_key: String,
    /// The last characters of the private key, to tell it by.
    private_key_end: String,
    rights: Rights,
    status: KeyState,
    created_at: Time,
    #[schema(required)]
    expires_at: Option<Time>,
    #[schema(required)]
    revoked_at: Option<Time>,
    #[schema(required)]
    superseded_at: Option<Time>,
    /// The pair that took over.
    #[schema(required)]
    superseded_by: Option<Id>,
    /// Only in the answer that makes the pair.
    #[schema(nullable = false)]
    private_key: Option<String>,
}
