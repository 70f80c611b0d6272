package worker

import "maps"

// takenFile is the file in the state directory that holds which containers of a Nebula worker were taken over, and
// from which spec each is as good as made: it takes the place of the label that they lack. If it is lost, they are
// compared with the config again.
const takenFile = "taken.json"

// taken are the hashes by container id.
type taken struct {
	hashes map[string]string
	// saved is what the file holds, and failing says that it could not be written.
	saved   map[string]string
	failing bool
}

// loadTaken reads what was taken over. Without the file, or with one that cannot be read, it is empty: err is for
// the log.
func loadTaken(dir string) (taken, error) {
	var hashes map[string]string
	if err := readRecord(dir, takenFile, &hashes); err != nil {
		return taken{}, err
	}
	return taken{hashes: hashes, saved: hashes}, nil
}

func (t taken) save(dir string) error {
	return writeRecord(dir, takenFile, t.hashes)
}

// takeOver has the containers that a Nebula worker left show the spec that they are as good as made from.
func (l *loop) takeOver(seen []Container) {
	before := l.taken.hashes
	l.taken.hashes = takeOver(l.held.config, l.facts, seen, before)
	for i, c := range seen {
		hash, ours := l.taken.hashes[c.ID]
		if !ours {
			continue
		}
		seen[i].Spec = hash
		if before[c.ID] == "" {
			l.Log.Info("container of a Nebula worker taken over as it is", "app", c.App, "container", c.Name, "id", c.ID)
		}
	}
	if maps.Equal(l.taken.hashes, l.taken.saved) {
		return
	}
	if err := l.taken.save(l.StateDir); err != nil {
		if !l.taken.failing {
			l.Log.Warn("what was taken over from a Nebula worker cannot be recorded; after a restart it is compared with the config again", "error", err)
		}
		l.taken.failing = true
		return
	}
	l.taken.saved, l.taken.failing = l.taken.hashes, false
}
