package mongo

import (
	"reflect"
	"slices"
	"strings"

	"muster/manager/store"
	"muster/topics"
)

// A kind is what is to be known about the documents in one collection.
type kind[T any] struct {
	store.Kind[T]
	collection string
	// key is the field with the name.
	key string
	// fields are those that Muster knows; documents may have others. dicts are those of them that are one.
	fields []string
	dicts  map[string]bool
	// defaults is a document with what a field is taken to be when an older Nebula has not written it.
	defaults T
	// binary are fields of text that Nebula writes, and wants to read, as binary data.
	binary map[string]bool
}

var (
	apps = kind[topics.App]{
		Kind: store.AppKind(), collection: "nebula_apps", key: "app_name",
		fields: fieldsOf[topics.App](), dicts: dictsOf[topics.App](), defaults: topics.NewApp("", ""),
	}
	cronJobs = kind[topics.CronJob]{
		Kind: store.CronJobKind(), collection: "nebula_cron_jobs", key: "cron_job_name",
		fields: fieldsOf[topics.CronJob](), dicts: dictsOf[topics.CronJob](), defaults: topics.NewCronJob("", "", ""),
	}
	deviceGroups = kind[store.DeviceGroup]{
		Kind: store.DeviceGroupKind(), collection: "nebula_device_groups", key: "device_group",
		fields: fieldsOf[store.DeviceGroup](), dicts: dictsOf[store.DeviceGroup](), defaults: store.DeviceGroup{DeviceGroupID: 1, PruneID: 1},
	}
	users = kind[store.User]{
		Kind: store.UserKind(), collection: "nebula_users", key: "user_name",
		fields: fieldsOf[store.User](), dicts: dictsOf[store.User](),
		// The bcrypt library that it uses takes nothing else.
		binary: map[string]bool{"password": true, "token": true},
	}
	userGroups = kind[store.UserGroup]{
		Kind: store.UserGroupKind(), collection: "nebula_user_groups", key: "user_group",
		fields: fieldsOf[store.UserGroup](), dicts: dictsOf[store.UserGroup](),
	}
	tokens = kind[store.Token]{
		Kind: store.TokenDocuments(), collection: "muster_tokens", key: "id",
		fields: fieldsOf[store.Token](), dicts: dictsOf[store.Token](),
	}
	authorities = kind[store.Authority]{
		Kind: store.AuthorityDocuments(), collection: "muster_authorities", key: "id",
		fields: fieldsOf[store.Authority](), dicts: dictsOf[store.Authority](),
	}
	acmeEntries = kind[store.ACMEEntry]{
		Kind: store.ACMEDocuments(), collection: "muster_acme", key: "name",
		fields: fieldsOf[store.ACMEEntry](), dicts: dictsOf[store.ACMEEntry](),
	}
	identityRows = kind[store.IdentityRow]{
		Kind: store.IdentityRowKind(), collection: "muster_identities", key: "device",
		fields: fieldsOf[store.IdentityRow](), dicts: dictsOf[store.IdentityRow](),
	}
)

// fieldsOf are the names that the fields of T have in JSON.
func fieldsOf[T any]() []string {
	var names []string
	for _, field := range jsonFields[T]() {
		names = append(names, inJSON(field))
	}
	return names
}

// dictsOf are those of them that are dicts with any names.
func dictsOf[T any]() map[string]bool {
	dicts := map[string]bool{}
	for _, field := range jsonFields[T]() {
		dicts[inJSON(field)] = field.Type.Kind() == reflect.Map
	}
	return dicts
}

// jsonFields are the fields of T as JSON has them: those of an embedded struct, and not that itself.
func jsonFields[T any]() []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[T]()), func(f reflect.StructField) bool { return f.Anonymous })
}

func inJSON(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
