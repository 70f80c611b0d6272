package worker

import (
	"testing"

	"muster/topics"
)

func TestSpecHashNeverChanges(t *testing.T) {
	app := web(onPorts(80), withID(3))
	app.EnvVars = topics.EnvVars{"B": "2", "A": "1"}
	app.Volumes, app.Devices, app.Privileged = []string{"/a:/b"}, []string{"/dev/null:/dev/null"}, true
	spec, err := NewSpec(app, 1)
	if err != nil {
		t.Fatal(err)
	}
	// A worker that hashes differently replaces every container of the fleet when it is upgraded.
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{App: "web", AppID: 1, Image: "nginx:1"}, "92c6d253cb61f2748c8fe7e8b33f7561"},
		{spec, "5f919c1f5dd07340adc6d85f2d49ca7b"},
	} {
		if got := test.spec.Hash(); got != test.want {
			t.Errorf("Hash(%+v) = %s, want %s", test.spec, got, test.want)
		}
	}
}
