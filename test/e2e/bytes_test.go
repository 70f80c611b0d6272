package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// The bytes on the wire that docs/protocol.md tells are those that a connection sends and gets.
func TestBytesOnTheWire(t *testing.T) {
	document, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	in := installManager(t, nil)
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	have := in.must("GET", "/device_groups/shops/info", nil)
	checkin := fmt.Sprintf(`{"request_id":"b7-2","device_group":"shops","have":{"epoch":%q,"config_id":1}}`, have["epoch"])
	for _, tc := range []struct {
		what, payload string
		kind          topics.Kind
		answers       int
	}{
		{"check-in, unchanged", checkin, topics.DeviceCheckin, 2},
		{"smallest report", `{"device":"till-1","device_group":"shops","boot":"b7","seq":1,"phase":"settled"}`, topics.DeviceReport, 1},
		{"a worker's report of 5 apps", typicalReport(t), topics.DeviceReport, 1},
	} {
		for _, version := range []string{"3.1.1", "5"} {
			up, down, err := exchange(in.mqttAddr, version, topics.DefaultRoot.Topic(tc.kind, "till-1"), tc.payload, tc.answers)
			if err != nil {
				t.Fatal(err)
			}
			row := fmt.Sprintf("| %s | %s | %d | %d | %d |", tc.what, version, len(tc.payload), up, down)
			t.Log(row)
			if !strings.Contains(string(document), row) {
				t.Errorf("docs/protocol.md does not say %s", row)
			}
		}
	}
}

// exchange publishes a payload and waits for that many packets in answer to it: it counts the bytes of both ways.
func exchange(addr, version, topic, payload string, answers int) (up, down int, err error) {
	w, err := dialWire(addr, version, "till-1")
	if err != nil {
		return 0, 0, err
	}
	defer w.Close()
	_ = w.SetDeadline(time.Now().Add(patience))
	if err := w.subscribe(topics.DefaultRoot.Topic(topics.DeviceReply, "till-1")); err != nil {
		return 0, 0, err
	}
	if _, err := w.receive(suback); err != nil {
		return 0, 0, err
	}
	w.up, w.down = 0, 0
	if err := w.publish(topic, payload); err != nil {
		return 0, 0, err
	}
	for range answers {
		// The acknowledgement and the reply come in any order.
		if _, err := w.receive(puback, publish); err != nil {
			return 0, 0, err
		}
	}
	return w.up, w.down, nil
}

// typicalReport is that of a worker with five apps of one container each, and all facts of its machine.
func typicalReport(t *testing.T) string {
	t.Helper()
	v := topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 7}
	disk := &topics.DiskUsage{Total: 29000, Used: 11000, Free: 18000}
	r := topics.Report{
		Device: "till-1", DeviceGroup: "shops", ReportID: "aaaaaaaaaaaaa-7", Boot: "aaaaaaaaaaaaa", Seq: 7, Version: v, Wanted: v, Phase: topics.PhaseSettled,
		Agent: "muster-worker/0.1.0", At: time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC),
		Machine: topics.Machine{
			Hostname: "till-1.shop", MemoryUsage: &topics.MemoryUsage{Total: 3900, Used: 900, Free: 1000, Available: 2900}, RootDiskUsage: disk,
			CPUUsage: &topics.CPUUsage{Cores: 4, UsedPercent: 3.5}, Temperatures: map[string]float64{"cpu_thermal": 41.5}, Addresses: []string{"192.168.1.7"},
			OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-rpi8", Architecture: "aarch64", Engine: "28.5.2", UptimeSeconds: 864000,
			BootID: "5e0f4d5e-93c2-4ce8-a5ab-3d1ec9c6b3c0",
		},
	}
	for i := range 5 {
		name := fmt.Sprint("app-", i)
		r.Apps = append(r.Apps, topics.AppState{
			App: name, AppID: 3, RunningID: 3, Phase: topics.PhaseSettled,
			Containers: []topics.ContainerState{{Name: name + "-1", ID: "0123456789ab", Image: "registry.example/shop/app:1.2.3", State: "running"}},
		})
	}
	payload, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}
