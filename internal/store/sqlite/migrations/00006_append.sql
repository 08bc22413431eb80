-- +goose Up
-- Two tables that grow at their end: what is written together lies together, whatever
-- its hash or its submission is, and a commit changes few pages. Nothing is moved: what
-- is in document stays there until it is deleted (documents.go), and who waits for whom
-- is made anew from the submissions (queues.go); sequence is not read any more.

-- Rendered documents. A delivery knows the number of its own.
CREATE TABLE rendered (
    n    INTEGER PRIMARY KEY,
    key  INTEGER NOT NULL,          -- of the delivery
    head BLOB    NOT NULL,          -- sealed
    body BLOB    NOT NULL           -- sealed
);

-- Submissions with an order key that are not settled yet.
CREATE TABLE queue (
    key  INTEGER NOT NULL,
    hash BLOB    NOT NULL,
    PRIMARY KEY (key, hash)
) WITHOUT ROWID;
