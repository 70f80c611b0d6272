package topics_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

// everyOption has a value for each option, in the order in which they are written.
const (
	everyContainerOption = `"command":["serve","-v",""],"entrypoint":["/bin/app"],"user":"1000:staff","memory_limit_mb":64,"cpus":0.25,` +
		`"labels":{"b":"","com.example/a":"1"},"log_max_mb":10,"stop_grace_seconds":0,"read_only":true,"cap_add":["NET_ADMIN"],` +
		`"cap_drop":["ALL"],"tmpfs":["/run:size=16m,mode=1777","/tmp"],"extra_hosts":["till:10.0.0.1","six:fd00::1","me:host-gateway"]`
	everyAppOption = `"restart_policy":"on-failure","healthcheck":{"test":["CMD-SHELL","wget -q localhost"],"interval_seconds":5,` +
		`"timeout_seconds":2,"start_period_seconds":60,"retries":2},"depends_on":["db","queue.1"]`
)

func TestOptionsComeBackAsTheyWere(t *testing.T) {
	app := `{"app_id":1,"app_name":"web","docker_image":"i","starting_ports":[],"containers_per":{"server":1},"env_vars":{},"running":true,` +
		`"networks":[],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false,` + everyContainerOption + `,` + everyAppOption + `}`
	sameAgain[topics.App](t, app)
	sameAgain[topics.CronJob](t, `{"cron_job_id":1,"cron_job_name":"c","schedule":"* * * * *","docker_image":"i","env_vars":{},"running":true,`+
		`"networks":[],"volumes":[],"devices":[],"privileged":false,`+everyContainerOption+`}`)
}

func sameAgain[T interface{ Check() error }](t *testing.T, document string) {
	t.Helper()
	var object T
	if err := json.Unmarshal([]byte(document), &object); err != nil {
		t.Fatal(err)
	}
	if err := object.Check(); err != nil {
		t.Errorf("refused: %v", err)
	}
	again, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document, string(again)); diff != "" {
		t.Error(diff)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, test := range []struct{ options, field, says string }{
		{`"command":["a\u0000b"]`, "command", "NUL"},
		{`"entrypoint":["a\u0000b"]`, "entrypoint", "NUL"},
		{`"entrypoint":["","x"]`, "entrypoint", "begin with a program"},
		{`"entrypoint":[""]`, "entrypoint", "needs a command"},
		{`"entrypoint":[""],"command":[""]`, "entrypoint", "needs a command"},
		{`"user":":staff"`, "user", "user or user:group"},
		{`"user":"a:"`, "user", "user or user:group"},
		{`"user":"a:b:c"`, "user", "user or user:group"},
		{`"user":"a b"`, "user", "user or user:group"},
		{`"user":"` + long + `"`, "user", "at most 256"},
		{`"memory_limit_mb":5`, "memory_limit_mb", "6 to 16777216, or 0 for none, is 5"},
		{`"memory_limit_mb":-1`, "memory_limit_mb", "6 to"},
		{`"memory_limit_mb":16777217`, "memory_limit_mb", "6 to"},
		{`"cpus":0.009`, "cpus", "0.01 to 1024"},
		{`"cpus":-1`, "cpus", "0.01 to 1024"},
		{`"cpus":1024.001`, "cpus", "0.01 to 1024"},
		{`"cpus":0.3333`, "cpus", "three decimals"},
		{`"labels":{"":"x"}`, "labels.", "must not be empty"},
		{`"labels":{"a b":"x"}`, "labels.a b", "blanks"},
		{`"labels":{"a":"x\u0000"}`, "labels.a", "NUL"},
		{`"labels":{"muster.spec":"x"}`, "labels.muster.spec", "the worker itself"},
		{`"labels":{"orchestrator":"x"}`, "labels.orchestrator", "the worker itself"},
		{`"labels":{"app_name":"x"}`, "labels.app_name", "the worker itself"},
		{`"labels":{"container_type":"x"}`, "labels.container_type", "the worker itself"},
		{`"log_max_mb":-1`, "log_max_mb", "1 to 1048576"},
		{`"log_max_mb":1048577`, "log_max_mb", "1 to 1048576"},
		{`"stop_grace_seconds":-1`, "stop_grace_seconds", "0 to 3600, is -1"},
		{`"stop_grace_seconds":3601`, "stop_grace_seconds", "0 to 3600, is 3601"},
		{`"cap_add":["NET ADMIN"]`, "cap_add", "Linux capabilities"},
		{`"cap_drop":[""]`, "cap_drop", "Linux capabilities"},
		{`"cap_drop":["CAP_"]`, "cap_drop", "Linux capabilities"},
		{`"tmpfs":["run"]`, "tmpfs", "absolute path"},
		{`"tmpfs":["/"]`, "tmpfs", "absolute path"},
		{`"tmpfs":["/run:"]`, "tmpfs", "absolute path"},
		{`"tmpfs":["/run:size=1m:x"]`, "tmpfs", "absolute path"},
		{`"tmpfs":["/run","/run:size=1m"]`, "tmpfs", `"/run" is listed twice`},
		{`"tmpfs":["/data"],"volumes":["v:/data:ro"]`, "tmpfs", `"/data" is in volumes as well`},
		{`"extra_hosts":["till"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":[":10.0.0.1"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["a b:10.0.0.1"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["a#:10.0.0.1"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["till:10.0.0"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["till:[10.0.0.1]"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["till:[fd00::1"]`, "extra_hosts", "name:address"},
		{`"extra_hosts":["till:fe80::1%eth0"]`, "extra_hosts", "name:address"},
	} {
		job := topics.NewCronJob("c", "* * * * *", "i")
		refused(t, &job, test.options, test.field, test.says)
		app := topics.NewApp("web", "i")
		refused(t, &app, test.options, test.field, test.says)
	}
	for _, test := range []struct{ options, field, says string }{
		{`"restart_policy":"sometimes"`, "restart_policy", `one of always, unless-stopped, on-failure, no, is "sometimes"`},
		{`"restart_policy":"on-failure:3"`, "restart_policy", "one of"},
		{`"depends_on":["web"]`, "depends_on", "itself"},
		{`"depends_on":["db","db"]`, "depends_on", `"db" is listed twice`},
		{`"depends_on":["a b"]`, "depends_on", `"a b": invalid name`},
		{`"depends_on":[""]`, "depends_on", "invalid name"},
		{`"healthcheck":{"test":["NONE","x"]}`, "healthcheck.test", `["NONE"]`},
		{`"healthcheck":{"test":["CMD"]}`, "healthcheck.test", `["CMD"`},
		{`"healthcheck":{"test":["CMD",""]}`, "healthcheck.test", `["CMD"`},
		{`"healthcheck":{"test":["CMD-SHELL","a","b"]}`, "healthcheck.test", `["CMD-SHELL"`},
		{`"healthcheck":{"test":["CMD-SHELL",""]}`, "healthcheck.test", `["CMD-SHELL"`},
		{`"healthcheck":{"test":["wget","x"]}`, "healthcheck.test", `["CMD"`},
		{`"healthcheck":{"test":["CMD","a\u0000"]}`, "healthcheck.test", `["CMD"`},
		{`"healthcheck":{"interval_seconds":-1}`, "healthcheck.interval_seconds", "0 to 86400, is -1"},
		{`"healthcheck":{"timeout_seconds":86401}`, "healthcheck.timeout_seconds", "0 to 86400"},
		{`"healthcheck":{"start_period_seconds":-1}`, "healthcheck.start_period_seconds", "0 to 86400"},
		{`"healthcheck":{"retries":1001}`, "healthcheck.retries", "0 to 1000"},
	} {
		app := topics.NewApp("web", "i")
		refused(t, &app, test.options, test.field, test.says)
	}
}

// refused sets options of an object and expects that its check names the field and says what was expected.
func refused(t *testing.T, object interface{ Check() error }, options, field, says string) {
	t.Helper()
	if err := json.Unmarshal([]byte("{"+options+"}"), object); err != nil {
		t.Fatalf("%s: %v", options, err)
	}
	err := object.Check()
	bad(t)(err, field)
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %q in it", options, err, says)
	}
}

func TestOptionsAtTheirLimits(t *testing.T) {
	for _, options := range []string{
		`"memory_limit_mb":6`, `"memory_limit_mb":16777216`, `"memory_limit_mb":0`, `"cpus":0.01`, `"cpus":1024`, `"cpus":0.123`, `"cpus":0`,
		`"log_max_mb":1`, `"stop_grace_seconds":3600`, `"cap_add":["CAP_SYS_TIME","net_raw","ALL"]`, `"entrypoint":[""],"command":["x"]`,
		`"extra_hosts":["a:[fd00::1]","a:1.2.3.4"]`, `"user":"0"`, `"labels":{"muster":"x"}`, `"command":[]`, `"labels":{}`,
		`"healthcheck":{}`, `"healthcheck":{"test":["NONE"]}`, `"healthcheck":{"test":["CMD","a",""],"interval_seconds":86400,"retries":1000}`,
		`"restart_policy":""`, `"restart_policy":"no"`, `"restart_policy":"always"`, `"restart_policy":"unless-stopped"`,
	} {
		app := topics.NewApp("web", "i")
		if err := json.Unmarshal([]byte("{"+options+"}"), &app); err != nil {
			t.Fatal(err)
		}
		if err := app.Check(); err != nil {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// An option of the wrong type is named as clients know it, wherever it is in the structs.
func TestOptionsOfTheWrongType(t *testing.T) {
	for _, test := range []struct{ option, field string }{
		{`"cpus":"many"`, "apps.cpus"},
		{`"healthcheck":{"retries":"x"}`, "apps.healthcheck.retries"},
	} {
		_, err := topics.ParseConfig([]byte(`{"apps":[{` + test.option + `}]}`))
		bad(t)(err, test.field)
	}
}

// A device that is given an option out of its limits says which app it is about.
func TestConfigWithABadOption(t *testing.T) {
	c := content()
	c.Apps[0].StopGraceSeconds = new(-1)
	_, err := topics.EncodeConfig(topics.Version{Epoch: epoch1, ConfigID: 7}, at, c)
	bad(t)(err, "apps[0].stop_grace_seconds")
}

// Values of env_vars are what containers of Nebula's workers, which are Python programs, get to see.
func TestEnvVarsAreAsNebulaShowsThem(t *testing.T) {
	var vars topics.EnvVars
	valid(t)(json.Unmarshal([]byte(`{"ON":true,"OFF":false,"TEXT":"true","N":5,"F":2.50}`), &vars))
	if diff := cmp.Diff(topics.EnvVars{"ON": "True", "OFF": "False", "TEXT": "true", "N": "5", "F": "2.50"}, vars); diff != "" {
		t.Error(diff)
	}
}

func TestDevices(t *testing.T) {
	app := topics.NewApp("web", "i")
	for _, device := range []string{"/dev/a", "/dev/a:/dev/b", "/dev/a:/dev/b:r", "/dev/a:/dev/b:rwm"} {
		app.Devices = []string{device}
		valid(t)(app.Check())
	}
	for _, device := range []string{"", "dev/a", "/dev/a:", "/dev/a:dev/b", "/dev/a:/dev/b:", "/dev/a:/dev/b:x", "/dev/a:r", "/dev/a:/dev/b:r:w"} {
		app.Devices = []string{device}
		bad(t)(app.Check(), "devices")
	}
}
