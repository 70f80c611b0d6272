-- +goose Up
-- Between which times the reports of each 16 seconds were created: zone is what their ids begin with. Reports that are not
-- created in a span need not be looked at for it. part tells apart what changed something, what did not, and
-- what does not say; from 3 on those whose clock is far from the bridge's, which would make every span a wide one; and from 6
-- on those without a time, whose span means nothing.
CREATE TABLE report_spans (
    zone   TEXT    NOT NULL,
    part   INTEGER NOT NULL,
    oldest REAL    NOT NULL,
    newest REAL    NOT NULL,
    PRIMARY KEY (zone, part)
) STRICT, WITHOUT ROWID;

INSERT INTO report_spans (zone, part, oldest, newest)
SELECT substr(id, 1, 7), CASE WHEN created_at IS NULL THEN 6 ELSE 3 END + coalesce(updated, 2),
    min(coalesce(created_at, 0)), max(coalesce(created_at, 0))
FROM reports GROUP BY 1, 2;
