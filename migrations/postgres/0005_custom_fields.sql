-- Custom metadata fields: what may be noted about an asset. The notes themselves are JSON under the
-- fields' names in `content`.
--
-- A row is never removed: a deleted field's name is not free again, and its values stay where they are,
-- out of sight. src/model/custom_field says what a schema is; SQL does not open it.
CREATE TABLE custom_field (
    id          BIGINT  NOT NULL PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL,           -- the key on assets
    label       TEXT COLLATE "C" NOT NULL,
    schema      TEXT    NOT NULL,              -- JSON object
    description TEXT,
    created     BIGINT  NOT NULL,
    updated     BIGINT  NOT NULL,
    deleted     BIGINT                         -- when, or NULL
);
CREATE UNIQUE INDEX custom_field_name ON custom_field (name);
CREATE UNIQUE INDEX custom_field_label ON custom_field (label) WHERE deleted IS NULL;

-- Counts the changes of the fields, in one row. Whoever changes them updates it first, so that changes
-- come one after the other; whoever remembers them sees by it whether they are still the same.
CREATE TABLE custom_field_edition (
    library BIGINT NOT NULL PRIMARY KEY,
    edition BIGINT NOT NULL
);
INSERT INTO custom_field_edition (library, edition) VALUES (1, 0);
