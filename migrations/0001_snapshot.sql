-- Snapshots of the world.  Contents lie in `chunk`, once per distinct content, and
-- snapshots refer to them by hash; everything else describes how to read them.

CREATE TABLE snapshot (
    id            INTEGER PRIMARY KEY,
    created_at_ms INTEGER NOT NULL,             -- since 1970, UTC
    tick          INTEGER NOT NULL,             -- runs of fixed_update
    entities      INTEGER NOT NULL,
    bytes         INTEGER NOT NULL DEFAULT 0,   -- compressed, shared chunks in full
    reason        TEXT NOT NULL
        CHECK (reason IN ('interval', 'demand', 'shutdown', 'before_restore')),
    state         TEXT NOT NULL
        CHECK (state IN ('writing', 'complete', 'failed')),
    error         TEXT                          -- why it failed
) STRICT;

CREATE INDEX snapshot_state ON snapshot (state, id);

-- A layout of a component or resource; a component whose struct changed has several.
CREATE TABLE component_type (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    size        INTEGER NOT NULL,   -- bytes of one value
    layout      TEXT NOT NULL,      -- JSON: its fields with kinds, offsets, sizes
    layout_hash BLOB NOT NULL,
    UNIQUE (name, layout_hash)
) STRICT;

CREATE TABLE chunk (
    hash BLOB PRIMARY KEY,          -- XXH3-128 of the content
    size INTEGER NOT NULL,          -- bytes of the content
    data BLOB NOT NULL              -- the content, one zstd frame
) STRICT;

-- An archetype.
CREATE TABLE snapshot_table (
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    rows        INTEGER NOT NULL,
    PRIMARY KEY (snapshot_id, position)
) STRICT, WITHOUT ROWID;

-- Its components, in the order of the columns in its chunks.
CREATE TABLE snapshot_column (
    snapshot_id       INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    table_position    INTEGER NOT NULL,
    position          INTEGER NOT NULL,
    component_type_id INTEGER NOT NULL REFERENCES component_type (id),
    PRIMARY KEY (snapshot_id, table_position, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshot_column_type ON snapshot_column (component_type_id);

CREATE TABLE snapshot_resource (
    snapshot_id       INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    component_type_id INTEGER NOT NULL REFERENCES component_type (id),
    PRIMARY KEY (snapshot_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshot_resource_type ON snapshot_resource (component_type_id);

-- What a snapshot consists of:
--   slots     the allocator of entity ids, cut into pieces; owner 0
--   rows      entity ids, then one column after the other; owner = the table
--   resource  one value; owner = the resource, position 0
CREATE TABLE snapshot_chunk (
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL CHECK (kind IN ('slots', 'rows', 'resource')),
    owner       INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    hash        BLOB NOT NULL
        REFERENCES chunk (hash) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (snapshot_id, kind, owner, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshot_chunk_hash ON snapshot_chunk (hash);
