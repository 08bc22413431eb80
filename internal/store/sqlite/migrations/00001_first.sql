-- +goose Up
-- Every key is 63 bits of an id (key.go): 0 in the last byte is the submission,
-- 1 to 255 are its deliveries. body is packed and carries a checksum over the
-- whole row (rows.go). Times are microseconds since 1970.

CREATE TABLE submission (
    key          INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL,
    municipality TEXT    NOT NULL,
    service      TEXT    NOT NULL,
    portal       TEXT    NOT NULL,
    state        INTEGER NOT NULL,
    flow_due     INTEGER,           -- since when the flow has something to do
    body         BLOB    NOT NULL
);
CREATE INDEX submission_flow_due ON submission (flow_due) WHERE flow_due IS NOT NULL;
CREATE INDEX submission_municipality ON submission (municipality);
CREATE INDEX submission_attention ON submission (state) WHERE state IN (3, 5);

-- What is large and never changes lies apart from what is small and does.
CREATE TABLE content (
    key     INTEGER PRIMARY KEY,
    head    BLOB NOT NULL,          -- fingerprint, answer, attachments
    meta    BLOB NOT NULL,          -- sealed
    payload BLOB NOT NULL           -- sealed
);

CREATE TABLE delivery (
    key    INTEGER PRIMARY KEY,
    system TEXT    NOT NULL,
    state  INTEGER NOT NULL,
    due    INTEGER,                 -- pending, awaiting: when to claim; sending: when the lease ends
    body   BLOB    NOT NULL
);
CREATE INDEX delivery_due ON delivery (system, state, due) WHERE due IS NOT NULL;
CREATE INDEX delivery_parked ON delivery (system) WHERE state = 6;

CREATE TABLE document (
    key  INTEGER PRIMARY KEY,
    head BLOB NOT NULL,             -- sealed
    body BLOB NOT NULL              -- sealed
);

-- The last attempt of a delivery is in its row; the ones before it are here.
CREATE TABLE attempt (
    key  INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    body BLOB    NOT NULL,
    PRIMARY KEY (key, n)
) WITHOUT ROWID;

-- What happened to a submission apart from attempts.
CREATE TABLE event (
    key  INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    body BLOB    NOT NULL,
    PRIMARY KEY (key, n)
) WITHOUT ROWID;

-- Submissions with an order key that are not settled yet.
CREATE TABLE sequence (
    hash BLOB    NOT NULL,
    key  INTEGER NOT NULL,
    PRIMARY KEY (hash, key)
) WITHOUT ROWID;

-- Hashes are random: they come in runs of a few thousand, so that only the pages
-- of the last run change, however long the journal is.
CREATE TABLE idempotency (
    run  INTEGER NOT NULL,
    hash BLOB    NOT NULL,
    key  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (run, hash)
) WITHOUT ROWID;
CREATE TABLE bloom (
    chapter INTEGER PRIMARY KEY,
    body    BLOB NOT NULL
);
CREATE TABLE search (
    run  INTEGER NOT NULL,
    hash BLOB    NOT NULL,
    key  INTEGER NOT NULL,
    PRIMARY KEY (run, hash, key)
) WITHOUT ROWID;

CREATE TABLE attachment (
    file TEXT PRIMARY KEY,
    key  INTEGER NOT NULL
) WITHOUT ROWID;

-- All entries of one transaction in one row.
CREATE TABLE audit (
    first INTEGER PRIMARY KEY,
    body  BLOB NOT NULL
);

CREATE TABLE pause (
    system TEXT PRIMARY KEY,
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE job (
    name TEXT PRIMARY KEY,
    at   INTEGER NOT NULL
) WITHOUT ROWID;

-- The counts behind the figures, in step with the rows.
CREATE TABLE tally (
    what INTEGER NOT NULL,
    name TEXT    NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (what, name)
) WITHOUT ROWID;
