package api

import (
	"encoding/json"
	"net/http"

	"github.com/distribution/reference"

	"muster/topics"
)

// appFields are the fields of an app that a client may set, in the order in which they are checked.
var appFields = []struct {
	name string
	set  func(*topics.App, value) error
}{
	{"docker_image", func(a *topics.App, v value) error { return v.string(&a.DockerImage) }},
	{"starting_ports", func(a *topics.App, v value) error { return json.Unmarshal(v.raw, &a.StartingPorts) }},
	{"containers_per", func(a *topics.App, v value) error { return json.Unmarshal(v.raw, &a.ContainersPer) }},
	{"env_vars", setEnvVars},
	{"running", func(a *topics.App, v value) error { return v.bool(&a.Running) }},
	{"networks", func(a *topics.App, v value) error { return v.strings(&a.Networks) }},
	{"volumes", func(a *topics.App, v value) error { return v.strings(&a.Volumes) }},
	{"devices", func(a *topics.App, v value) error { return v.strings(&a.Devices) }},
	{"privileged", func(a *topics.App, v value) error { return v.bool(&a.Privileged) }},
	{"rolling_restart", func(a *topics.App, v value) error { return v.bool(&a.RollingRestart) }},
}

func setEnvVars(a *topics.App, v value) error {
	if v.isNull() {
		return v.wrongType("a dict or an empty list")
	}
	return json.Unmarshal(v.raw, &a.EnvVars)
}

// An appPatch is what a request body says about an app.
type appPatch struct{ fields object }

// readAppPatch reads the body of a request. It has no fields when the body is missing or empty.
func readAppPatch(r *http.Request) (appPatch, error) {
	fields, err := readObject(r)
	if err != nil {
		return appPatch{}, err
	}
	fields.drop("app_id", "app_name", "_id")
	return appPatch{fields}, nil
}

func (p appPatch) isEmpty() bool { return len(p.fields) == 0 }

// hasImage reports whether the one field that has no default is there.
func (p appPatch) hasImage() bool {
	_, ok := p.fields["docker_image"]
	return ok
}

// apply sets the fields of app that the body gives and checks the result.
func (p appPatch) apply(app *topics.App) error {
	known := make([]string, len(appFields))
	for i, f := range appFields {
		known[i] = f.name
	}
	if err := p.fields.refuseUnknown(known...); err != nil {
		return err
	}
	for _, f := range appFields {
		if raw, ok := p.fields[f.name]; ok {
			if err := f.set(app, value{f.name, raw}); err != nil {
				return err
			}
		}
	}
	if err := app.Check(); err != nil {
		return err
	}
	if _, err := reference.ParseNormalizedNamed(app.DockerImage); err != nil {
		return fieldErrorf("docker_image", "%v", err)
	}
	return nil
}
