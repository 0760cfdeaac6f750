-- Version 2. The cells a committed partition was reopened for, as they stood before: kept until the new generation is
-- committed or given up.

CREATE TABLE retried (
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('records', 'empty', 'unconfirmed', 'rejected')),
    code      TEXT,
    message   TEXT,
    records   INTEGER NOT NULL CHECK (records >= 0),
    pages     INTEGER NOT NULL CHECK (pages >= 0),
    credits   INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (partition, position),
    FOREIGN KEY (partition, position) REFERENCES cell (partition, position),
    CHECK ((outcome IS 'rejected') = (code IS NOT NULL AND message IS NOT NULL))
) STRICT, WITHOUT ROWID;
