-- Conflicts are found by place, which is what the table of files is ordered by, and not by way of the index of ids. A page is
-- empty between transactions, so nothing is lost.
DROP TABLE merge_page;
CREATE TABLE merge_page (
    job_id        BIGINT NOT NULL,
    source_folder BIGINT NOT NULL,
    source_name   TEXT COLLATE "C" NOT NULL,
    source_file   BIGINT NOT NULL,
    target_folder BIGINT NOT NULL,
    target_name   TEXT COLLATE "C" NOT NULL,
    target_file   BIGINT NOT NULL,
    last_number   BIGINT NOT NULL,             -- the target's newest version number
    added         BIGINT NOT NULL,             -- how many versions the source brings; 0 if they do not fit
    PRIMARY KEY (job_id, source_name)
);

-- What the planner cannot know from a look at the tables: however few folders there are when it looks, what belongs to one of
-- them will be a small part. A plan is kept until its tables are analysed again. Made where one folder holds everything, it would
-- read the whole table for each folder, which costs no more there.
ALTER TABLE folder ALTER COLUMN parent_id SET (n_distinct = -0.1);
ALTER TABLE folder ALTER COLUMN copied_by SET (n_distinct = -0.1);
ALTER TABLE folder ALTER COLUMN copied_from SET (n_distinct = -0.2);
ALTER TABLE file ALTER COLUMN folder_id SET (n_distinct = -0.02);
ALTER TABLE version ALTER COLUMN file_id SET (n_distinct = -0.2);
ALTER TABLE file ALTER COLUMN content_id SET (n_distinct = -0.2);
ALTER TABLE job_lock ALTER COLUMN job_id SET (n_distinct = -0.2);
ALTER TABLE merge_pair ALTER COLUMN job_id SET (n_distinct = -0.02);
ALTER TABLE merge_page ALTER COLUMN job_id SET (n_distinct = -0.02);
-- It is told when the tables are analysed. Empty ones are not, because for those it assumes some pages as long as it knows nothing.
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM file) THEN
        ANALYZE folder, file, version, job_lock, merge_pair;
    END IF;
END $$;
