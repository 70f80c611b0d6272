package worker

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"muster/topics"
)

// leftWeb is what a Nebula worker made of the first container of [webApp].
func leftWeb() Left {
	return Left{
		Image: "registry.hub.docker.com/library/web:latest", RestartPolicy: "unless-stopped",
		Env: map[string]string{"PATH": "/bin", "A": "1", "ON": "True"}, ImageEnv: map[string]string{"PATH": "/bin", "A": "0"},
		Ports: []PortBinding{{Host: 8000, Container: 80}}, Networks: []string{"bridge", "nebula"},
		Volumes: []string{"/a:/b:ro", "v:/c"}, Devices: []string{"/dev/x:/dev/y:rwm"},
	}
}

func webApp() topics.App {
	app := topics.NewApp("web", "web")
	app.EnvVars = topics.EnvVars{"A": "1", "ON": "true"}
	app.StartingPorts = topics.Ports{{Host: 8000, Container: 80}}
	app.Volumes, app.Devices = []string{"v:/c", "/a:/b:ro"}, []string{"/dev/x:/dev/y"}
	return app
}

func TestWhatIsLikeASpec(t *testing.T) {
	for name, test := range map[string]struct {
		left func(*Left)
		app  func(*topics.App)
		want bool
	}{
		"as it was made":        {want: true},
		"policy said":           {app: func(a *topics.App) { a.RestartPolicy = "unless-stopped" }, want: true},
		"another policy wanted": {app: func(a *topics.App) { a.RestartPolicy = "always" }},
		"another policy":        {left: func(l *Left) { l.RestartPolicy = "no" }},
		"image with a tag": {want: true, left: func(l *Left) { l.Image = "host:5000/web:v1" },
			app: func(a *topics.App) { a.DockerImage = "host:5000/web:v1" }},
		"image with a registry and no tag": {want: true, left: func(l *Left) { l.Image = "host:5000/web:latest" },
			app: func(a *topics.App) { a.DockerImage = "host:5000/web" }},
		"image with a digest": {want: true, left: func(l *Left) { l.Image = "host:5000/web@sha256:abc" },
			app: func(a *topics.App) { a.DockerImage = "host:5000/web@sha256:abc" }},
		"another image":       {left: func(l *Left) { l.Image = "registry.hub.docker.com/library/web:v2" }},
		"another value":       {left: func(l *Left) { l.Env["A"] = "2" }},
		"the image's value":   {left: func(l *Left) { l.Env["A"] = "0" }},
		"a variable too many": {left: func(l *Left) { l.Env["B"] = "2" }},
		"a variable too few":  {left: func(l *Left) { delete(l.Env, "ON") }},
		"no image any more":   {left: func(l *Left) { l.ImageEnv = nil }},
		"another host port":   {left: func(l *Left) { l.Ports[0].Host++ }},
		"another port":        {left: func(l *Left) { l.Ports[0].Container++ }},
		"no port":             {left: func(l *Left) { l.Ports = nil }},
		"a port not wanted":   {app: func(a *topics.App) { a.StartingPorts = nil }},
		"another volume":      {left: func(l *Left) { l.Volumes[0] = "/a:/b" }},
		"a device alone": {app: func(a *topics.App) { a.Devices = []string{"/dev/x"} },
			left: func(l *Left) { l.Devices = []string{"/dev/x:/dev/x:rwm"} }, want: true},
		"another device":     {left: func(l *Left) { l.Devices[0] = "/dev/x:/dev/y:r" }},
		"privileged":         {left: func(l *Left) { l.Privileged = true }},
		"privilege wanted":   {app: func(a *topics.App) { a.Privileged = true }},
		"without nebula":     {left: func(l *Left) { l.Networks = []string{"bridge"} }},
		"without bridge":     {left: func(l *Left) { l.Networks = []string{"nebula"} }},
		"bridge not wanted":  {app: func(a *topics.App) { a.Networks = []string{"nebula"} }, want: true},
		"no networks listed": {app: func(a *topics.App) { a.Networks = nil }, want: true},
		"another network":    {left: func(l *Left) { l.Networks = append(l.Networks, "own") }},
		"host wanted":        {app: func(a *topics.App) { a.Networks = []string{"host"} }},
		"host": {app: func(a *topics.App) { a.Networks = []string{"host"} },
			left: func(l *Left) { l.Networks = []string{"host"} }, want: true},
		"an option of Muster's": {app: func(a *topics.App) { a.MemoryLimitMB = 64 }},
		"a health check":        {app: func(a *topics.App) { a.Healthcheck = &topics.Healthcheck{Retries: 2} }},
	} {
		left, app := leftWeb(), webApp()
		if test.left != nil {
			test.left(&left)
		}
		if test.app != nil {
			test.app(&app)
		}
		spec, err := NewSpec(app, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := left.like(spec); got != test.want {
			t.Errorf("%s: like = %v, want %v", name, got, test.want)
		}
	}
}

func TestTakeOver(t *testing.T) {
	left := leftWeb()
	second := leftWeb()
	second.Ports[0].Host++
	app := webApp()
	app.ContainersPer.Count = 2
	first, err := NewSpec(app, 0)
	if err != nil {
		t.Fatal(err)
	}
	next, err := NewSpec(app, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := []Container{
		{ID: "first", App: "web", Index: 0, Left: &left},
		{ID: "second", App: "web", Index: 1, Left: &second},
		{ID: "twin of the first", App: "web", Index: 1, Left: &left},
		{ID: "surplus", App: "web", Index: 2, Left: &left},
		{ID: "no index", App: "web", Index: -1, Left: &left},
		{ID: "another app's", App: "api", Left: &left},
		{ID: "a run", CronJob: "web", Index: -1, Left: &left, Spec: LeftRun},
		{ID: "ours", App: "web", Spec: "old"},
	}
	facts := Facts{CPUs: 1, MemoryMB: 1000}
	config := topics.Config{Content: topics.Content{Apps: []topics.App{app}}}
	want := map[string]string{"first": first.Hash(), "second": next.Hash()}
	if got := takeOver(config, facts, seen, nil); !maps.Equal(got, want) {
		t.Errorf("takeOver = %v, want %v", got, want)
	}
	// What is known stays, whatever the config says now, until the container is gone.
	known := map[string]string{"first": "before", "surplus": "known", "gone": "x"}
	want = map[string]string{"first": "before", "second": next.Hash(), "surplus": "known"}
	if got := takeOver(config, facts, seen, known); !maps.Equal(got, want) {
		t.Errorf("takeOver of known ones = %v, want %v", got, want)
	}
	config.Apps[0].Running = false
	if got := takeOver(config, facts, seen, nil); len(got) != 0 {
		t.Errorf("takeOver for an app that is not to run = %v", got)
	}
}

// What was taken over is known after a restart, and a record that is no such thing is told and left.
func TestTakenIsKept(t *testing.T) {
	dir := t.TempDir()
	if got, err := loadTaken(dir); err != nil || got.hashes != nil {
		t.Fatalf("without a file: %v, %v", got, err)
	}
	want := map[string]string{"id": "hash"}
	if err := (taken{hashes: want}).save(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := loadTaken(dir); err != nil || !maps.Equal(got.hashes, want) || !maps.Equal(got.saved, want) {
		t.Errorf("loaded %v, %v, want %v", got, err, want)
	}
	for _, content := range []string{"", "[]", `{"id": 1}`} {
		if err := os.WriteFile(filepath.Join(dir, takenFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := loadTaken(dir); err == nil || got.hashes != nil {
			t.Errorf("file %q: loaded %v, %v, want an error and nothing", content, got, err)
		}
	}
}
