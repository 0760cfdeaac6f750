-- Version 4. What the runs of a job took since it asks what it asks now: the forecast of the next. Nothing is made up of
-- what older versions kept, which did not count attempts.

CREATE TABLE learned (
    job     INTEGER PRIMARY KEY REFERENCES job (id),
    cells   INTEGER NOT NULL CHECK (cells >= 0),
    pages   INTEGER NOT NULL CHECK (pages >= 0),
    calls   INTEGER NOT NULL CHECK (calls >= 0),
    credits INTEGER NOT NULL CHECK (credits >= 0),
    took_ms INTEGER NOT NULL CHECK (took_ms >= 0)
) STRICT;
