package admin_test

import (
	"strings"
	"testing"

	"muster/manager/store"
)

// A broker's file is printed whole and alone; who is not in it is named beside it.
func TestACL(t *testing.T) {
	server := shops(t)
	if _, err := server.Store.Identities().Create(t.Context(), store.Identity{Device: "till-1", DeviceGroup: "shops", State: store.IdentityActive}); err != nil {
		t.Fatal(err)
	}
	if r := muster(t, "token", "create", "b.1", "--mqtt-role", "bridge"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := muster(t, "acl", "mosquitto")
	if r.code != 0 || !strings.HasPrefix(r.stdout, "# What each user of this broker may do") || !strings.HasSuffix(r.stdout, "user till-1\ntopic read muster/v1/groups/shops/config\n") ||
		!strings.HasPrefix(r.stderr, "muster: left out: token:b.1: ") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("%+v", r)
	}
	for _, format := range []string{"mosquitto-dynsec", "emqx", "hivemq", "rabbitmq"} {
		if r := muster(t, "acl", format); r.code != 0 || !strings.Contains(r.stdout, "till-1") {
			t.Errorf("%s: %+v", format, r)
		}
	}
	muster(t, "acl", "verne/mq").want(t, 1, "", `muster: rights of a broker "verne/mq": format: must be one of ["mosquitto" "mosquitto-dynsec" "emqx" "hivemq" "rabbitmq"], is "verne/mq"`+"\n")
}
