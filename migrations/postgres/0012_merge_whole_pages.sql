-- All files of a page of a merge are set aside in one table, each with the file that has its name in the target, if there is
-- one, so that neither has to be looked for again to be read. Empty between transactions, so nothing is lost, not even when PostgreSQL
-- empties unlogged tables after a crash.
DROP TABLE merge_free;
DROP TABLE merge_page;
CREATE UNLOGGED TABLE merge_page (
    page              BIGINT NOT NULL,         -- a number that no other page has had
    name              TEXT COLLATE "C" NOT NULL,
    added             BIGINT,                  -- how many versions it brings to the target's; 0 if they do not fit, NULL if the name is free
    source_folder     BIGINT NOT NULL,
    id                BIGINT NOT NULL,         -- of the source's file, as what follows
    version_id        BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    content_id        BIGINT NOT NULL,
    flags             BIGINT NOT NULL,
    created           BIGINT NOT NULL,
    uploaded          BIGINT NOT NULL,
    updated           BIGINT NOT NULL,
    since             BIGINT NOT NULL,
    newest            BIGINT,
    target_file       BIGINT,                  -- its id; NULL if the name is free, as what follows
    target_version_id BIGINT,
    target_version    BIGINT,
    target_content    BIGINT,
    target_flags      BIGINT,
    target_uploaded   BIGINT,
    target_updated    BIGINT,
    last_number       BIGINT,                  -- the target's newest version number
    PRIMARY KEY (page, name)
);
