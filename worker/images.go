package worker

import (
	"strings"

	"muster/topics"
)

// imagesFile is the file in the state directory that holds what was pulled for which app.
const imagesFile = "images.json"

// A pulled image was fetched for one version of an app. Tags move, so that each new version of an app
// has its image pulled again; but a container of a version whose image was pulled once can be made again
// without the network.
type pulled struct {
	AppID int64  `json:"app_id"`
	Image string `json:"image"`
}

// images is what a worker knows about the images of its apps, by app name.
type images struct {
	pulled map[string]pulled
	// gone holds the images that the engine did not have when a container was to be made.
	gone map[string]string
}

// needPull reports whether the app's image must be fetched before a container of it is made. seenOne says
// that there is a container of this version of the app already.
func (i images) needPull(app topics.App, seenOne bool) bool {
	if i.gone[app.AppName] == app.DockerImage {
		return true
	}
	return !seenOne && !pinned(app.DockerImage) && i.pulled[app.AppName] != versionOf(app)
}

func versionOf(app topics.App) pulled { return pulled{AppID: app.AppID, Image: app.DockerImage} }

// pinned reports whether the reference names one content for ever, rather than a tag that can move.
func pinned(image string) bool { return strings.Contains(image, "@sha256:") }

// forget drops what is known about apps that the config does not have any more: an app of that name that
// comes back later is another one.
func (i images) forget(apps map[string]topics.App) {
	for name := range i.pulled {
		if _, ok := apps[name]; !ok {
			delete(i.pulled, name)
		}
	}
	for name := range i.gone {
		if _, ok := apps[name]; !ok {
			delete(i.gone, name)
		}
	}
}

// loadImages reads what was pulled. Without the file, or with one that cannot be read, it is empty, which
// costs a pull at the worst: err is for the log.
func loadImages(dir string) (images, error) {
	i := images{pulled: map[string]pulled{}, gone: map[string]string{}}
	read := map[string]pulled{}
	if err := readRecord(dir, imagesFile, &read); err != nil {
		return i, err
	}
	if read != nil {
		i.pulled = read
	}
	return i, nil
}

func (i images) save(dir string) error {
	return writeRecord(dir, imagesFile, i.pulled)
}
