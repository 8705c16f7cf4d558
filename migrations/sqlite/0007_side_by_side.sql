-- Jobs side by side. What each unfinished job reads or changes, as locks on folder paths; src/model/lock.rs tells
-- the modes. Jobs whose locks are not compatible run in order of submission.
CREATE TABLE job_lock (
    key    TEXT    NOT NULL,                   -- a hash of the path
    mode   TEXT    NOT NULL,                   -- IS, IX, S, X
    job_id BIGINT  NOT NULL,
    PRIMARY KEY (key, mode, job_id)
) WITHOUT ROWID;
CREATE INDEX job_lock_job ON job_lock (job_id);

-- The earlier job whose locks this one waits for, once it is known to wait; and how many steps it has had.
ALTER TABLE job ADD COLUMN blocked_by BIGINT;
ALTER TABLE job ADD COLUMN turns BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_oldest_ready ON job (id) WHERE phase <> 'done' AND blocked_by IS NULL;
CREATE INDEX job_least_served ON job (turns, id) WHERE phase <> 'done' AND blocked_by IS NULL;
CREATE INDEX job_blocked ON job (blocked_by) WHERE blocked_by IS NOT NULL;

-- A step locks its job's row, which tells more surely than a number that nobody else works on it.
ALTER TABLE job DROP COLUMN term;
