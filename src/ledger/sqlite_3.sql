-- Version 3. Why a committed partition was reopened, when it was committed last, and whether a person took its rejections
-- as final.

ALTER TABLE partition ADD COLUMN cause TEXT CHECK (cause IN ('retry', 'refetch', 'replay'));
ALTER TABLE partition ADD COLUMN committed TEXT;
ALTER TABLE partition ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted IN (0, 1));

UPDATE partition SET cause = 'retry' WHERE generation > 1 AND state <> 'committed';
UPDATE partition SET committed = (SELECT claimed FROM job WHERE job.id = partition.job)
 WHERE generation > 1 OR state = 'committed';
