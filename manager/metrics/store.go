package metrics

import (
	"context"
	"errors"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// Store is s, with the time that its operations take and their failures counted. That something is not there, or is
// there already, is no failure of the store, nor is a caller that does not wait.
func (m *Metrics) Store(s store.Store) store.Store {
	return &measured{
		Store:        s,
		m:            m,
		apps:         measure(m, store.AppKind(), s.Apps()),
		cronJobs:     measure(m, store.CronJobKind(), s.CronJobs()),
		deviceGroups: measure(m, store.DeviceGroupKind(), s.DeviceGroups()),
		users:        measure(m, store.UserKind(), s.Users()),
		userGroups:   measure(m, store.UserGroupKind(), s.UserGroups()),
		snapshots:    &snapshots{s.Snapshots(), m},
		audit:        &audit{s.Audit(), m},
		reports:      &reports{s.Reports(), m},
		devices:      &deviceRows{s.Devices(), m},
		tokens:       measure(m, store.TokenDocuments(), s.Tokens()),
		authorities:  measure(m, store.AuthorityDocuments(), s.Authorities()),
		acme:         measure(m, store.ACMEDocuments(), s.ACME()),
		identities:   &identities{s.Identities(), m},
	}
}

// observe counts an operation that began at start. It is deferred with the address of the operation's error.
func (m *Metrics) observe(kind, operation string, start time.Time, err *error) {
	m.storeDuration.WithLabelValues(kind, operation).Observe(time.Since(start).Seconds())
	if failed(*err) {
		m.storeErrors.WithLabelValues(kind, operation).Inc()
	}
}

func failed(err error) bool {
	if err == nil {
		return false
	}
	for _, usual := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict, context.Canceled} {
		if errors.Is(err, usual) {
			return false
		}
	}
	return true
}

// A measured is a store with its parts measured.
type measured struct {
	store.Store
	m            *Metrics
	apps         store.Documents[topics.App]
	cronJobs     store.Documents[topics.CronJob]
	deviceGroups store.Documents[store.DeviceGroup]
	users        store.Documents[store.User]
	userGroups   store.Documents[store.UserGroup]
	snapshots    store.Snapshots
	audit        store.Audit
	reports      store.Reports
	devices      store.Devices
	tokens       store.Documents[store.Token]
	authorities  store.Documents[store.Authority]
	acme         store.Documents[store.ACMEEntry]
	identities   store.Identities
}

func (s *measured) Apps() store.Documents[topics.App]                { return s.apps }
func (s *measured) CronJobs() store.Documents[topics.CronJob]        { return s.cronJobs }
func (s *measured) DeviceGroups() store.Documents[store.DeviceGroup] { return s.deviceGroups }
func (s *measured) Users() store.Documents[store.User]               { return s.users }
func (s *measured) UserGroups() store.Documents[store.UserGroup]     { return s.userGroups }
func (s *measured) Snapshots() store.Snapshots                       { return s.snapshots }
func (s *measured) Audit() store.Audit                               { return s.audit }
func (s *measured) Reports() store.Reports                           { return s.reports }
func (s *measured) Devices() store.Devices                           { return s.devices }
func (s *measured) Tokens() store.Documents[store.Token]             { return s.tokens }
func (s *measured) Authorities() store.Documents[store.Authority]    { return s.authorities }
func (s *measured) ACME() store.Documents[store.ACMEEntry]           { return s.acme }
func (s *measured) Identities() store.Identities                     { return s.identities }

func (s *measured) Ping(ctx context.Context) (err error) {
	defer s.m.observe("store", "ping", time.Now(), &err)
	return s.Store.Ping(ctx)
}

type snapshots struct {
	store.Snapshots
	m *Metrics
}

func (s *snapshots) Append(ctx context.Context, snapshot store.Snapshot) (err error) {
	defer s.m.observe("snapshot", "append", time.Now(), &err)
	return s.Snapshots.Append(ctx, snapshot)
}

func (s *snapshots) Latest(ctx context.Context, group string) (_ store.Snapshot, err error) {
	defer s.m.observe("snapshot", "latest", time.Now(), &err)
	return s.Snapshots.Latest(ctx, group)
}

func (s *snapshots) Get(ctx context.Context, group string, configID int64) (_ store.Snapshot, err error) {
	defer s.m.observe("snapshot", "get", time.Now(), &err)
	return s.Snapshots.Get(ctx, group, configID)
}

func (s *snapshots) Heads(ctx context.Context) (_ map[string]store.Head, err error) {
	defer s.m.observe("snapshot", "heads", time.Now(), &err)
	return s.Snapshots.Heads(ctx)
}

func (s *snapshots) History(ctx context.Context, group string, before int64, limit int) (_ []store.Head, err error) {
	defer s.m.observe("snapshot", "history", time.Now(), &err)
	return s.Snapshots.History(ctx, group, before, limit)
}

type audit struct {
	store.Audit
	m *Metrics
}

func (a *audit) Append(ctx context.Context, e store.AuditEntry) (err error) {
	defer a.m.observe("audit_entry", "append", time.Now(), &err)
	return a.Audit.Append(ctx, e)
}

func (a *audit) Page(ctx context.Context, q store.AuditQuery, limit int) (_ []store.AuditEntry, err error) {
	defer a.m.observe("audit_entry", "page", time.Now(), &err)
	return a.Audit.Page(ctx, q, limit)
}

type reports struct {
	store.Reports
	m *Metrics
}

func (r *reports) Add(ctx context.Context, all []store.Report) (err error) {
	defer r.m.observe("report", "add", time.Now(), &err)
	return r.Reports.Add(ctx, all)
}

func (r *reports) Page(ctx context.Context, q store.ReportQuery, limit int) (_ []store.Report, err error) {
	defer r.m.observe("report", "page", time.Now(), &err)
	return r.Reports.Page(ctx, q, limit)
}

func (r *reports) Expire(ctx context.Context, before time.Time, limit int) (_ int, err error) {
	defer r.m.observe("report", "expire", time.Now(), &err)
	return r.Reports.Expire(ctx, before, limit)
}
