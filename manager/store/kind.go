package store

import (
	"encoding/json"
	"fmt"

	"muster/topics"
)

// A Kind tells implementations what they need to know of one kind of documents, so that all of them
// name, write and read it alike.
type Kind[T any] struct {
	// Singular is the word for one document in errors, and Plural the name of the table or collection.
	Singular, Plural string
	// Name is the name that a document carries.
	Name func(T) string
	// Fill puts an empty list or dict wherever a document has a nil one, unless that means something.
	Fill func(*T)
}

// AppKind describes apps.
func AppKind() Kind[topics.App] {
	return Kind[topics.App]{
		Singular: "app", Plural: "apps",
		Name: func(a topics.App) string { return a.AppName },
		Fill: func(a *topics.App) {
			fill(&a.StartingPorts)
			fill(&a.Networks)
			fill(&a.Volumes)
			fill(&a.Devices)
		},
	}
}

// CronJobKind describes cron_jobs.
func CronJobKind() Kind[topics.CronJob] {
	return Kind[topics.CronJob]{
		Singular: "cron_job", Plural: "cron_jobs",
		Name: func(c topics.CronJob) string { return c.CronJobName },
		Fill: func(c *topics.CronJob) {
			fill(&c.Networks)
			fill(&c.Volumes)
			fill(&c.Devices)
		},
	}
}

// DeviceGroupKind describes device_groups.
func DeviceGroupKind() Kind[DeviceGroup] {
	return Kind[DeviceGroup]{
		Singular: "device_group", Plural: "device_groups",
		Name: func(g DeviceGroup) string { return g.DeviceGroup },
		Fill: func(g *DeviceGroup) {
			fill(&g.Apps)
			fill(&g.CronJobs)
		},
	}
}

// UserKind describes users.
func UserKind() Kind[User] {
	return Kind[User]{
		Singular: "user", Plural: "users",
		Name: func(u User) string { return u.UserName },
		Fill: func(*User) {},
	}
}

// UserGroupKind describes user_groups.
func UserGroupKind() Kind[UserGroup] {
	return Kind[UserGroup]{
		Singular: "user_group", Plural: "user_groups",
		Name: func(g UserGroup) string { return g.UserGroup },
		Fill: func(g *UserGroup) {
			fill(&g.GroupMembers)
			for _, rights := range []*map[string]Right{&g.Apps, &g.DeviceGroups, &g.CronJobs} {
				if *rights == nil {
					*rights = map[string]Right{}
				}
			}
		},
	}
}

func fill[S ~[]E, E any](list *S) {
	if *list == nil {
		*list = S{}
	}
}

// Encode makes the JSON to keep of doc, and the document that [Kind.Decode] will make of it. It fails
// when it could not be read again.
func (k Kind[T]) Encode(doc T) (data []byte, written T, err error) {
	k.Fill(&doc)
	if data, err = json.Marshal(doc); err != nil {
		return nil, written, fmt.Errorf("encode %s %q: %w", k.Singular, k.Name(doc), err)
	}
	if written, err = k.Decode(data); err != nil {
		return nil, written, err
	}
	if k.Name(written) != k.Name(doc) {
		return nil, written, fmt.Errorf("encode %s %q: the name must be UTF-8", k.Singular, k.Name(doc))
	}
	return data, written, nil
}

// Decode reads what [Kind.Encode] made.
func (k Kind[T]) Decode(data []byte) (doc T, err error) {
	if err := json.Unmarshal(data, &doc); err != nil {
		return doc, fmt.Errorf("decode %s: %w", k.Singular, err)
	}
	k.Fill(&doc)
	return doc, nil
}
