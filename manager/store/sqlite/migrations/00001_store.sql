-- +goose Up
-- The one row of store says which store this is. probe is written to find out whether there is room.
CREATE TABLE store (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    probe BLOB
) STRICT;

CREATE TABLE apps (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

CREATE TABLE device_groups (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

-- at is in milliseconds since 1970, UTC. payload comes last so that the columns before it are read
-- without it.
CREATE TABLE snapshots (
    device_group TEXT    NOT NULL,
    config_id    INTEGER NOT NULL,
    epoch        TEXT    NOT NULL,
    sha256       TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    made_by      TEXT    NOT NULL,
    payload      BLOB    NOT NULL,
    PRIMARY KEY (device_group, config_id)
) STRICT;
