-- When a server last said that it lives, on the database's clock, in milliseconds. The sweep takes over the blocks of
-- one that has been silent for a day.
ALTER TABLE blob_block ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
UPDATE blob_block SET seen = CAST(unixepoch('subsec') * 1000 AS BIGINT);
