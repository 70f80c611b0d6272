-- +goose Up
CREATE TABLE acme (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;
