-- Votes know whose they are. voter is '' for a person, or the name of the model
-- that judged; form says by which words it was asked. The place of a vote is a
-- conversation's position or a run's row.
ALTER TABLE votes ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN voter TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN form TEXT NOT NULL DEFAULT '';
UPDATE votes SET account = coalesce((SELECT account FROM conversations WHERE id = votes.conversation), '');
CREATE INDEX votes_account ON votes (account);
CREATE INDEX votes_run ON votes (run, row);
CREATE INDEX votes_conversation ON votes (conversation, position);

-- A round of votes: rows of a run, in the order in which they are voted on.
CREATE TABLE rounds (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    run     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    models  TEXT NOT NULL,
    rows    TEXT NOT NULL,
    seed    INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL
);
CREATE INDEX rounds_account ON rounds (account, created);
