-- Version 1. STRICT, so that a wrong type is an error; CHECKs, so that no state exists that the code cannot mean.

CREATE TABLE job (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    token       INTEGER NOT NULL CHECK (token >= 1),
    claimed     TEXT NOT NULL,
    fingerprint TEXT,
    schema      TEXT
) STRICT;

CREATE TABLE partition (
    id         INTEGER PRIMARY KEY,
    job        INTEGER NOT NULL REFERENCES job (id),
    key        TEXT NOT NULL,
    folders    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    cells      INTEGER NOT NULL CHECK (cells >= 0),
    state      TEXT NOT NULL CHECK (state IN ('fetching', 'sealed', 'publishing', 'committed')),
    generation INTEGER NOT NULL CHECK (generation >= 1),
    token      INTEGER NOT NULL CHECK (token >= 1),
    file       TEXT,
    digest     TEXT,
    rows       INTEGER NOT NULL CHECK (rows >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    UNIQUE (job, key),
    UNIQUE (job, hash),
    CHECK (state IN ('fetching', 'sealed') OR (file IS NOT NULL AND digest IS NOT NULL))
) STRICT;

-- `id` is the short name of `key`; a cell is in one partition of its job only.
CREATE TABLE cell (
    partition INTEGER NOT NULL REFERENCES partition (id),
    position  INTEGER NOT NULL CHECK (position >= 0),
    job       INTEGER NOT NULL,
    id        BLOB NOT NULL CHECK (length(id) = 16),
    key       TEXT NOT NULL,
    outcome   TEXT CHECK (outcome IN ('records', 'empty', 'unconfirmed', 'rejected')),
    code      TEXT,
    message   TEXT,
    records   INTEGER NOT NULL CHECK (records >= 0),
    pages     INTEGER NOT NULL CHECK (pages >= 0),
    credits   INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (partition, position),
    UNIQUE (job, id),
    CHECK ((outcome IS 'rejected') = (code IS NOT NULL AND message IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE rejected_record (
    partition INTEGER NOT NULL REFERENCES partition (id),
    number    INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    page      INTEGER NOT NULL CHECK (page >= 0),
    place     INTEGER NOT NULL CHECK (place >= 0),
    path      TEXT NOT NULL,
    reason    TEXT NOT NULL,
    PRIMARY KEY (partition, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    job     TEXT PRIMARY KEY,
    report  TEXT NOT NULL,
    started TEXT NOT NULL,
    ended   TEXT NOT NULL
) STRICT;
