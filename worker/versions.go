package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"

	"muster/topics"
)

// versionsFile is the file in the state directory that holds which versions of the apps work and which do not.
const versionsFile = "versions.json"

// A proven version of an app is one whose containers were all up: what the config said, and the image that they were
// made from, since the tag that the config names may move.
type proven struct {
	App     topics.App `json:"app"`
	ImageID string     `json:"image_id"`
}

// A failed version of an app is one that is not run again before the config says something else about the app.
type failed struct {
	// Wanted is the [fingerprint] of what the config says.
	Wanted  string        `json:"wanted"`
	AppID   int64         `json:"app_id"`
	ImageID string        `json:"image_id"`
	Code    topics.Reason `json:"code"`
	Reason  string        `json:"reason"`
}

// A history is what a worker knows of the versions of an app; each may be nil.
type history struct {
	Good *proven `json:"good,omitempty"`
	Bad  *failed `json:"bad,omitempty"`
}

// versions are the histories by app name.
type versions map[string]history

// fingerprint is the same for two configs that say the same about an app or cron_job.
func fingerprint[T topics.App | topics.CronJob](wanted T) string {
	encoded, err := json.Marshal(wanted)
	if err != nil {
		panic(err) // it came from JSON
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// isProven reports whether this version of the app was up before.
func (r history) isProven(app topics.App) bool {
	return r.Good != nil && fingerprint(r.Good.App) == fingerprint(app)
}

// isFailed reports whether this version of the app is not to be run.
func (r history) isFailed(app topics.App) bool {
	return r.Good != nil && r.Bad != nil && r.Bad.Wanted == fingerprint(app)
}

// helps reports whether it is of any use to go back from a version of the app that has failed, and whose containers were
// made from that image: not to one that differs in its app_id alone.
func (r history) helps(app topics.App, imageID string) bool {
	if r.Good == nil || r.Good.ImageID == "" {
		return false
	}
	before := r.Good.App
	before.AppID = app.AppID
	same := fingerprint(before) == fingerprint(app) && (imageID == "" || imageID == r.Good.ImageID)
	return !same
}

// forget drops what is known about apps that the config does not have any more: an app of that name that comes back
// later is another one. It reports whether there was any.
func (v versions) forget(apps map[string]topics.App) (any bool) {
	for name := range v {
		if _, ok := apps[name]; !ok {
			delete(v, name)
			any = true
		}
	}
	return any
}

// images are the ids of the images that apps may have to go back to.
func (v versions) images() []string {
	var ids []string
	for _, r := range v {
		if r.Good != nil && r.Good.ImageID != "" {
			ids = append(ids, r.Good.ImageID)
		}
	}
	return ids
}

// loadVersions reads the records. Without the file, or with one that cannot be read, there are none: what runs is left
// alone all the same, but there is nothing to go back to until it was seen to be up.
func loadVersions(dir string) (versions, error) {
	v := versions{}
	if err := readRecord(dir, versionsFile, &v); err != nil {
		return versions{}, err
	}
	if v == nil { // "null"
		return versions{}, fmt.Errorf("read %s: it has no records", filepath.Join(dir, versionsFile))
	}
	for name, r := range v {
		if r.Good != nil && r.Good.App.AppName != name {
			return versions{}, fmt.Errorf("read %s: the record of %q is of another app", filepath.Join(dir, versionsFile), name)
		}
	}
	return v, nil
}

func (v versions) save(dir string) error {
	return writeRecord(dir, versionsFile, v)
}
