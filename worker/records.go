package worker

import (
	"log/slog"

	"muster/topics"
)

// records are what an earlier worker left in the state directory beside the config. Each can be done without.
type records struct {
	images   images
	taken    taken
	versions versions
	// applied is the last version that the containers were seen to follow.
	applied topics.Version
	pruned  pruneRecord
	cron    map[string]cronRecord
}

// loadRecords reads what there is, and logs what that costs where it is of no use.
func loadRecords(dir, group string, log *slog.Logger) records {
	var r records
	var err error
	useless := func(what, cost string) {
		if err != nil {
			log.Warn("a record of an earlier worker is of no use", "of", what, "so", cost, "error", err)
		}
	}
	r.images, err = loadImages(dir)
	useless("pulled images", "images may be pulled again")
	r.taken, err = loadTaken(dir)
	useless("what was taken over from a Nebula worker", "it is compared with the config again")
	r.versions, err = loadVersions(dir)
	useless("the versions that work", "there is none to go back to until what runs was seen to work")
	r.applied, err = loadApplied(dir, group)
	useless("what was applied", "the status names no version until the containers follow one")
	r.pruned, err = loadPruneRecord(dir)
	useless("the last prune_id", "images are removed at the next one")
	r.cron, err = loadCron(dir)
	useless("cron_jobs", "images may be pulled again, and the last results are unknown")
	return r
}
