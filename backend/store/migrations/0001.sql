-- Times are Unix milliseconds in UTC, durations nanoseconds, lists and maps
-- JSON. "account" is the name of the account the row belongs to ("local", or
-- the twelve digits of an AWS account), "region" its Region.

CREATE TABLE training_jobs (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    arn           TEXT NOT NULL DEFAULT '',
    dataset       TEXT NOT NULL DEFAULT '',
    preset        TEXT NOT NULL DEFAULT '',
    prompt_format TEXT NOT NULL DEFAULT '',
    base_model    TEXT NOT NULL DEFAULT '',
    config        TEXT NOT NULL DEFAULT '{}',
    created       INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- How far a training job's log has been read: the newest event's time.
CREATE TABLE log_positions (
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    job       TEXT NOT NULL,
    watermark INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    PRIMARY KEY (account, region, job)
);

CREATE TABLE import_jobs (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    arn           TEXT NOT NULL DEFAULT '',
    model         TEXT NOT NULL,
    training_job  TEXT NOT NULL DEFAULT '',
    source        TEXT NOT NULL DEFAULT '',
    prompt_format TEXT NOT NULL DEFAULT '',
    created       INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- What is known about an imported model beyond what Bedrock says.
CREATE TABLE models (
    account       TEXT NOT NULL,
    arn           TEXT NOT NULL,
    name          TEXT NOT NULL DEFAULT '',
    prompt_format TEXT NOT NULL DEFAULT '',
    reply_shape   TEXT NOT NULL DEFAULT '',
    training_job  TEXT NOT NULL DEFAULT '',
    import_job    TEXT NOT NULL DEFAULT '',
    source        TEXT NOT NULL DEFAULT '',
    created       INTEGER NOT NULL,
    PRIMARY KEY (account, arn)
);

-- Each time a model had to be woken, and how long that took.
CREATE TABLE wakings (
    id       INTEGER PRIMARY KEY,
    account  TEXT NOT NULL,
    arn      TEXT NOT NULL,
    started  INTEGER NOT NULL,
    took     INTEGER NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE INDEX wakings_model ON wakings (account, arn, started);

-- Imports that wait for a training job or for their turn.
CREATE TABLE queue (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    request TEXT NOT NULL,
    state   TEXT NOT NULL DEFAULT 'waiting',
    error   TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX queue_state ON queue (account, region, state, id);

CREATE TABLE runs (
    id             TEXT PRIMARY KEY,
    account        TEXT NOT NULL DEFAULT '',
    region         TEXT NOT NULL DEFAULT '',
    name           TEXT NOT NULL DEFAULT '',
    spec           TEXT NOT NULL,
    models         TEXT NOT NULL DEFAULT '[]', -- the models as they were resolved
    status         TEXT NOT NULL,
    dataset_sha256 TEXT NOT NULL DEFAULT '',
    total          INTEGER NOT NULL DEFAULT 0,
    owner          TEXT NOT NULL DEFAULT '',   -- the process that executes it
    heartbeat      INTEGER NOT NULL DEFAULT 0, -- when that process last said so
    created        INTEGER NOT NULL,
    ended          INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_created ON runs (created);

-- row is the row's index in the dataset.
CREATE TABLE records (
    run           TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    model         TEXT NOT NULL,
    row           INTEGER NOT NULL,
    row_id        TEXT NOT NULL DEFAULT '',
    category      TEXT NOT NULL DEFAULT '',
    system        TEXT NOT NULL DEFAULT '',
    question      TEXT NOT NULL DEFAULT '',
    reference     TEXT NOT NULL DEFAULT '',
    output        TEXT NOT NULL DEFAULT '',
    error         TEXT NOT NULL DEFAULT '',
    stop_reason   TEXT NOT NULL DEFAULT '',
    scores        TEXT NOT NULL DEFAULT '{}',
    latency       INTEGER NOT NULL DEFAULT 0,
    first_token   INTEGER NOT NULL DEFAULT 0,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL,
    PRIMARY KEY (run, model, row)
);

-- Answers by the hash of the whole request, so that the same question with the
-- same settings to the same model is asked once.
CREATE TABLE answers (
    hash          TEXT PRIMARY KEY,
    model         TEXT NOT NULL,
    output        TEXT NOT NULL,
    stop_reason   TEXT NOT NULL DEFAULT '',
    latency       INTEGER NOT NULL DEFAULT 0,
    first_token   INTEGER NOT NULL DEFAULT 0,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL
);
CREATE INDEX answers_model ON answers (model);

CREATE TABLE conversations (
    id       INTEGER PRIMARY KEY,
    account  TEXT NOT NULL DEFAULT '',
    region   TEXT NOT NULL DEFAULT '',
    title    TEXT NOT NULL DEFAULT '',
    models   TEXT NOT NULL DEFAULT '[]',
    settings TEXT NOT NULL DEFAULT '{}',
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
);
CREATE INDEX conversations_updated ON conversations (updated);

-- A turn of the user has no model; the answers of several models to it share
-- its position plus one.
CREATE TABLE turns (
    id            INTEGER PRIMARY KEY,
    conversation  INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    role          TEXT NOT NULL,
    model         TEXT NOT NULL DEFAULT '',
    content       TEXT NOT NULL,
    sent          TEXT NOT NULL DEFAULT '',
    phase         TEXT NOT NULL DEFAULT '',
    stop_reason   TEXT NOT NULL DEFAULT '',
    error         TEXT NOT NULL DEFAULT '',
    latency       INTEGER NOT NULL DEFAULT 0,
    first_token   INTEGER NOT NULL DEFAULT 0,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL
);
CREATE INDEX turns_conversation ON turns (conversation, position, id);

-- A vote for one answer over others. conversation and position, or run and
-- row, say where; winner is '' for a tie.
CREATE TABLE votes (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER REFERENCES conversations (id) ON DELETE CASCADE,
    position     INTEGER,
    run          TEXT REFERENCES runs (id) ON DELETE CASCADE,
    row          INTEGER,
    models       TEXT NOT NULL,
    winner       TEXT NOT NULL DEFAULT '',
    note         TEXT NOT NULL DEFAULT '',
    created      INTEGER NOT NULL
);

CREATE TABLE prefs (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
