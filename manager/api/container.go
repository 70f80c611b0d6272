package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/distribution/reference"

	"muster/topics"
)

// A container points at the fields that apps and cron_jobs have in common.
type container struct {
	name, image                *string
	id                         *int64
	env                        *topics.EnvVars
	running, privileged        *bool
	networks, volumes, devices *[]string
	options                    *topics.ContainerOptions
}

// A field of an object may be set by clients.
type field struct {
	name string
	set  func(value) error
}

func (c container) fields() []field {
	return append(optionFields(c.options), []field{
		{"docker_image", func(v value) error { return v.string(c.image) }},
		{"env_vars", func(v value) error {
			if v.isNull() {
				return v.wrongType("a dict or an empty list")
			}
			return json.Unmarshal(v.raw, c.env)
		}},
		{"running", func(v value) error { return v.bool(c.running) }},
		{"networks", func(v value) error {
			if err := v.strings(c.networks); err != nil {
				return err
			}
			if slices.Equal(*c.networks, []string{""}) {
				*c.networks = []string{} // what Nebula's CLI makes of no networks
			}
			return nil
		}},
		{"volumes", func(v value) error { return v.strings(c.volumes) }},
		{"devices", func(v value) error { return v.strings(c.devices) }},
		{"privileged", func(v value) error { return v.bool(c.privileged) }},
	}...)
}

// check finds what only those who write objects can tell, or care about.
func (c container) check() error {
	if _, err := reference.ParseNormalizedNamed(*c.image); err != nil {
		return fieldErrorf("docker_image", "%v", err)
	}
	return c.options.CheckCapabilities()
}

// A patch is what a request body says about an object.
type patch struct{ given object }

// readPatch reads the body of a request without the fields that are not for clients to set. It gives none
// when the body is missing or empty.
func readPatch(r *http.Request, ignored ...string) (patch, error) {
	given, err := readObject(r)
	if err != nil {
		return patch{}, err
	}
	given.drop(ignored...)
	return patch{given}, nil
}

func (p patch) isEmpty() bool { return len(p.given) == 0 }

// need reports those of the required fields, which have no default, that are not given.
func (p patch) need(required []string) error {
	var missing []string
	for _, name := range required {
		if _, ok := p.given[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &refusal{http.StatusBadRequest, "missing_parameters", missing}
	}
	return nil
}

// apply sets those of the fields that are given, in their order.
func (p patch) apply(fields []field) error {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	if err := p.given.refuseUnknown(known...); err != nil {
		return err
	}
	for _, f := range fields {
		if raw, ok := p.given[f.name]; ok {
			if err := f.set(value{f.name, raw}); err != nil {
				return err
			}
		}
	}
	return nil
}
