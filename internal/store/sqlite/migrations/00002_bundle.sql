-- +goose Up
-- A bundle's key is pressed from its id like a submission's; no two share one. Its
-- story stands in event.
CREATE TABLE bundle (
    key    INTEGER PRIMARY KEY,
    id     BLOB NOT NULL,
    portal TEXT NOT NULL,
    body   BLOB NOT NULL            -- packed, with a checksum over the whole row
);

-- The submissions in it.
CREATE TABLE bundle_part (
    bundle INTEGER NOT NULL,
    key    INTEGER NOT NULL,
    PRIMARY KEY (bundle, key)
) WITHOUT ROWID;
