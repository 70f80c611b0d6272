package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"muster/manager/api/apitest"
	"muster/manager/apply"
	"muster/manager/client"
)

// BenchmarkApply times 1,000 apps in 100 device_groups: made, changed all, and found to be as they should be.
func BenchmarkApply(b *testing.B) {
	for _, kind := range slices.Sorted(maps.Keys(apitest.Stores)) {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				server := apitest.StartOn(b, apitest.Stores[kind](b))
				c, err := client.New(client.Options{URL: server.URL, Token: apitest.Token})
				if err != nil {
					b.Fatal(err)
				}
				for _, round := range []struct{ unit, image string }{{"s/create", "i:1"}, {"s/change", "i:2"}, {"s/same", "i:2"}} {
					start := b.Elapsed()
					applyFleet(b, c, large(round.image))
					b.ReportMetric((b.Elapsed() - start).Seconds(), round.unit)
				}
			}
		})
	}
}

func applyFleet(b *testing.B, c *client.Client, files string) {
	b.Helper()
	fleet, err := apply.Read([]string{apply.Stdin}, strings.NewReader(files))
	if err != nil {
		b.Fatal(err)
	}
	plan, err := apply.Make(b.Context(), c, fleet, true)
	if err != nil {
		b.Fatal(err)
	}
	if err := plan.Run(b.Context(), func(apply.Step, error) {}); err != nil {
		b.Fatal(err)
	}
}

func large(image string) string {
	var files strings.Builder
	files.WriteString("apps:\n")
	for i := range 1000 {
		fmt.Fprintf(&files, "  app-%d: {docker_image: %q, starting_ports: [%d], env_vars: {A: 1, B: 2}}\n", i, image, 1000+i)
	}
	files.WriteString("device_groups:\n")
	for g := range 100 {
		fmt.Fprintf(&files, "  group-%d: {apps: [", g)
		for i := range 10 {
			fmt.Fprintf(&files, "app-%d, ", 10*g+i)
		}
		files.WriteString("]}\n")
	}
	return files.String()
}
