-- What a client can say about a file besides its tags. Like all of `content`, written once: a change of
-- them writes a new row over the same blob.
ALTER TABLE content ADD COLUMN ai_tags TEXT;                       -- JSON array of {name, confidence, source}
ALTER TABLE content ADD COLUMN custom_metadata TEXT;               -- JSON object
ALTER TABLE content ADD COLUMN description TEXT;

-- The greatest version number a file has ever given, if that is not the current version's: an older
-- version was restored. Numbers are never given twice, whatever is deleted.
ALTER TABLE file ADD COLUMN newest BIGINT;
ALTER TABLE past_file ADD COLUMN newest BIGINT;

-- Purges of cached copies that clients have asked for, by URL or with the rename of a folder.
CREATE TABLE purge_request (
    id      BIGINT  NOT NULL PRIMARY KEY,
    url     TEXT    NOT NULL,
    created BIGINT  NOT NULL
);
CREATE INDEX purge_request_created ON purge_request (created);
INSERT INTO purge_request (id, url, created)
    SELECT purge_request_id, source_path, finished FROM job WHERE purge_request_id IS NOT NULL AND finished IS NOT NULL;
DROP INDEX job_purge;
