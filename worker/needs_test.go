package worker

import (
	"testing"

	"muster/topics"
)

func TestNeeds(t *testing.T) {
	const pinned = "r.example/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	keep := needed([]string{"sha256:good", "side:2"}, topics.Config{Content: topics.Content{
		Apps: []topics.App{
			{DockerImage: "nginx"}, {DockerImage: "r.example:5000/a/b:v1"}, {DockerImage: "r.example/app:v3@sha256:" + pinned[len(pinned)-64:]},
		},
		CronJobs: []topics.CronJob{{DockerImage: "docker.io/library/job:2"}},
	}}, topics.Config{Content: topics.Content{Apps: []topics.App{{DockerImage: "next:1"}}}})
	for name, c := range map[string]struct {
		image Image
		want  bool
	}{
		"a reference without a tag":         {Image{Names: []string{"nginx:latest"}}, true},
		"in full, as Podman lists it":       {Image{Names: []string{"docker.io/library/nginx:latest"}}, true},
		"another tag":                       {Image{Names: []string{"nginx:1"}}, false},
		"one of several names":              {Image{Names: []string{"x:1", "r.example:5000/a/b:v1"}}, true},
		"another registry":                  {Image{Names: []string{"a/b:v1"}}, false},
		"a digest":                          {Image{Names: []string{pinned}}, true},
		"the tag beside a digest":           {Image{Names: []string{"r.example/app:v3"}}, false},
		"of a cron_job":                     {Image{Names: []string{"job:2"}}, true},
		"of another config":                 {Image{Names: []string{"next:1"}}, true},
		"of a version to go back to":        {Image{ID: "sha256:good"}, true},
		"of a version to go back to, named": {Image{Names: []string{"side:2"}}, true},
		"without a name":                    {Image{ID: "sha256:bad"}, false},
		"of a container":                    {Image{ID: "sha256:bad", Used: true}, true},
		"with a name that is none":          {Image{Names: []string{"::"}}, false},
	} {
		if got := keep.keeps(c.image); got != c.want {
			t.Errorf("%s: %+v is kept: %v, want %v", name, c.image, got, c.want)
		}
	}
}
