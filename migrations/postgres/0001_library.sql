-- The data model. One page, read from top to bottom; migrations/sqlite holds the same tables.
--
-- Place and content are apart. A `file` row says where a picture is and which content it shows; a
-- `content` row says what the picture is, never changes, and is shared by every copy. A folder copy
-- writes narrow `folder` and `file` rows and nothing else.
--
-- Every live row of the tree carries `since`, the sequence number of the change that made it. Whoever
-- changes or removes a row first writes it to its `past_` table with `until`, the number of the change
-- that ended it. The tree as of instant E is: live rows with since <= E, and past rows with
-- since <= E < until.
--
-- Times are UTC milliseconds since 1970. Ids of everything come from one growing counter.

-- What belongs to the library as a whole: its tag (first eight digits of every id on the wire) and the
-- check value that tells whether the server secret is the one its keys were sealed with.
CREATE TABLE setting (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Ids come in blocks, so that a batch of a copy has consecutive ones. A sequence is not undone by a
-- rollback, so no two transactions ever see the same block.
CREATE SEQUENCE id_block INCREMENT BY 65536 START WITH 65536;
CREATE SEQUENCE change_number;

-- Folders 1, 2 and 3 are the roots: the library, the trash, and the place where clones are built
-- before they are published. A folder is visible when its ancestors end in the library.
CREATE TABLE folder (
    id          BIGINT  NOT NULL PRIMARY KEY,
    parent_id   BIGINT  NOT NULL,
    name        TEXT COLLATE "C"    NOT NULL,
    created     BIGINT  NOT NULL,
    updated     BIGINT  NOT NULL,
    since       BIGINT  NOT NULL,
    copied_from BIGINT,                        -- the folder this one was cloned from
    copied_by   BIGINT                         -- and the job that did it
);
CREATE UNIQUE INDEX folder_name ON folder (parent_id, name);
CREATE INDEX folder_order ON folder (parent_id, id);
CREATE INDEX folder_clone ON folder (copied_by, id) WHERE copied_by IS NOT NULL;
CREATE INDEX folder_origin ON folder (copied_by, copied_from) WHERE copied_by IS NOT NULL;
INSERT INTO folder (id, parent_id, name, created, updated, since) VALUES
    (1, 0, '', 0, 0, 0), (2, 0, 'trash', 0, 0, 0), (3, 0, 'detached', 0, 0, 0);

-- The rows a copy writes by the million, so they are narrow. A copy reads and writes them by folder and
-- name, so that all three indexes grow at their ends only.
CREATE TABLE file (
    folder_id  BIGINT NOT NULL,
    name       TEXT COLLATE "C"   NOT NULL,
    id         BIGINT NOT NULL,
    version_id BIGINT NOT NULL,                -- of the current version; the first one's equals id
    version    BIGINT NOT NULL,                -- its number, from 1
    content_id BIGINT NOT NULL,
    flags      BIGINT NOT NULL,                -- 1 private, 2 unpublished
    created    BIGINT NOT NULL,                -- of the file: its first upload
    uploaded   BIGINT NOT NULL,                -- of the current version
    updated    BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX file_name ON file (folder_id, name);
CREATE INDEX file_order ON file (folder_id, id);

-- Superseded versions. They stay here when their file goes to past_file, and go when that row goes.
CREATE TABLE version (
    file_id    BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    id         BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    flags      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (file_id, version)
);

-- Immutable. What a search looks at stands in columns; JSON is text that SQL does not open.
CREATE TABLE content (
    id                 BIGINT  NOT NULL PRIMARY KEY,
    blob_id            BIGINT  NOT NULL,       -- names the object in the blob store
    size               BIGINT  NOT NULL,       -- bytes
    digest             TEXT    NOT NULL,       -- BLAKE3 of the bytes, hex
    mime               TEXT    NOT NULL,
    is_image           BOOLEAN NOT NULL,
    width              BIGINT,                 -- pixels as stored
    height             BIGINT,
    has_alpha          BOOLEAN,
    tags               TEXT,                   -- JSON array of strings
    custom_coordinates TEXT,
    embedded_metadata  TEXT,                   -- JSON object
    created            BIGINT  NOT NULL
);
CREATE INDEX content_blob ON content (blob_id);

-- The journal of the tree.
CREATE TABLE past_folder (
    parent_id BIGINT NOT NULL,
    name      TEXT COLLATE "C"   NOT NULL,
    id        BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    since     BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    PRIMARY KEY (until, parent_id, name)
);
CREATE TABLE past_file (
    folder_id  BIGINT NOT NULL,
    name       TEXT COLLATE "C"   NOT NULL,
    id         BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    flags      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    uploaded   BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    PRIMARY KEY (until, folder_id, name)
);
CREATE INDEX past_file_id ON past_file (id, until);
CREATE TABLE past_version (
    file_id    BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    id         BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    flags      BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    PRIMARY KEY (file_id, version, until)
);
CREATE INDEX past_version_until ON past_version (until);

-- Ids of rows that an unpublished clone has written. Scans of the whole library step over them.
CREATE TABLE hidden_range (
    first_id BIGINT  NOT NULL PRIMARY KEY,
    last_id  BIGINT  NOT NULL,
    job_id   BIGINT  NOT NULL
);
CREATE INDEX hidden_range_job ON hidden_range (job_id, last_id);

-- A job: what was asked for, how far it is, and who works on it. Its effects and this row change in
-- one transaction.
CREATE TABLE job (
    id               BIGINT  NOT NULL PRIMARY KEY,
    kind             TEXT    NOT NULL,         -- copy, move, rename
    -- the request
    fingerprint      TEXT    NOT NULL,         -- of kind, arguments and key: finds a re-sent request
    source_path      TEXT    NOT NULL,         -- normalised
    destination_path TEXT    NOT NULL,         -- the folder to put it into; for rename the parent
    target_name      TEXT    NOT NULL,         -- the name it gets there
    include_versions BOOLEAN NOT NULL,
    verbatim_names   BOOLEAN NOT NULL,         -- whether folders made on the way keep their names as sent
    purge_cache      BOOLEAN NOT NULL,
    submitted        BIGINT  NOT NULL,
    -- fixed at the start
    started          BIGINT,
    instant          BIGINT,                   -- E: a copy shows the tree as of this change
    source_id        BIGINT,
    destination_id   BIGINT,
    clone_id         BIGINT,                   -- root of the clone while it is built
    -- how far it is
    phase            TEXT    NOT NULL,         -- from start to done; src/model/job.rs has the table
    cursor_id        BIGINT  NOT NULL,
    cursor_name      TEXT,
    cursor_until     BIGINT  NOT NULL,
    bound            BIGINT  NOT NULL,         -- where the phase ends: an id or a change
    namesake_id      BIGINT,                   -- a folder that takes its own ancestor's place, last
    folders_done     BIGINT  NOT NULL,
    files_done       BIGINT  NOT NULL,
    versions_done    BIGINT  NOT NULL,
    -- how it ended
    finished         BIGINT,
    failed_items     BIGINT  NOT NULL,
    failure          TEXT,                     -- why nothing, or not everything, was done
    purge_request_id BIGINT,
    -- who works on it, on the database's clock
    owner            TEXT,
    term             BIGINT  NOT NULL,
    lease_until      BIGINT  NOT NULL
);
CREATE INDEX job_unfinished ON job (id) WHERE phase <> 'done';
CREATE INDEX job_fingerprint ON job (fingerprint, id);
CREATE INDEX job_finished ON job (finished) WHERE finished IS NOT NULL;
CREATE INDEX job_purge ON job (purge_request_id) WHERE purge_request_id IS NOT NULL;

-- The pairs of folders a merge has still to join, in the order in which they were met.
CREATE TABLE merge_pair (
    job_id    BIGINT NOT NULL,
    ord       BIGINT NOT NULL,                 -- from 1; a child pair comes after its parent
    depth     BIGINT NOT NULL,                 -- of the source below the job's source
    source_id BIGINT NOT NULL,
    target_id BIGINT NOT NULL,
    begun     BIGINT NOT NULL,                 -- the change from which on its entries are moved, or 0
    PRIMARY KEY (job_id, ord)
);
CREATE INDEX merge_pair_depth ON merge_pair (job_id, depth, ord);

-- The page of name conflicts a merge works on; filled and emptied within one transaction.
CREATE TABLE merge_page (
    job_id      BIGINT NOT NULL,
    source_file BIGINT NOT NULL,
    target_file BIGINT NOT NULL,
    last_number BIGINT NOT NULL,               -- the target's newest version number
    added       BIGINT NOT NULL,               -- how many versions the source brings
    PRIMARY KEY (job_id, source_file)
);

-- Items a job left where they were, and why; the first hundred of each job.
CREATE TABLE job_failure (
    job_id    BIGINT NOT NULL,
    folder_id BIGINT NOT NULL,
    name      TEXT COLLATE "C"   NOT NULL,
    reason    TEXT   NOT NULL,
    PRIMARY KEY (job_id, folder_id, name)
);

-- Blocks of blob ids a server has taken: any of them may have bytes in the blob store without a row
-- that refers to them, if the server died in between. Written before the first byte, settled later.
CREATE TABLE blob_block (
    first_id BIGINT  NOT NULL PRIMARY KEY,
    last_id  BIGINT  NOT NULL,
    owner    TEXT    NOT NULL
);

-- Key pairs. The private key is sealed under the server secret, because signatures need it back.
CREATE TABLE api_key (
    id          BIGINT  NOT NULL PRIMARY KEY,
    public_key  TEXT    NOT NULL UNIQUE,
    lookup      TEXT    NOT NULL UNIQUE,       -- keyed hash of the private key
    sealed      TEXT    NOT NULL,
    created     BIGINT  NOT NULL
);
