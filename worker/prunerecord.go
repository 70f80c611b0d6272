package worker

import "muster/topics"

// pruneFile is the file in the state directory that holds the last prune_id that the device has followed.
const pruneFile = "prune.json"

// A pruneRecord says which prune_id the device has followed, and what the last removal of images did.
type pruneRecord struct {
	// DeviceGroup, Epoch and PruneID are of the config: prune_ids of other groups, and of another life of the
	// managers' store, do not compare.
	DeviceGroup string         `json:"device_group"`
	Epoch       string         `json:"epoch"`
	PruneID     int64          `json:"prune_id"`
	Last        *topics.Pruned `json:"last,omitempty"`
}

// asks reports whether the config asks for a removal of images that has not been made. One of another group or
// epoch does not, nor the first: nobody asked this device for anything yet.
func (r pruneRecord) asks(c topics.Config) bool {
	return r.DeviceGroup == c.DeviceGroup && r.Epoch == c.Epoch && c.PruneID > r.PruneID
}

// followed is the record when nothing is left to do of what the config asks. A lower prune_id than the one
// before, as of a group that was made anew, is taken as well, so that the next one counts.
func (r pruneRecord) followed(c topics.Config) pruneRecord {
	return pruneRecord{DeviceGroup: c.DeviceGroup, Epoch: c.Epoch, PruneID: c.PruneID, Last: r.Last}
}

// loadPruneRecord reads the record; zero when there is none, or when err says why it is of no use.
func loadPruneRecord(dir string) (pruneRecord, error) {
	var r pruneRecord
	if err := readRecord(dir, pruneFile, &r); err != nil {
		return pruneRecord{}, err
	}
	return r, nil
}

func (r pruneRecord) save(dir string) error {
	return writeRecord(dir, pruneFile, r)
}
