package snapshot

import (
	"maps"
	"slices"
	"sync"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// memory holds the latest snapshot of every group.
type memory struct {
	mu      sync.RWMutex
	entries map[string]entry
	// looks counts the looks taken, and changes those at which the documents were known to have changed.
	looks, changes uint64
}

// An entry is a snapshot and the last time that documents were found to agree with it.
type entry struct {
	snapshot store.Snapshot
	seen     look
}

// A look is the moment just before something was read from the store: what was read is at least that
// new. Looks are ordered by their number.
type look struct {
	number  uint64
	changes uint64
	at      time.Time
}

// look begins a look at the store.
func (m *memory) look(now time.Time) look {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	return look{number: m.looks, changes: m.changes, at: now}
}

// changed says that documents have changed: what earlier looks have seen is no longer good enough. It returns
// the number of the change.
func (m *memory) changed() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	return m.changes
}

func (m *memory) get(group string) (entry, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[group]
	return e, ok
}

func (m *memory) groups() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Collect(maps.Keys(m.entries))
}

// fresh is the group's snapshot when a look since the last change and not before oldest found it current.
func (m *memory) fresh(group string, oldest time.Time) (store.Snapshot, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[group]
	return e.snapshot, ok && e.seen.changes == m.changes && e.seen.at.After(oldest)
}

// keep remembers a snapshot that a look found current, unless a newer one is there already.
func (m *memory) keep(s store.Snapshot, seen look) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.confirmed(s.DeviceGroup, s.Version, seen) {
		// Also with an earlier look than the entry's: what a later one has found of an older snapshot
		// says nothing about this one.
		m.entries[s.DeviceGroup] = entry{s, seen}
	}
}

// confirm notes that a look found a version current. It reports whether that or a newer one is here.
func (m *memory) confirm(group string, v topics.Version, seen look) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.confirmed(group, v, seen)
}

// confirmed is confirm for those who hold mu.
func (m *memory) confirmed(group string, v topics.Version, seen look) bool {
	e, ok := m.entries[group]
	if !ok || v.Newer(e.snapshot.Version) {
		return false
	}
	if v == e.snapshot.Version && seen.number > e.seen.number {
		m.entries[group] = entry{e.snapshot, seen}
	}
	return true
}

// forget drops a group that a look found deleted, unless a later look has found it again.
func (m *memory) forget(group string, seen look) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[group]; ok && e.seen.number < seen.number {
		delete(m.entries, group)
	}
}

// forgetExcept drops every group but those that a look found.
func (m *memory) forgetExcept(found map[string]bool, seen look) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for group, e := range m.entries {
		if !found[group] && e.seen.number < seen.number {
			delete(m.entries, group)
		}
	}
}
