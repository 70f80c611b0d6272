package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"muster/manager/store"
	"muster/topics"
	"muster/topics/schedule"
)

// This file checks what can be checked without the manager, so that a mistake is found before anything is changed.

func desiredApp(name string, given json.RawMessage) (topics.App, error) {
	app := topics.NewApp(name, "")
	err := decode(given, &app)
	app.AppID, app.AppName = 1, name
	if err == nil {
		err = app.Check()
	}
	if err == nil {
		err = checkImage(app.DockerImage)
	}
	if err == nil {
		err = app.CheckCapabilities()
	}
	return app, err
}

func desiredCronJob(name string, given json.RawMessage) (topics.CronJob, error) {
	job := topics.NewCronJob(name, "", "")
	err := decode(given, &job)
	job.CronJobID, job.CronJobName = 1, name
	if err == nil {
		err = job.Check()
	}
	if err == nil {
		err = checkImage(job.DockerImage)
	}
	if err == nil {
		err = job.CheckCapabilities()
	}
	if err == nil {
		if _, wrong := schedule.Parse(job.Schedule); wrong != nil {
			err = fieldErrorf("schedule", "%v", wrong)
		}
	}
	return job, err
}

func desiredGroup(name string, given json.RawMessage) (store.DeviceGroup, error) {
	group := store.DeviceGroup{Apps: []string{}, CronJobs: []string{}}
	err := decode(given, &group)
	group.DeviceGroup = name
	if err == nil {
		err = checkTwice("apps", group.Apps)
	}
	if err == nil {
		err = checkTwice("cron_jobs", group.CronJobs)
	}
	return group, err
}

func desiredUserGroup(name string, given json.RawMessage) (store.UserGroup, error) {
	var group store.UserGroup
	err := decode(given, &group)
	group.UserGroup = name
	store.UserGroupKind().Fill(&group)
	if err == nil {
		err = checkTwice("group_members", group.GroupMembers)
	}
	for _, rights := range []struct {
		field string
		of    map[string]store.Right
	}{{"apps", group.Apps}, {"device_groups", group.DeviceGroups}, {"cron_jobs", group.CronJobs}} {
		for object, right := range rights.of {
			if err == nil && right != store.ReadOnly && right != store.ReadWrite {
				err = fieldErrorf(rights.field+"."+object, `must be "ro" or "rw", is %q`, right)
			}
		}
	}
	return group, err
}

// decode sets the fields of object that are given. Errors are FieldErrors.
func decode(given json.RawMessage, object any) error {
	decoder := json.NewDecoder(bytes.NewReader(given))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(object)
	if err == nil {
		return checkCase("", given, reflect.TypeOf(object).Elem())
	}
	if _, field, unknown := strings.Cut(err.Error(), "json: unknown field "); unknown {
		return fieldErrorf(strings.Trim(field, `"`), "unknown field")
	}
	return topics.DescribeJSON(err)
}

// checkCase refuses fields that are not written as the API writes them, which package json lets pass.
func checkCase(path string, given json.RawMessage, object reflect.Type) error {
	var there map[string]json.RawMessage
	if err := json.Unmarshal(given, &there); err != nil {
		return err
	}
	known := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(object) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = field.Type
	}
	for _, field := range slices.Sorted(maps.Keys(there)) {
		of, ok := known[field]
		if !ok || field == "" {
			return fieldErrorf(path+field, "unknown field")
		}
		if of == reflect.TypeFor[*topics.Healthcheck]() {
			if err := checkCase(path+field+".", there[field], of.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkImage(image string) error {
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return fieldErrorf("docker_image", "%v", err)
	}
	return nil
}

func checkTwice(field string, names []string) error {
	sorted := slices.Sorted(slices.Values(names))
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return fieldErrorf(field, "%q is listed twice", sorted[i])
		}
	}
	return nil
}

func fieldErrorf(field, format string, args ...any) error {
	return &topics.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
