package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"muster/test/rig"
	"muster/worker/docker"
)

// A nebula makes containers as a worker of Nebula 2.8 does, by way of docker-py 4: the same requests in the same order,
// with all that docker-py writes when nothing is said.
type nebula struct {
	t    *testing.T
	api  *client.Client
	http *http.Client
}

func newNebula(t *testing.T, api *client.Client) *nebula {
	n := &nebula{t: t, api: api}
	n.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return api.Dialer()(ctx) },
	}}
	n.post("/networks/create", fields{
		"Name": "nebula", "Driver": "bridge", "Options": nil, "IPAM": nil, "CheckDuplicate": true,
	})
	return n
}

// post sends one request of docker-py's and returns what the engine says.
func (n *nebula) post(path string, body any) (answer struct{ ID string }) {
	n.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		n.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, "http://docker/v1.41"+path, bytes.NewReader(encoded))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := n.http.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		n.t.Fatalf("POST %s: %s %s %v", path, response.Status, said, err)
	}
	if len(said) > 0 && strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && path != "/images/create" {
		if err := json.Unmarshal(said, &answer); err != nil && !strings.HasPrefix(path, "/images/") {
			n.t.Fatalf("POST %s: %v: %s", path, err, said)
		}
	}
	return answer
}

func (n *nebula) pull(image string) {
	n.t.Helper()
	name, tag, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	n.post("/images/create?fromImage="+image[:strings.LastIndexByte(image, '/')+1]+name+"&tag="+tag, nil)
}

// An old app is one as Nebula's worker has it from its manager, with its defaults filled in.
type oldApp struct {
	name, image string
	env         []string
	// ports are host ports by container port.
	ports    map[int]int
	volumes  []string
	devices  []fields
	networks []string
	// kind is the label container_type, which early versions do not write.
	kind string
}

// run makes and starts the container of that number, from 1, and joins its networks.
func (n *nebula) run(app oldApp, number int) life {
	n.t.Helper()
	name := fmt.Sprintf("%s-%d", app.name, number)
	exposed, bound, mounts := fields{}, fields{}, fields{}
	for inside, host := range app.ports {
		exposed[fmt.Sprint(inside, "/tcp")] = fields{}
		bound[fmt.Sprint(inside, "/tcp")] = []fields{{"HostIp": "", "HostPort": fmt.Sprint(host + number - 1)}}
	}
	for _, v := range app.volumes {
		mounts[strings.Split(v, ":")[1]] = fields{}
	}
	mode, first := "bridge", "nebula"
	if app.networks[0] == "host" || app.networks[0] == "none" {
		mode, first = app.networks[0], app.networks[0]
	}
	labels := fields{"app_name": app.name, "orchestrator": "nebula"}
	restart := any(fields{"Name": "unless-stopped"})
	if app.kind != "" {
		labels["container_type"] = app.kind
	}
	if app.kind == "cron_job" {
		restart = nil
	}
	made := n.post("/containers/create?name="+name, fields{
		"Hostname": nil, "Domainname": nil, "ExposedPorts": exposed, "User": nil, "Tty": false, "OpenStdin": false,
		"StdinOnce": false, "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Env": app.env, "Cmd": nil,
		"Image": app.image, "Volumes": mounts, "NetworkDisabled": false, "Entrypoint": nil, "WorkingDir": nil,
		"HostConfig": fields{
			"NetworkMode": mode, "RestartPolicy": restart, "PortBindings": bound, "Binds": app.volumes,
			"Devices": app.devices, "Privileged": false,
		},
		"NetworkingConfig": fields{"EndpointsConfig": fields{first: fields{"IPAMConfig": fields{}}}},
		"MacAddress":       nil, "Labels": labels, "StopSignal": nil, "Healthcheck": nil, "StopTimeout": nil, "Runtime": nil,
	})
	n.post("/containers/"+name+"/start", nil)
	for _, network := range app.networks {
		if network != "nebula" && network != "host" && network != "none" {
			n.post("/networks/"+network+"/connect", fields{"Container": name, "EndpointConfig": nil})
		}
	}
	return n.life(made.ID)
}

// life is that of a container; zero when there is none.
func (n *nebula) life(id string) life {
	n.t.Helper()
	found, err := n.api.ContainerInspect(n.t.Context(), id)
	if cerrdefs.IsNotFound(err) {
		return life{}
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return life{found.ID, found.State.StartedAt}
}

// stranger makes a container that is none of Nebula's.
func (n *nebula) stranger(image string, labels map[string]string) life {
	n.t.Helper()
	made, err := n.api.ContainerCreate(n.t.Context(), &container.Config{Image: image, Labels: labels}, nil, nil, nil, "")
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.api.ContainerStart(n.t.Context(), made.ID, container.StartOptions{}); err != nil {
		n.t.Fatal(err)
	}
	return n.life(made.ID)
}

// What a Nebula worker left on a device is taken over: what the config wants as it is runs on, what differs is
// replaced, what is not wanted is removed, and what is not Nebula's is left alone.
func TestWhatANebulaWorkerLeftIsTakenOver(t *testing.T) {
	engine := rig.OwnEngine(t, rig.EngineOptions{}) // the machine's own may have Nebula's containers for real
	t.Setenv("DOCKER_HOST", engine.Host)
	in := install(t, nil)
	n := newNebula(t, engine.Client)
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	newer := in.registry.Push(t, "hello", rig.Hello{Version: "v2"})
	n.pull(image)
	port := rig.FreePorts(t, 3)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/greeting", []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	usual := []string{"nebula", "bridge"}
	full := oldApp{name: "full", image: image, kind: "app", networks: usual, ports: map[int]int{8080: port},
		env: []string{"GREETING=hi", "COUNT=5", "FLAG=True"}, volumes: []string{dir + ":/data:ro"},
		devices: []fields{{"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "rwm"}}}
	onHost := oldApp{name: "onhost", image: image, networks: []string{"host"}, env: []string{fmt.Sprint("PORT=", port+2)}}
	other := func(name string) oldApp { return oldApp{name: name, image: image, kind: "app", networks: usual} }

	stay := map[string]life{
		"full-1": n.run(full, 1), "full-2": n.run(full, 2), "onhost-1": n.run(onHost, 1),
		"fewer-1":           n.run(other("fewer"), 1),
		"no label":          n.stranger(image, nil),
		"another label":     n.stranger(image, map[string]string{"orchestrator": "swarm", "app_name": "full"}),
		"another device's":  n.stranger(image, map[string]string{"orchestrator": "nebula", "app_name": "full", "muster.device": "other"}),
		"of another's kind": n.stranger(image, map[string]string{"orchestrator": "nebula", "app_name": "x", "container_type": "sidecar"}),
	}
	run := func(name, image string) life { // a run of a cron_job
		return n.run(oldApp{name: name, image: image, kind: "cron_job", networks: usual}, 1)
	}
	once := in.registry.Push(t, "once", rig.Hello{Version: "v1", Args: []string{"-exit", "0"}})
	n.pull(once)
	stay["a run that goes on"] = run("long", image)
	leave := map[string]life{
		"a run that has ended": run("short", once), "a run of no cron_job": run("nobody", image),
		"fewer-2": n.run(other("fewer"), 2), "gone-1": n.run(other("gone"), 1), "stopped-1": n.run(other("stopped"), 1),
		"changed-1": n.run(other("changed"), 1), "newer-1": n.run(other("newer"), 1),
	}

	in.must("POST", "/apps/full", fields{"docker_image": image, "containers_per": fields{"server": 2}, "volumes": []string{dir + ":/data:ro"},
		"starting_ports": []any{fields{itoa(port): "8080"}}, "devices": []string{"/dev/null:/dev/nothing"},
		"env_vars": fields{"GREETING": "hi", "COUNT": 5, "FLAG": true}})
	in.must("POST", "/apps/onhost", fields{"docker_image": image, "networks": []string{"host"}, "env_vars": fields{"PORT": itoa(port + 2)}})
	in.must("POST", "/apps/fewer", fields{"docker_image": image})
	in.must("POST", "/apps/stopped", fields{"docker_image": image, "running": false})
	in.must("POST", "/apps/changed", fields{"docker_image": image, "env_vars": fields{"GREETING": "changed"}})
	in.must("POST", "/apps/newer", fields{"docker_image": newer})
	for _, name := range []string{"long", "short"} {
		in.must("POST", "/cron_jobs/"+name, fields{"docker_image": image, "schedule": "0 0 1 1 *"})
	}
	in.must("POST", "/device_groups/shops", fields{
		"apps": []string{"full", "onhost", "fewer", "stopped", "changed", "newer"}, "cron_jobs": []string{"long", "short"}})

	d := in.newDevice("shops")
	d.start("--take-over-nebula")
	settled := func() {
		t.Helper()
		await(t, "what is not wanted any more to go", func() error {
			for name, was := range leave {
				if n.life(was.id) != (life{}) {
					return fmt.Errorf("%s is there", name)
				}
			}
			return nil
		})
		for name, was := range stay {
			if now := n.life(was.id); now != was {
				t.Errorf("%s was disturbed: %+v, was %+v", name, now, was)
			}
		}
	}
	settled()
	d.awaitCount(2) // the successors of "changed" and "newer"
	in.awaitAnswer(port+1, "hi v1")

	// Neither a kill of the worker nor the loss of all that it knows makes a difference.
	d.worker.kill()
	d.start("--take-over-nebula")
	d.worker.awaitLog("config read from disk")
	settled()
	d.worker.kill()
	if err := os.RemoveAll(d.stateDir()); err != nil {
		t.Fatal(err)
	}
	d.start("--take-over-nebula")
	d.worker.awaitLog("taken over as it is")
	d.worker.awaitLog("config applied")
	settled()

	// Its end is an event, and it is brought back.
	watcher, err := docker.New(docker.Options{Host: engine.Host, Device: "watcher", TakeOver: true})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	events := watcher.Events(t.Context())
	<-events // sent at the beginning
	if err := engine.ContainerStop(t.Context(), "onhost-1", container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-events:
	case <-time.After(patience):
		t.Error("the end of a container of Nebula's is no event")
	}
	await(t, "onhost-1 to run again", func() error {
		if c, err := engine.ContainerInspect(t.Context(), "onhost-1"); err != nil || !c.State.Running {
			return errStill
		}
		return nil
	})
	stay["onhost-1"] = n.life("onhost-1")

	// What was taken over is the worker's own from then on: a restart makes it anew.
	leave = map[string]life{"full-1": stay["full-1"], "full-2": stay["full-2"]}
	delete(stay, "full-1")
	delete(stay, "full-2")
	d.worker.kill()
	in.must("POST", "/apps/full/restart", nil)
	d.start("--take-over-nebula")
	settled()
	d.awaitCount(4)
	in.awaitAnswer(port+1, "hi v1")
}
