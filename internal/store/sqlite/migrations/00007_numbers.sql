-- +goose Up
-- Number ranges of municipalities: the number that was given away last.
CREATE TABLE number_range (
    municipality TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    last         INTEGER NOT NULL,
    PRIMARY KEY (municipality, name)
) WITHOUT ROWID;

-- Who has got which number.
CREATE TABLE number (
    key          INTEGER NOT NULL,  -- of the submission
    municipality TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    record       TEXT    NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (key, municipality, name, record)
) WITHOUT ROWID;
