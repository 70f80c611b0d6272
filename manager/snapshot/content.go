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

// Content is what the devices of a group should run. As in Nebula, an app or cron_job that the group lists
// and that does not exist (any more) is left out of the lists too, until it is created again; the others keep
// the order of the group.
func Content(group store.DeviceGroup, parts Parts) topics.Content {
	c := topics.Content{
		DeviceGroup:   group.DeviceGroup,
		DeviceGroupID: group.DeviceGroupID,
		PruneID:       group.PruneID,
	}
	c.Apps, c.AppsList = present(group.Apps, parts.Apps.Docs)
	c.CronJobs, c.CronJobsList = present(group.CronJobs, parts.CronJobs.Docs)
	return c
}

// Fits reports why no config can be made of a group and its parts, nil when one can. The error is a
// [topics.FieldError]. Call it before a change is written, for a group whose config cannot be made keeps
// its last one.
func Fits(group store.DeviceGroup, parts Parts) error {
	// The longest version leaves a few bytes for the ids in the content to grow.
	longest := topics.Version{Epoch: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", ConfigID: math.MaxInt64}
	_, err := topics.EncodeConfig(longest, time.UnixMilli(999), Content(group, parts))
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
