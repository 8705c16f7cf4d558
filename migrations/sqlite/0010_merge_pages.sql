-- Conflicts are found by place, which is what the table of files is ordered by, and not by way of the index of ids. A page is
-- empty between transactions, so nothing is lost.
DROP TABLE merge_page;
CREATE TABLE merge_page (
    job_id        BIGINT NOT NULL,
    source_folder BIGINT NOT NULL,
    source_name   TEXT   NOT NULL,
    source_file   BIGINT NOT NULL,
    target_folder BIGINT NOT NULL,
    target_name   TEXT   NOT NULL,
    target_file   BIGINT NOT NULL,
    last_number   BIGINT NOT NULL,             -- the target's newest version number
    added         BIGINT NOT NULL,             -- how many versions the source brings; 0 if they do not fit
    PRIMARY KEY (job_id, source_name)
) WITHOUT ROWID;
