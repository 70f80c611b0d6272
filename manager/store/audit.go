package store

import (
	"context"
	"encoding/json"
	"time"
)

// AuditLimit is about how many audit entries are kept; older ones are dropped sooner or later.
const AuditLimit = 100_000

// An AuditEntry says who changed what, and when. It holds no secrets: whoever makes it leaves them out.
type AuditEntry struct {
	// ID is a ULID made with the entry, so that entries sort by the time they were made.
	ID string `json:"id"`
	// At is when the change was made, in UTC, to the millisecond.
	At time.Time `json:"at"`
	// By is who made it; empty when authentication is disabled. RequestID is that of the request.
	By        string `json:"by"`
	RequestID string `json:"request_id"`
	// Action is what was done ("create", "update", "restart", "start", "stop", "prune", "refresh", "delete", "roll", "retire", "enroll",
	// "approve", "revoke", "secret", "forget"),
	// Kind to what kind of object ("app", "device_group", "cron_job", "user", "user_group"), Name to which.
	Action string `json:"action"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	// Changed lists the fields that differ between Before and After, those that are not shown included; none
	// when either is null. It is never nil when it is read.
	Changed []string `json:"changed"`
	// Before and After are the object without its secrets; null where there was or is none, never nil when
	// they are read.
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// An AuditQuery selects audit entries. Its zero value selects all.
type AuditQuery struct {
	// Before selects entries with a smaller ID.
	Before string
	// By, Kind and Name select entries with exactly these, unless empty.
	By, Kind, Name string
}

// Audit keeps the trail of changes.
type Audit interface {
	// Append adds an entry. It fails with [ErrExists] when there is one with that ID, and refuses one whose
	// Before or After is no JSON. When it returns nil the entry survives a loss of power.
	Append(ctx context.Context, e AuditEntry) error
	// Page reads the entries that the query selects, newest first (by ID), at most limit of them; none
	// when limit is not above 0.
	Page(ctx context.Context, q AuditQuery, limit int) ([]AuditEntry, error)
}
