package docker_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

func TestNetworksThatAContainerJoins(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	mine := rig.Name("network")
	rig.RemoveNetwork(t, b.api, mine)
	if _, err := b.api.NetworkCreate(t.Context(), mine, network.CreateOptions{Driver: "bridge"}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ listed, want []string }{
		{nil, []string{"nebula"}},
		{[]string{}, []string{"nebula"}},
		{[]string{"nebula"}, []string{"nebula"}},
		{[]string{"bridge"}, []string{"bridge", "nebula"}},
		{[]string{mine, "bridge", mine}, []string{"bridge", "nebula", mine}},
		{[]string{"host"}, []string{"host"}},
		{[]string{"none"}, []string{"none"}},
	} {
		t.Run(strings.Join(test.listed, ","), func(t *testing.T) {
			spec := b.spec(func(s *worker.Spec) {
				s.Networks = test.listed
				s.Env = map[string]string{"PORT": "8080"}
				if slices.Equal(test.listed, []string{"host"}) {
					s.Ports[0].Container = s.Ports[0].Host
					s.Env["PORT"] = strconv.Itoa(s.Ports[0].Host)
				}
			})
			id := b.run(spec)
			made, err := b.api.ContainerInspect(t.Context(), id)
			b.must(err)
			if got := slices.Sorted(maps.Keys(made.NetworkSettings.Networks)); !slices.Equal(got, test.want) {
				t.Errorf("joined %v, want %v", got, test.want)
			}
			if !slices.Equal(test.listed, []string{"none"}) {
				if got := b.get(spec, "/"); got != "hello v1\n" {
					t.Errorf("the container says %q", got)
				}
			}
			b.must(b.Remove(t.Context(), id))
		})
	}
}

func TestContainersFindEachOtherByName(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	server := b.spec(func(s *worker.Spec) { s.Env = map[string]string{"GREETING": "found"}; s.Ports = nil })
	asker := b.spec(nil)
	b.run(server)
	b.run(asker)
	for _, name := range []string{server.App, server.Name()} {
		b.eventually("answer from "+name, func() error {
			said := b.call(http.MethodGet, asker.Ports[0].Host, "/fetch?url="+url.QueryEscape("http://"+name+":8080/"), "")
			if said != "found v1\n" {
				return errors.New(said)
			}
			return nil
		})
	}
}

func TestUnknownNetwork(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	spec := b.spec(func(s *worker.Spec) { s.Networks = []string{"bridge", "no-such-network"} })
	events := b.Events(t.Context())
	await(t, events, "the beginning")
	_, err := b.Create(t.Context(), spec)
	if !errors.Is(err, worker.ErrNotExist) || !strings.Contains(err.Error(), "no-such-network") {
		t.Errorf("Create: %v, want an error that names the network and wraps %q", err, worker.ErrNotExist)
	}
	if list, err := b.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("List = %+v, %v, want nothing", list, err)
	}
	unwoken(t, events, "a Create that was refused")
}

// The default network is made when it is missing, once, however many want it at the same time.
func TestDefaultNetworkIsMade(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	name := rig.Name("network")
	rig.RemoveNetwork(t, b.api, name)
	var all sync.WaitGroup
	for range 6 {
		engine := newEngine(t, b.api, docker.Options{Device: rig.Name("device"), Network: name})
		spec := b.spec(func(s *worker.Spec) { s.Networks = nil })
		all.Go(func() {
			// While there are several, the engine finds the name ambiguous, and the worker tries again.
			deadline := time.Now().Add(patience)
			for {
				id, err := engine.Create(t.Context(), spec)
				if err == nil {
					err = engine.Start(t.Context(), id)
				}
				if err == nil {
					return
				}
				if time.Now().After(deadline) || !strings.Contains(err.Error(), "ambiguous") {
					t.Error(err)
					return
				}
				if err := engine.Remove(t.Context(), id); id != "" && err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.onlyNetwork(name)
}

// Two networks of one name, which an older engine can be brought to have, do not last.
func TestDefaultNetworkIsMadeUnique(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	name := rig.Name("network")
	rig.RemoveNetwork(t, b.api, name)
	engine := newEngine(t, b.api, docker.Options{Device: b.device, Network: name})
	docker := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return b.api.Dialer()(ctx) },
	}}
	similar := name + "-too" // older, and none of its business
	rig.RemoveNetwork(t, b.api, similar)
	for _, name := range []string{similar, name, name} {
		answer, err := docker.Post("http://docker/networks/create", "application/json",
			strings.NewReader(`{"Name":"`+name+`","Driver":"bridge","CheckDuplicate":false}`))
		b.must(err)
		b.must(answer.Body.Close())
	}
	id, err := engine.Create(t.Context(), b.spec(func(s *worker.Spec) { s.Networks = nil }))
	b.must(err)
	b.must(engine.Start(t.Context(), id))
	b.onlyNetwork(name)
	b.onlyNetwork(similar)
}

// onlyNetwork checks that there is one network of that name.
func (b *bench) onlyNetwork(name string) {
	b.t.Helper()
	found, err := b.api.NetworkList(b.t.Context(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", name))})
	b.must(err)
	found = slices.DeleteFunc(found, func(n network.Summary) bool { return n.Name != name })
	if len(found) != 1 || found[0].Driver != "bridge" {
		b.t.Errorf("networks %+v, want one bridge", found)
	}
}
