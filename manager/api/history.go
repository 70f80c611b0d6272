package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"muster/manager/store"
)

// A configHead is what a list says about one config.
type configHead struct {
	ConfigID int64     `json:"config_id"`
	Epoch    string    `json:"epoch"`
	IssuedAt time.Time `json:"issued_at"`
	By       string    `json:"by"`
	SHA256   string    `json:"sha256"`
}

type configPage struct {
	Configs []configHead `json:"configs"`
	// Next is the parameter "before" of the next page; null on the last one.
	Next *int64 `json:"next"`
}

// listConfigs lists the configs that a device_group has had, newest first, those from before it was deleted
// included.
func (a *api) listConfigs(r *http.Request) (int, any, error) {
	q := readQuery(r)
	size := q.pageSize(20, store.HistoryLimit)
	before := q.number("before", 0, 1, math.MaxInt64)
	if err := q.done(); err != nil {
		return 0, nil, err
	}
	group := pathName(r, "group")
	read, err := a.store.Snapshots().History(r.Context(), group, before, size+1)
	if err == nil && len(read) == 0 {
		err = a.hadGroup(r.Context(), group)
	}
	if err != nil {
		return 0, nil, err
	}
	heads, more := page(read, size)
	answer := configPage{Configs: make([]configHead, len(heads))}
	for i, h := range heads {
		answer.Configs[i] = configHead{h.ConfigID, h.Epoch, h.At, h.By, h.SHA256}
	}
	if more {
		answer.Next = &heads[size-1].ConfigID
	}
	return http.StatusOK, answer, nil
}

// getConfig answers with a config as it was published, byte for byte.
func (a *api) getConfig(r *http.Request) (int, any, error) {
	id, err := wholeNumber("config_id", chi.URLParam(r, "config_id"), 1, math.MaxInt64)
	if err != nil {
		return 0, nil, err
	}
	group := pathName(r, "group")
	snapshot, err := a.store.Snapshots().Get(r.Context(), group, id)
	if errors.Is(err, store.ErrNotFound) {
		if err = a.hadGroup(r.Context(), group); err == nil {
			err = errNoSuchConfig
		}
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, verbatim(snapshot.Payload), nil
}

// hadGroup reports that there is no such device_group and never was one with a config.
func (a *api) hadGroup(ctx context.Context, name string) error {
	if _, err := a.store.Snapshots().Latest(ctx, name); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err := a.store.DeviceGroups().Get(ctx, name)
	return groupKind.about(name, err)
}
