-- What a page of a merge moves is set aside here between its old and its new place, and a conflict carries what its source
-- brings: rows are looked for once. Each page has a number of its own, so that none looks through what those before it have
-- left behind until the tables are vacuumed. They are empty between transactions, so nothing is lost.
DROP TABLE merge_page;
CREATE TABLE merge_page (
    page          BIGINT NOT NULL,             -- a number that no other page has had
    source_folder BIGINT NOT NULL,
    source_name   TEXT   NOT NULL,
    source_file   BIGINT NOT NULL,
    version_id    BIGINT NOT NULL,             -- of the source's current version, as what follows
    content_id    BIGINT NOT NULL,
    flags         BIGINT NOT NULL,
    uploaded      BIGINT NOT NULL,
    target_folder BIGINT NOT NULL,
    target_name   TEXT   NOT NULL,
    target_file   BIGINT NOT NULL,
    last_number   BIGINT NOT NULL,             -- the target's newest version number
    added         BIGINT NOT NULL,             -- how many versions the source brings; 0 if they do not fit
    PRIMARY KEY (page, source_name)
) WITHOUT ROWID;
CREATE TABLE merge_free (
    page       BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    id         BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    flags      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    uploaded   BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    newest     BIGINT,
    PRIMARY KEY (page, name)
) WITHOUT ROWID;
