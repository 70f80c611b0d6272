package publish

import (
	"context"
	"errors"
	"fmt"

	"muster/manager/store"
	"muster/topics"
)

// wanted is what the store has for a group, and how it is published.
type wanted struct {
	want
	payload []byte
}

func wantedOf(s store.Snapshot, exists bool) wanted {
	return wanted{want{exists: exists, latest: stamp{s.Version, s.SHA256}}, s.Payload}
}

// read has the snapshots made and gathers what the store wants: for each device_group that exists, and for
// each topic that holds something although its group does not exist. With an error it returns what is
// known nevertheless.
func (p *Publisher) read(ctx context.Context, by string) (map[string]wanted, error) {
	_, err := p.source.MakeAll(ctx, by)
	if err == nil || onlyDocuments(err) {
		p.tellRefused(err)
		err = nil
	}
	groups := p.source.Groups()
	wants := make(map[string]wanted, len(groups))
	for _, group := range groups {
		if s, ok := p.source.Latest(group); ok {
			wants[group] = wantedOf(s, true)
		}
	}
	for _, group := range p.strays(wants) {
		s, readErr := p.history.Latest(ctx, group)
		if readErr != nil && !errors.Is(readErr, store.ErrNotFound) {
			return wants, errors.Join(err, fmt.Errorf("latest config of device_group %q: %w", group, readErr))
		}
		wants[group] = wantedOf(s, false)
	}
	return wants, err
}

// strays names the groups that do not exist and whose topics hold something.
func (p *Publisher) strays(wants map[string]wanted) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var groups []string
	for group, t := range p.topics {
		if !wants[group].exists && (t.held == config || t.held == unreadable) {
			groups = append(groups, group)
		}
	}
	return groups
}

// onlyDocuments reports whether every error that err joins is about documents of which no config can be made:
// a [topics.FieldError] or a [store.UnreadableError]. It is false for nil.
func onlyDocuments(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			if !onlyDocuments(one) {
				return false
			}
		}
		return true
	}
	var (
		field      *topics.FieldError
		unreadable *store.UnreadableError
	)
	return errors.As(err, &field) || errors.As(err, &unreadable)
}

// tellRefused logs the groups whose config cannot be made, when they are others than last time.
func (p *Publisher) tellRefused(err error) {
	refused := ""
	if err != nil {
		refused = err.Error()
	}
	if refused != p.refused && err != nil {
		p.o.Log.Warn("some configs cannot be made; devices keep their last ones", "error", err)
	}
	p.refused = refused
}
