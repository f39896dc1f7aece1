-- The scoreboard of a run that has ended, so that lists need not read records.
ALTER TABLE runs ADD COLUMN result TEXT NOT NULL DEFAULT '';
