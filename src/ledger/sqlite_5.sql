-- Version 5. The reports of earlier runs are kept too, not that of the last alone.

ALTER TABLE run RENAME TO last_run;
CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    job     TEXT NOT NULL,
    report  TEXT NOT NULL,
    started TEXT NOT NULL,
    ended   TEXT NOT NULL
) STRICT;
CREATE INDEX run_of_job ON run (job, id);
INSERT INTO run (job, report, started, ended) SELECT job, report, started, ended FROM last_run ORDER BY ended, job;
DROP TABLE last_run;
