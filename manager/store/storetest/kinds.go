package storetest

import (
	"encoding/json"
	"strings"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// A kind is what the suite needs to know about one kind of documents.
type kind[T any] struct {
	of func(store.Store) store.Documents[T]
	// make makes a document; it carries n in a field that add raises and count reads.
	make  func(name string, n int64) T
	add   func(*T)
	count func(T) int64
	// rename changes the name that a document carries.
	rename func(*T, string)
	// samples are documents, by what is special about them, each with the JSON that reading it back
	// must give.
	samples map[string]sample[T]
	// unreadable is a document that could be written and not be read.
	unreadable *T
}

type sample[T any] struct {
	name string
	doc  T
	want string
}

func apps() kind[topics.App] {
	same := func(document string) sample[topics.App] {
		document = strings.Join(strings.Fields(document), "")
		var app topics.App
		if err := json.Unmarshal([]byte(document), &app); err != nil {
			panic(err) // the samples below are constants
		}
		return sample[topics.App]{app.AppName, app, document}
	}
	const full = `{"app_id": 7, "app_name": "full", "docker_image": "registry:5000/a/b:1",
		"starting_ports": [80, {"81": "8081"}, {"82": "82"}], "containers_per": {"cpu": 1.5},
		"env_vars": {"A": "\u003c\u0026\u003e", "B": "ü\"\\"}, "running": true, "networks": ["nebula", "x"],
		"volumes": ["/a:/b:ro"], "devices": ["/dev/a:/dev/b:rwm"], "privileged": true, "rolling_restart": true}`
	const plain = `{"app_id":1,"app_name":"plain","docker_image":"i","starting_ports":[],"containers_per":{"server":1},
		"env_vars":ENV,"running":true,"networks":[],"volumes":[],"devices":[],"privileged":false,"rolling_restart":false}`
	list := same(strings.Replace(plain, "ENV", "[]", 1))
	return kind[topics.App]{
		of: store.Store.Apps,
		make: func(name string, n int64) topics.App {
			app := topics.NewApp(name, "image")
			app.AppID = n
			return app
		},
		add:    func(a *topics.App) { a.AppID++ },
		count:  func(a topics.App) int64 { return a.AppID },
		rename: func(a *topics.App, name string) { a.AppName = name },
		samples: map[string]sample[topics.App]{
			"everything set":          same(full),
			"empty env_vars stay {}":  same(strings.Replace(plain, "ENV", "{}", 1)),
			"env_vars [] stay a list": list,
			"nil lists": {"plain", topics.App{AppID: 1, AppName: "plain", DockerImage: "i", Running: true,
				ContainersPer: topics.ContainersPer{Unit: topics.PerServer, Count: 1}}, list.want},
		},
		unreadable: &topics.App{AppID: 1, AppName: "a", DockerImage: "i"}, // no containers_per
	}
}

func deviceGroups() kind[store.DeviceGroup] {
	return kind[store.DeviceGroup]{
		of: store.Store.DeviceGroups,
		make: func(name string, n int64) store.DeviceGroup {
			return store.DeviceGroup{DeviceGroup: name, DeviceGroupID: n, PruneID: 1, Apps: []string{}, CronJobs: []string{}}
		},
		add:    func(g *store.DeviceGroup) { g.DeviceGroupID++ },
		count:  func(g store.DeviceGroup) int64 { return g.DeviceGroupID },
		rename: func(g *store.DeviceGroup, name string) { g.DeviceGroup = name },
		samples: map[string]sample[store.DeviceGroup]{
			"everything set": {
				"g",
				store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1 << 53, PruneID: 2, Apps: []string{"b", "a", "b"}, CronJobs: []string{"c"}},
				`{"device_group":"g","device_group_id":9007199254740992,"prune_id":2,"apps":["b","a","b"],"cron_jobs":["c"]}`,
			},
			"nil lists": {
				"g",
				store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1, PruneID: 1},
				`{"device_group":"g","device_group_id":1,"prune_id":1,"apps":[],"cron_jobs":[]}`,
			},
		},
	}
}

// encode is how the suite compares documents: as the JSON that clients and devices see.
func encode(doc any) string {
	data, err := json.Marshal(doc)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func testKindsDoNotMix(t *testing.T, fresh func(t *testing.T) Open) {
	r := setUp(t, fresh)
	st := r.handle()
	r.must(st.Apps().Create(r.ctx, apps().make("same", 1)))
	r.must(st.DeviceGroups().Create(r.ctx, deviceGroups().make("same", 2)))
	r.must(st.Apps().Delete(r.ctx, "same"))
	group, err := st.DeviceGroups().Get(r.ctx, "same")
	if err != nil || group.DeviceGroupID != 2 {
		t.Errorf("device_group after deleting the app of that name: %v, %v", group, err)
	}
}
