package worker

import (
	"strings"

	"github.com/distribution/reference"

	"muster/topics"
)

// needs are the images that a device has to keep, beside those that containers use.
type needs struct {
	// names are references in full, and ids those of the engine.
	names, ids map[string]bool
}

// needed are the images that any of the configs names, whether its app runs or not, and those with the given
// references or ids.
func needed(images []string, configs ...topics.Config) needs {
	n := needs{names: map[string]bool{}, ids: map[string]bool{}}
	for _, c := range configs {
		for _, app := range c.Apps {
			n.add(app.DockerImage)
		}
		for _, job := range c.CronJobs {
			n.add(job.DockerImage)
		}
	}
	for _, image := range images {
		n.add(image)
	}
	return n
}

func (n needs) add(image string) {
	if strings.HasPrefix(image, "sha256:") {
		n.ids[image] = true
		return
	}
	n.names[fullName(image)] = true
}

// keeps reports whether the image is to stay, with all its names.
func (n needs) keeps(i Image) bool {
	if i.Used || n.ids[i.ID] {
		return true
	}
	for _, name := range i.Names {
		if n.names[fullName(name)] {
			return true
		}
	}
	return false
}

// fullName is the same for all ways to write a reference: "nginx" is "docker.io/library/nginx:latest", and a tag beside
// a digest means nothing.
func fullName(image string) string {
	named, err := reference.ParseDockerRef(image)
	if err != nil {
		return image
	}
	return named.String()
}
