// Package snapshot makes configs from documents: immutable, numbered, and never going backwards, however
// many managers do so at the same time.
//
// Documents flow in from the store, snapshots flow back into it, and the latest one of every device_group
// stays in memory for those who publish configs and answer check-ins. See "Versions" in
// docs/architecture.md for why no transaction is needed.
package snapshot

import (
	"math"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// Content is what the devices of a group should run, with apps by name. As in Nebula, an app that the
// group lists and that does not exist (any more) is left out of both apps and apps_list, until it is
// created again; the others keep the order of the group.
func Content(group store.DeviceGroup, apps map[string]topics.App) topics.Content {
	c := topics.Content{
		DeviceGroup:   group.DeviceGroup,
		DeviceGroupID: group.DeviceGroupID,
		PruneID:       group.PruneID,
		Apps:          make([]topics.App, 0, len(group.Apps)),
		AppsList:      make([]string, 0, len(group.Apps)),
	}
	for _, name := range group.Apps {
		if app, exists := apps[name]; exists {
			c.Apps = append(c.Apps, app)
			c.AppsList = append(c.AppsList, name)
		}
	}
	return c
}

// Fits reports why no config can be made of a group and apps, nil when one can. The error is a
// [topics.FieldError]. Call it before a change is written, for a group whose config cannot be made keeps
// its last one.
func Fits(group store.DeviceGroup, apps map[string]topics.App) error {
	// The longest version leaves a few bytes for the ids in the content to grow.
	longest := topics.Version{Epoch: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", ConfigID: math.MaxInt64}
	_, err := topics.EncodeConfig(longest, time.UnixMilli(999), Content(group, apps))
	return err
}

// agrees reports whether nothing is to follow latest: its content has that digest, and its epoch is that
// of the store.
func agrees(latest store.Head, epoch, digest string) bool {
	return latest.SHA256 == digest && latest.Epoch >= epoch
}

// next is the snapshot to follow latest, which is zero when the group has none yet. The result is nil
// when latest agrees with content. The error is a [topics.FieldError].
func next(latest store.Head, epoch string, content topics.Content, now time.Time, by string) (*store.Snapshot, error) {
	digest, err := topics.ContentDigest(content)
	if err != nil {
		return nil, err
	}
	if agrees(latest, epoch, digest) {
		return nil, nil
	}
	head := store.Head{
		DeviceGroup: content.DeviceGroup,
		// A latest of a newer epoch is of a manager that has heard of it first.
		Version: topics.Version{Epoch: max(epoch, latest.Epoch), ConfigID: latest.ConfigID + 1},
		SHA256:  digest,
		At:      now.UTC().Truncate(time.Millisecond),
		By:      by,
	}
	payload, err := topics.EncodeConfig(head.Version, head.At, content)
	if err != nil {
		return nil, err
	}
	return &store.Snapshot{Head: head, Payload: payload}, nil
}
