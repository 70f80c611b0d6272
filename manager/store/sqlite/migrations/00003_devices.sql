-- +goose Up
-- What lists are made of is in a table of its own, so that a million of them are read without their reports. Times are in
-- milliseconds since 1970, UTC. revision counts how often the row was written.
CREATE TABLE devices (
    name         TEXT PRIMARY KEY,
    revision     INTEGER NOT NULL,
    device_group TEXT    NOT NULL,
    epoch        TEXT    NOT NULL,
    config_id    INTEGER NOT NULL,
    phase        TEXT    NOT NULL,
    failing      TEXT    NOT NULL,
    labels       TEXT    NOT NULL,
    reported     INTEGER,
    changed      INTEGER NOT NULL,
    note         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_changed ON devices (changed, name);

-- The last report of each device: report is NULL without one.
CREATE TABLE device_reports (
    name       TEXT PRIMARY KEY,
    boot       TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    report_key TEXT    NOT NULL,
    events     TEXT    NOT NULL,
    report     BLOB
) STRICT;
