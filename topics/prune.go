package topics

import "time"

// A Pruned says what a device's last removal of unneeded images did.
type Pruned struct {
	// PruneID is the one that asked for it; 0 when the worker did it for want of room on the disk.
	PruneID int64     `json:"prune_id,omitempty"`
	At      time.Time `json:"at"`
	// Images counts those that were removed.
	Images int `json:"images"`
	// Bytes is by how much the free space of the disk grew meanwhile. Where the worker cannot see that disk, it is the
	// size of the images, which counts what they shared several times.
	Bytes int64 `json:"bytes"`
}
