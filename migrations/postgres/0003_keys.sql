-- Several key pairs, with rights and an end.
--
-- A pair is active from `created` until `expires` or `revoked`, whichever comes first. Rolling makes a
-- successor with the same rights and gives the old pair an end; both happen in one transaction. Rows of
-- ended pairs stay for a while, so that their owners are told what happened.
ALTER TABLE api_key ADD COLUMN name TEXT;                               -- for people; need not be unique
ALTER TABLE api_key ADD COLUMN rights TEXT NOT NULL DEFAULT 'full';     -- or area=level, separated by commas
ALTER TABLE api_key ADD COLUMN expires BIGINT;
ALTER TABLE api_key ADD COLUMN revoked BIGINT;
ALTER TABLE api_key ADD COLUMN superseded BIGINT;                       -- when it was rolled
ALTER TABLE api_key ADD COLUMN successor_id BIGINT;                     -- the pair that took its place

-- Grows by one in every transaction that changes a pair. Servers look at this row every second, and read
-- the pairs again when it has changed.
INSERT INTO setting (name, value) VALUES ('key_changes', '0');
