-- Uploads straight from browsers and apps carry a token that is good for one upload. A used one is noted
-- here, before anything is stored, until it could not be used again anyway; the sweep removes it then.
CREATE TABLE upload_token (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,  -- BLAKE3 of the token, hex
    until  BIGINT           NOT NULL
);
CREATE INDEX upload_token_until ON upload_token (until);
