-- +goose Up
-- What was deleted, when and why; nothing of it names anybody.
CREATE TABLE deletion (
    n         INTEGER PRIMARY KEY,
    key       INTEGER NOT NULL,
    placed_by BLOB    NOT NULL,     -- the order's id
    body      BLOB    NOT NULL
);
CREATE INDEX deletion_key ON deletion (key);
CREATE INDEX deletion_order ON deletion (placed_by);

-- Submissions under a legal hold; what is known of it stands in their row.
CREATE TABLE hold (
    key INTEGER PRIMARY KEY
);

-- Erased submissions whose receipt is kept until their idempotency key is forgotten.
CREATE TABLE receipt_kept (
    key INTEGER PRIMARY KEY
);

-- The ends of destroyed data keys that the file was not searched for yet.
CREATE TABLE scrub (
    mark BLOB PRIMARY KEY
) WITHOUT ROWID;

-- Where the audit trail begins, after its old end was cut off.
CREATE TABLE audit_start (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
);
