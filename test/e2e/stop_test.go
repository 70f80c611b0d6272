package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"muster/test/rig"
)

// Stop means stop: an app that is not to run, that left its group, or whose device left the group, is gone; what is in
// the new group as well runs on as it was; and no volume is ever removed.
func TestStopMeansStop(t *testing.T) {
	t.Parallel()
	in := installOwn(t, rig.EngineOptions{})
	image := in.registry.Push(t, "hello", rig.Hello{Version: "v1"})
	port, folder, kept := rig.FreePorts(t, 4), t.TempDir(), rig.Name("volume")
	names := []string{rig.Name("stopped"), rig.Name("removed"), rig.Name("left"), rig.Name("shared")}
	for i, name := range names {
		in.must("POST", "/apps/"+name, fields{
			"docker_image": image, "starting_ports": []any{fields{itoa(port + i): "8080"}},
			"volumes": []string{kept + "-" + itoa(i) + ":/named", folder + ":/folder"},
		})
	}
	in.must("POST", "/device_groups/shops", fields{"apps": names, "cron_jobs": []string{}})
	in.must("POST", "/device_groups/tills", fields{"apps": names[3:], "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	for i := range names {
		in.awaitAnswer(port+i, "hello v1")
		put(t, port+i, "/named/file")
		put(t, port+i, "/folder/"+itoa(i))
	}
	shared, left := d.life(names[3]+"-1"), d.life(names[2]+"-1")

	in.must("PUT", "/apps/"+names[0]+"/update", fields{"running": false})
	d.awaitCount(3)
	in.must("PUT", "/device_groups/shops/update", fields{"apps": names[2:]})
	d.awaitCount(2)
	if now := d.life(names[2] + "-1"); now != left {
		t.Errorf("an app that stays in the group was touched: %+v, was %+v", now, left)
	}
	d.worker.stop()
	d.group = "tills"
	d.start()
	d.awaitCount(1)
	if now := d.life(names[3] + "-1"); now != shared {
		t.Errorf("an app that both groups have was touched: %+v, was %+v", now, shared)
	}

	volumes, err := in.own.VolumeList(t.Context(), volume.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, v := range volumes.Volumes {
		if strings.HasPrefix(v.Name, kept) {
			content[v.Name] = in.read(v.Mountpoint, "file")
		}
	}
	for i := range names {
		if text := in.read(folder, itoa(i)); text != "precious" || content[kept+"-"+itoa(i)] != "precious" {
			t.Errorf("of %s the folder holds %q, and the volumes %q", names[i], text, content)
		}
	}
	if entries, err := os.ReadDir(filepath.Clean(folder)); err != nil || len(entries) != len(names) {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

// put has the app on that port write a file.
func put(t *testing.T, port int, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1:"+itoa(port)+"/file?path="+path, strings.NewReader("precious"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT %s: %s", path, answer.Status)
	}
}
