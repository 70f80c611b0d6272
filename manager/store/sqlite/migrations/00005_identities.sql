-- +goose Up
CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

CREATE TABLE authorities (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

-- The columns after doc are what identities are selected by; changed is in milliseconds since 1970, UTC. A doc that is no JSON has
-- none of them, so that it is in no one's way.
CREATE TABLE identities (
    name         TEXT PRIMARY KEY,
    doc          TEXT NOT NULL,
    changed      ANY AS (CASE WHEN json_valid(doc) THEN doc ->> 'changed' END),
    state        ANY AS (CASE WHEN json_valid(doc) THEN doc ->> 'state' END),
    device_group ANY AS (CASE WHEN json_valid(doc) THEN doc ->> 'device_group' END),
    token_id     ANY AS (CASE WHEN json_valid(doc) THEN doc ->> 'token_id' END)
) STRICT;

CREATE INDEX identities_changed ON identities (changed, name);
CREATE INDEX identities_state ON identities (state, name);
CREATE INDEX identities_device_group ON identities (device_group, name);
CREATE INDEX identities_token_id ON identities (token_id, name) WHERE token_id IS NOT NULL;
