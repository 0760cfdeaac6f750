-- Version 6. The same tables, with their checks written out: of a list of more than two values SQLite makes a tree for each
-- row that is written, which took two fifths of the time.

ALTER TABLE cell RENAME TO old_cell;
ALTER TABLE retried RENAME TO old_retried;
CREATE TABLE cell (
    partition INTEGER NOT NULL REFERENCES partition (id),
    position  INTEGER NOT NULL CHECK (position >= 0),
    job       INTEGER NOT NULL,
    id        BLOB NOT NULL CHECK (length(id) = 16),
    key       TEXT NOT NULL,
    outcome   TEXT
        CHECK (outcome = 'records' OR outcome = 'empty' OR outcome = 'unconfirmed' OR outcome = 'rejected'),
    code      TEXT,
    message   TEXT,
    records   INTEGER NOT NULL CHECK (records >= 0),
    pages     INTEGER NOT NULL CHECK (pages >= 0),
    credits   INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (partition, position),
    UNIQUE (job, id),
    CHECK ((outcome IS 'rejected') = (code IS NOT NULL AND message IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO cell SELECT * FROM old_cell;
CREATE TABLE retried (
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    outcome   TEXT NOT NULL
        CHECK (outcome = 'records' OR outcome = 'empty' OR outcome = 'unconfirmed' OR outcome = 'rejected'),
    code      TEXT,
    message   TEXT,
    records   INTEGER NOT NULL CHECK (records >= 0),
    pages     INTEGER NOT NULL CHECK (pages >= 0),
    credits   INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (partition, position),
    FOREIGN KEY (partition, position) REFERENCES cell (partition, position),
    CHECK ((outcome IS 'rejected') = (code IS NOT NULL AND message IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO retried SELECT * FROM old_retried;
DROP TABLE old_retried;
DROP TABLE old_cell;
