package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"muster/test/rig"
)

// BenchmarkChange measures from the REST answer until Docker says that the new container runs, with the image already
// on the device: the median and the worst of 20 changes; and what memory the worker has after them. The app is not
// called meanwhile: a call in the gap between two containers makes the host look for the address in vain, and the
// kernel then waits a second before it tries again, which would be measured instead.
func BenchmarkChange(b *testing.B) {
	in := install(b, nil)
	image := in.registry.Push(b, "hello", rig.Hello{Version: "v1"})
	name, port := rig.Name("app"), rig.FreePorts(b, 1)
	in.must("POST", "/apps/"+name, fields{"docker_image": image, "starting_ports": []any{fields{itoa(port): "8080"}}})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{name}, "cron_jobs": []string{}})
	d := in.newDevice("shops")
	d.start()
	in.awaitAnswer(port, "hello v1")

	var took []time.Duration
	for b.Loop() {
		took = took[:0]
		for i := range 20 {
			greeting, old := fmt.Sprint("change ", i), d.life(name+"-1").id
			in.must("PUT", "/apps/"+name+"/update", fields{"env_vars": fields{"GREETING": greeting}})
			answered := time.Now()
			await(b, "a new container", func() error {
				if c, ok := d.containers()[name+"-1"]; !ok || c.ID == old || c.State != container.StateRunning {
					return errStill
				}
				return nil
			})
			took = append(took, time.Since(answered))
			in.awaitAnswer(port, greeting+" v1")
		}
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds(), "median-s")
	b.ReportMetric(took[len(took)-1].Seconds(), "worst-s")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(residentMiB(b, d.worker), "worker-rss-MiB")
}

// residentMiB is the memory of the program that is in RAM.
func residentMiB(b *testing.B, p *program) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	var kB float64
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		b.Fatalf("%v: %s", err, status)
	}
	return kB / 1024
}
