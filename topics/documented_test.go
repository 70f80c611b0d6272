package topics_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"muster/topics"
)

// Every field that people can set is explained.
func TestFieldsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/apps.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[topics.App](), reflect.TypeFor[topics.CronJob](), reflect.TypeFor[topics.Healthcheck]()} {
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch name {
			case "", "app_id", "app_name", "cron_job_id", "cron_job_name":
				continue
			}
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/apps.md does not speak of %s", name)
			}
		}
	}
}
