package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
)

// BenchmarkStart measures from the REST answer until all apps of a new group run, with the image on the device; then
// what the worker has of memory and CPU while 20 of them run and nothing changes, and while it pulls 64 MiB.
func BenchmarkStart(b *testing.B) {
	for _, apps := range []int{1, 20} {
		b.Run(fmt.Sprint(apps, " apps"), func(b *testing.B) {
			in := install(b, nil)
			image := in.registry.Push(b, "hello", rig.Hello{Version: "v1"})
			warm := rig.Name("warm")
			names := []string{warm}
			in.must("POST", "/apps/"+warm, fields{"docker_image": image})
			for i := range apps {
				names = append(names, rig.Name(fmt.Sprint("app", i)))
				in.must("POST", "/apps/"+names[i+1], fields{"docker_image": image})
			}
			in.must("POST", "/device_groups/shops", fields{"apps": []string{warm}, "cron_jobs": []string{}})
			d := in.newDevice("shops")
			d.start()
			d.awaitCount(1)
			for b.Loop() {
				in.must("PUT", "/device_groups/shops/update", fields{"apps": names})
				begun := time.Now()
				d.awaitCount(len(names))
				b.ReportMetric(time.Since(begun).Seconds(), "s/start")
				in.must("PUT", "/device_groups/shops/update", fields{"apps": []string{warm}})
				d.awaitCount(1)
			}
			in.must("PUT", "/device_groups/shops/update", fields{"apps": names})
			d.awaitCount(len(names))
			b.ReportMetric(0, "ns/op")
			idle := cpuTime(b, d.worker)
			const watched = 30 * time.Second
			<-time.After(watched)
			b.ReportMetric((cpuTime(b, d.worker)-idle).Seconds()/watched.Seconds()*100, "idle-cpu-%")
			b.ReportMetric(residentMiB(b, d.worker), "idle-rss-MiB")

			big := in.registry.Push(b, "big", rig.Hello{Version: "big", Padding: 64 << 20})
			before, peak := cpuTime(b, d.worker), 0.0
			in.must("PUT", "/apps/"+warm+"/update", fields{"docker_image": big})
			await(b, "the large image to run", func() error {
				peak = max(peak, residentMiB(b, d.worker))
				if c := d.containers()[warm+"-1"]; c.Image != big || c.State != "running" {
					return errStill
				}
				return nil
			})
			b.ReportMetric((cpuTime(b, d.worker) - before).Seconds(), "pull-cpu-s")
			b.ReportMetric(peak, "pull-rss-MiB")
		})
	}
}

// cpuTime is what the program has used of the CPU.
func cpuTime(b *testing.B, p *program) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	var user, system int64
	_, rest, _ := strings.Cut(string(stat), ") ")
	list := strings.Fields(rest)
	if len(list) < 13 {
		b.Fatalf("stat is %q", stat)
	}
	if _, err := fmt.Sscan(list[11]+" "+list[12], &user, &system); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // the kernel's USER_HZ is 100
}
