package docker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
	"muster/worker"
	"muster/worker/docker"
)

// A device is a whole worker on an engine of the test's own, whose configs the test says.
type device struct {
	t       *testing.T
	own     *rig.Engine
	engine  *docker.Engine
	options worker.Options
	log     *logs.Buffer

	configs  chan worker.Offered
	configID int64

	mu       sync.Mutex
	reported topics.Report
}

// newDevice is one of device_group g, with an engine that has that many bytes of disk, 0 for the machine's.
func newDevice(t *testing.T, disk int64) *device {
	t.Helper()
	d := &device{t: t, own: rig.OwnEngine(t, rig.EngineOptions{Disk: disk}), configs: make(chan worker.Offered), log: &logs.Buffer{}}
	d.engine = newEngine(t, d.own.Client, docker.Options{Device: "d", Host: d.own.Host, StopTimeout: time.Second})
	d.options = worker.Options{
		Group: "g", StateDir: t.TempDir(), Engine: d.engine, Link: d, Recheck: 200 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	}
	return d
}

// start runs the worker until the test ends.
func (d *device) start() { d.begin() }

func (d *device) Configs() <-chan worker.Offered { return d.configs }
func (d *device) Have(topics.Version)            {}
func (d *device) Progress(topics.Progress)       {}

func (d *device) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (d *device) SetReport(r topics.Report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reported = r
}

func (d *device) report() topics.Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reported
}

// offer sends the next config.
func (d *device) offer(pruneID int64, apps ...topics.App) {
	d.t.Helper()
	d.configID++
	v := topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: d.configID}
	payload, err := topics.EncodeConfig(v, time.Unix(1e9, 0), topics.Content{DeviceGroup: "g", DeviceGroupID: 1, PruneID: pruneID, Apps: apps})
	if err != nil {
		d.t.Fatal(err)
	}
	config, err := topics.ParseConfig(payload)
	if err != nil {
		d.t.Fatal(err)
	}
	d.configs <- worker.Offered{Config: config, Payload: payload, From: "retained"}
}

// settles waits until the last config is applied and nothing fails.
func (d *device) settles() {
	d.t.Helper()
	eventually(d.t, "rest", func() error {
		if r := d.report(); r.ConfigID != d.configID || len(r.Failing) > 0 {
			return fmt.Errorf("the report is %+v", r)
		}
		return nil
	})
}

// fails waits until that app fails with the code, and returns the reason.
func (d *device) fails(app string, code topics.Reason) (reason string) {
	d.t.Helper()
	eventually(d.t, "failure "+string(code), func() error {
		for _, f := range d.report().Failing {
			if f.App == app && f.Code == code {
				reason = f.Reason
				return nil
			}
		}
		return fmt.Errorf("failing are %+v", d.report().Failing)
	})
	return reason
}

// runs lists the ids of the app's running containers.
func (d *device) runs(app string) (ids string) {
	d.t.Helper()
	list, err := d.engine.List(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range list {
		if c.App == app && c.State == "running" {
			ids += c.ID + " "
		}
	}
	return ids
}

// has reports whether the engine has the image.
func (d *device) has(ref string) bool {
	d.t.Helper()
	id, err := d.engine.ImageID(d.t.Context(), ref)
	if err != nil {
		d.t.Fatal(err)
	}
	return id != ""
}

// pulls has the engine pull an image behind the worker's back, and returns its id.
func (d *device) pulls(ref string) (id string) {
	d.t.Helper()
	if err := d.engine.Pull(d.t.Context(), ref, nil); err != nil {
		d.t.Fatal(err)
	}
	id, err := d.engine.ImageID(d.t.Context(), ref)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// foreign makes a container that is none of the worker's.
func (d *device) foreign(ref string) {
	d.t.Helper()
	if _, err := d.own.ContainerCreate(d.t.Context(), &container.Config{Image: ref}, nil, nil, nil, "foreign"); err != nil {
		d.t.Fatal(err)
	}
}

// images lists all names of all images, for messages.
func (d *device) images() string {
	list, err := d.own.ImageList(d.t.Context(), image.ListOptions{All: true})
	var all []string
	for _, i := range list {
		all = append(all, fmt.Sprint(i.ID[:19], i.RepoTags))
	}
	return fmt.Sprintln(strings.Join(all, "\n"), err)
}

// app is one without ports, in version id.
func app(name, ref string, id int64) topics.App {
	a := topics.NewApp(name, ref)
	a.AppID = id
	return a
}
