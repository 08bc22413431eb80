-- +goose Up
-- How each system was reached last: a keyed hash of its settings. Where it is another
-- one by now, what waits for a retry is tried at once.
CREATE TABLE way (
    system TEXT PRIMARY KEY,
    hash   BLOB NOT NULL
) WITHOUT ROWID;
