-- Whether the one who sweeps searches for unused contents. Whoever hands a content from one row to another puts the first
-- into the journal meanwhile.
ALTER TABLE sweep_lease ADD COLUMN searches BIGINT NOT NULL DEFAULT 0;
