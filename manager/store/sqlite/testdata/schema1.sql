-- A store file as the first version of the schema left it, in SQL. It is not to be changed.
PRAGMA application_id = 1297437524;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-01 12:00:00');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-01 12:00:00');
CREATE TABLE store (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    probe BLOB
) STRICT;
INSERT INTO store VALUES (1, '01M7YZJSGB7D7HWX22TNSTNSNS', NULL);
CREATE TABLE apps (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;
INSERT INTO apps VALUES ('web', '{"app_id":7,"app_name":"web","docker_image":"registry:5000/web:1","starting_ports":[80,{"81":"8081"}],"containers_per":{"server":1},"env_vars":{"A.B":"it''s ü","C":"$D"},"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}');
INSERT INTO apps VALUES ('my.app', '{"app_id":1,"app_name":"my.app","docker_image":"app:2","starting_ports":[],"containers_per":{"server":1},"env_vars":[],"running":true,"networks":["nebula","bridge"],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}');
CREATE TABLE device_groups (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;
INSERT INTO device_groups VALUES ('berlin', '{"device_group":"berlin","device_group_id":3,"prune_id":2,"apps":["web","my.app"],"cron_jobs":[]}');
INSERT INTO device_groups VALUES ('empty', '{"device_group":"empty","device_group_id":1,"prune_id":1,"apps":[],"cron_jobs":[]}');
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
INSERT INTO snapshots VALUES ('berlin', 1, '01M7YZJSGB7D7HWX22TNSTNSNS', 'digest 1', 1700000000001, 'admin', X'7B22636F6E6669675F6964223A317D');
INSERT INTO snapshots VALUES ('berlin', 2, '01M7YZJSGB7D7HWX22TNSTNSNS', 'digest 2', 1700000000002, 'admin', X'7B22636F6E6669675F6964223A327D');
