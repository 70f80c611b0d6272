package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

// Eight apps whose registries fail, each in its own way, and two whose registry does not: one of these is updated
// meanwhile, the other is not touched. When the registries are good, all is as it should be without anybody's help.
func TestRegistriesThatFail(t *testing.T) {
	in := install(t, nil)
	hello := rig.Name("hello")
	v1 := in.registry.Push(t, hello, rig.Hello{Version: "v1", Padding: 300_000})
	v2 := in.registry.Push(t, hello, rig.Hello{Version: "v2", Padding: 300_000})
	const secret = "s3cr3t-p4ss"
	said := `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`
	faults := []struct {
		code topics.Reason
		way  rig.Fault
	}{
		{topics.ReasonPullUnauthorized, rig.BasicAuth("u", secret)},
		{topics.ReasonPullUnauthorized, rig.Answer(http.StatusForbidden, "no")},
		{topics.ReasonRateLimited, rig.On("/manifests/", rig.Answer(http.StatusTooManyRequests, said, "Retry-After", "1"))},
		{topics.ReasonRegistryError, rig.Answer(http.StatusInternalServerError, "boom")},
		{topics.ReasonRegistryError, rig.Answer(http.StatusOK, "<html>")},
		{topics.ReasonDigestMismatch, rig.On("/blobs/", rig.Corrupt(100_000))},
		{topics.ReasonRegistryDown, rig.On("/manifests/", rig.CutAfter(10))},
		{topics.ReasonImageMissing, rig.Answer(http.StatusNotFound, "no")},
	}
	var fronts []*rig.FaultyRegistry
	want := map[string]topics.Reason{}
	apps := []string{rig.Name("updated"), rig.Name("untouched")}
	ports := rig.FreePorts(t, 2)
	for i, app := range apps {
		in.must("POST", "/apps/"+app, fields{"docker_image": v1, "starting_ports": []any{fields{itoa(ports + i): "8080"}}})
	}
	for _, fault := range faults {
		other := rig.Name("other") // with a layer that the engine does not get in any other way
		in.registry.Push(t, other, rig.Hello{Version: "v1", Padding: 300_000})
		front := rig.NewFaultyRegistry(t, in.registry, in.engine)
		front.Set(fault.way)
		fronts = append(fronts, front)
		app := rig.Name("bad")
		want[app] = fault.code
		apps = append(apps, app)
		in.must("POST", "/apps/"+app, fields{"docker_image": front.Ref(other, "v1"), "starting_ports": []any{}})
	}
	in.must("POST", "/device_groups/shops", fields{"apps": apps, "cron_jobs": []string{}})

	d := in.newDevice("shops")
	statuses := in.subscribe(topics.DefaultRoot.Topic(topics.DeviceStatus, d.name))
	d.start("--registry-host", fronts[0].Addr, "--registry-auth-user", "u", "--registry-auth-password", "not-"+secret)
	in.awaitAnswer(ports, "hello v1")
	in.awaitAnswer(ports+1, "hello v1")
	untouched := d.life(apps[1] + "-1")
	awaitCodes(t, statuses, want)

	in.must("PUT", "/apps/"+apps[0]+"/update", fields{"docker_image": v2})
	in.awaitAnswer(ports, "hello v2")
	awaitCodes(t, statuses, want)
	if now := d.life(apps[1] + "-1"); now != untouched {
		t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
	}

	for _, front := range fronts {
		front.Set()
	}
	d.awaitCount(len(apps))
	awaitCodes(t, statuses, nil)
	if now := d.life(apps[1] + "-1"); now != untouched {
		t.Errorf("the other app's container was touched: %+v, was %+v", now, untouched)
	}
	d.worker.stop()
	_, log := d.worker.wait()
	if strings.Contains(log, secret) || strings.Contains(statuses.String(), secret) {
		t.Error("the log or a status tells the password")
	}
}

// awaitCodes waits until the last of the statuses names just these apps as failing, with these codes.
func awaitCodes(t *testing.T, statuses fmt.Stringer, want map[string]topics.Reason) {
	t.Helper()
	await(t, "the status to name what fails", func() error {
		lines := strings.Split(strings.TrimSpace(statuses.String()), "\n")
		s, err := topics.ParseStatus([]byte(lines[len(lines)-1]))
		if err != nil {
			return err
		}
		got := map[string]topics.Reason{}
		for _, f := range s.Failing {
			got[f.App] = f.Code
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("failing are %+v, want %v", s.Failing, want)
		}
		return nil
	})
}
