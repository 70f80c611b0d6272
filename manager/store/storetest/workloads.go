package storetest

import (
	"strings"

	"muster/manager/store"
	"muster/topics"
)

// oddEnv has names and values that mean something to databases and encoders.
const oddEnv = `{"$A":"1","$set":"\u0026","A":"\u003c\u003e","A.B":"$C","A.B.C":".","B":"ü\"\\","_id":"x","Ä":""}`

// Every optional field of a container, and of an app, with values that are easily lost.
const (
	containerOptions = `"command":["serve",""],"entrypoint":["/app"],"user":"1000:staff","memory_limit_mb":64,"cpus":0.125,
		"labels":{"$a":"1","a.b":"2"},"log_max_mb":10,"stop_grace_seconds":0,"read_only":true,"cap_add":["NET_ADMIN"],
		"cap_drop":["ALL"],"tmpfs":["/run:size=16m"],"extra_hosts":["six:fd00::1"]`
	appOptions = `"restart_policy":"no","healthcheck":{"test":["CMD","/check"],"interval_seconds":5,"timeout_seconds":2,
		"start_period_seconds":60,"retries":2},"depends_on":["db"]`
)

func apps() kind[topics.App] {
	full := `{"app_id": 7, "app_name": "full.app", "docker_image": "registry:5000/a/b:1",
		"starting_ports": [80, {"81": "8081"}, {"82": "82"}], "containers_per": {"cpu": 1.5},
		"env_vars": ` + oddEnv + `, "running": true, "networks": ["nebula", "x"],
		"volumes": ["/a:/b:ro"], "devices": ["/dev/a:/dev/b:rwm"], "privileged": true, "rolling_restart": true}`
	const plain = `{"app_id":1,"app_name":"plain","docker_image":"i","starting_ports":[],"containers_per":{"server":1},
		"env_vars":ENV,"running":true,"networks":[],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}`
	words := store.AppKind()
	list := same(words, strings.Replace(plain, "ENV", "[]", 1))
	return kind[topics.App]{
		Kind: words,
		of:   store.Store.Apps,
		make: func(name string, n int64) topics.App {
			app := topics.NewApp(name, "image")
			app.AppID = n
			return app
		},
		add:    func(a *topics.App) { a.AppID++ },
		count:  func(a topics.App) int64 { return a.AppID },
		rename: func(a *topics.App, name string) { a.AppName = name },
		samples: map[string]sample[topics.App]{
			"everything set":          same(words, full),
			"every option":            same(words, strings.TrimSuffix(full, "}")+","+containerOptions+","+appOptions+"}"),
			"empty env_vars stay {}":  same(words, strings.Replace(plain, "ENV", "{}", 1)),
			"env_vars [] stay a list": list,
			"nil lists": {"plain", topics.App{AppID: 1, AppName: "plain", DockerImage: "i", Running: true,
				ContainersPer: topics.ContainersPer{Unit: topics.PerServer, Count: 1}}, list.want},
		},
		unwritable: &topics.App{AppID: 1, AppName: "a", DockerImage: "i"}, // no containers_per
		nonsense:   `{"app_name": "NAME", "app_id": "one", "docker_image": "i", "containers_per": {"server": 1}}`,
	}
}

func cronJobs() kind[topics.CronJob] {
	full := `{"cron_job_id": 7, "cron_job_name": "full.job", "schedule": "SCHEDULE", "docker_image": "registry:5000/a/b:1",
		"env_vars": ` + oddEnv + `, "running": false, "networks": ["nebula", "x"],
		"volumes": ["/a:/b:ro"], "devices": ["/dev/a:/dev/b:rwm"], "privileged": true}`
	const plain = `{"cron_job_id":1,"cron_job_name":"plain","schedule":"@daily","docker_image":"i",
		"env_vars":ENV,"running":true,"networks":[],"volumes":[],"devices":[],"privileged":false}`
	words := store.CronJobKind()
	everything := same(words, full)
	everything.doc.Schedule = "*/5 0-6 * * 1,3"
	everything.want = strings.Replace(everything.want, "SCHEDULE", everything.doc.Schedule, 1)
	list := same(words, strings.Replace(plain, "ENV", "[]", 1))
	nameless := topics.NewCronJob("a", "@daily", "i")
	nameless.EnvVars = topics.EnvVars{"": "a value without a name"}
	return kind[topics.CronJob]{
		Kind: words,
		of:   store.Store.CronJobs,
		make: func(name string, n int64) topics.CronJob {
			job := topics.NewCronJob(name, "* * * * *", "image")
			job.CronJobID = n
			return job
		},
		add:    func(c *topics.CronJob) { c.CronJobID++ },
		count:  func(c topics.CronJob) int64 { return c.CronJobID },
		rename: func(c *topics.CronJob, name string) { c.CronJobName = name },
		samples: map[string]sample[topics.CronJob]{
			"everything set":          everything,
			"every option":            same(words, strings.TrimSuffix(list.want, "}")+","+containerOptions+"}"),
			"empty env_vars stay {}":  same(words, strings.Replace(plain, "ENV", "{}", 1)),
			"env_vars [] stay a list": list,
			"nil lists": {"plain", topics.CronJob{CronJobID: 1, CronJobName: "plain", Schedule: "@daily", DockerImage: "i",
				Running: true}, list.want},
		},
		unwritable: &nameless,
		nonsense:   `{"cron_job_name": "NAME", "cron_job_id": 1, "schedule": "* * * * *", "docker_image": "i", "env_vars": ["A"]}`,
	}
}
