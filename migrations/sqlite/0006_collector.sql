-- Who sweeps: one server at a time, on the database's clock. A backup holds it too, so that nothing it has
-- still to read is taken away.
CREATE TABLE sweep_lease (
    id          INTEGER NOT NULL PRIMARY KEY,
    owner       TEXT    NOT NULL,
    lease_until BIGINT  NOT NULL
);
INSERT INTO sweep_lease (id, owner, lease_until) VALUES (1, '', 0);

-- Blobs whose last content is gone: their bytes are removed after the commit, and this row after them.
CREATE TABLE blob_garbage (
    blob_id INTEGER NOT NULL PRIMARY KEY
);
