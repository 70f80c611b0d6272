package apply

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"muster/manager/auth"
	"muster/manager/client"
	"muster/manager/store"
	"muster/topics"
)

// fields are those of an object as JSON has them, without its name and ids.
type fields map[string]any

// A kind is what there is to know of one kind of objects.
type kind struct {
	word string
	// desired makes fields of what a file gives, with defaults for the rest. The error is a FieldError.
	desired func(name string, given json.RawMessage) (fields, error)
	// newName reports why an object that does not exist cannot have the name.
	newName func(name string) error
	// names lists what the manager has; get reads those, a few at a time.
	names func(context.Context, *client.Client) ([]string, error)
	get   func(context.Context, *client.Client, []string) (map[string]fields, error)
	// create, update and remove do so with one object.
	create, update func(ctx context.Context, c *client.Client, name string, f fields) error
	remove         func(ctx context.Context, c *client.Client, name string) error
}

// plural is the key of the kind in files.
func (k kind) plural() string { return k.word + "s" }

// kinds are all of them, in the order in which they are created and changed: a device_group lists apps and
// cron_jobs that must exist.
var kinds = []kind{
	kindOf("app", (*client.Client).Apps, desiredApp, canonicalApp, checked),
	kindOf("cron_job", (*client.Client).CronJobs, desiredCronJob, canonicalCronJob, checked),
	kindOf("device_group", (*client.Client).DeviceGroups, desiredGroup, asIs[store.DeviceGroup], topics.CheckName),
	kindOf("user_group", (*client.Client).UserGroups, desiredUserGroup, asIs[store.UserGroup], auth.CheckUserName),
}

// checked is the newName of kinds whose desired checks every name.
func checked(string) error { return nil }

// kindOf describes a kind. canonical gives an object the one form that is compared and sent.
func kindOf[T any](word string, of func(*client.Client) client.Objects[T], desired func(string, json.RawMessage) (T, error), canonical func(T) T, newName func(string) error) kind {
	return kind{
		word: word, newName: newName,
		desired: func(name string, given json.RawMessage) (fields, error) {
			object, err := desired(name, given)
			if err != nil {
				return nil, err
			}
			return fieldsOf(canonical(object))
		},
		names: func(ctx context.Context, c *client.Client) ([]string, error) { return of(c).Names(ctx) },
		get: func(ctx context.Context, c *client.Client, names []string) (map[string]fields, error) {
			all := make(map[string]fields, len(names))
			for _, result := range of(c).GetAll(ctx, names) {
				if result.Err != nil {
					return nil, result.Err
				}
				f, err := fieldsOf(canonical(result.Value))
				if err != nil {
					return nil, err
				}
				all[result.Name] = f
			}
			return all, nil
		},
		create: func(ctx context.Context, c *client.Client, name string, f fields) error {
			_, err := of(c).Create(ctx, name, f)
			return err
		},
		update: func(ctx context.Context, c *client.Client, name string, f fields) error {
			_, err := of(c).Update(ctx, name, f)
			return err
		},
		remove: func(ctx context.Context, c *client.Client, name string) error { return of(c).Delete(ctx, name) },
	}
}

// own are the fields that are a name or id of the object itself. Files may have them, for what a manager shows can be
// given back to it, and they mean nothing there.
var own = []string{"app_id", "app_name", "cron_job_id", "cron_job_name", "device_group", "device_group_id", "prune_id", "user_group"}

func fieldsOf(object any) (fields, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var f fields
	if err := json.Unmarshal(encoded, &f); err != nil {
		return nil, err
	}
	for _, field := range own {
		delete(f, field)
	}
	return f, nil
}

func asIs[T any](object T) T { return object }

// canonicalApp writes ports and env_vars in the one way: 80 and {"80": "80"} mean the same, and so do [] and {}.
func canonicalApp(a topics.App) topics.App {
	a.StartingPorts = slices.Clone(a.StartingPorts)
	for i, p := range a.StartingPorts {
		a.StartingPorts[i] = topics.Port{Host: p.Host, Container: p.Container}
	}
	a.EnvVars = canonicalEnvVars(a.EnvVars)
	a.ContainerOptions, a.AppOptions = a.ContainerOptions.Canonical(), a.AppOptions.Canonical()
	return a
}

func canonicalCronJob(c topics.CronJob) topics.CronJob {
	c.EnvVars = canonicalEnvVars(c.EnvVars)
	c.ContainerOptions = c.ContainerOptions.Canonical()
	return c
}

func canonicalEnvVars(vars topics.EnvVars) topics.EnvVars {
	if vars == nil {
		return topics.EnvVars{}
	}
	return maps.Clone(vars)
}

// kindOfSection is the word for the kind that a key of a file names.
func kindOfSection(key string) (word string, known bool) {
	for _, k := range kinds {
		if k.plural() == key {
			return k.word, true
		}
	}
	return "", false
}

func sectionNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.plural()
	}
	return names
}
