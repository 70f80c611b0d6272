package docker

import (
	"context"
	"slices"

	"github.com/docker/docker/client"
)

// A platform is what an image is for, in the words of an index.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

func (p platform) String() string { return p.OS + "/" + p.Architecture + p.Variant }

// enginePlatform is that of the engine. Engines do not tell the variant; machine is what the kernel calls the
// processor.
func enginePlatform(ctx context.Context, c *client.Client, machine string) (platform, error) {
	version, err := c.ServerVersion(ctx)
	if err != nil {
		return platform{}, err
	}
	p := platform{OS: version.Os, Architecture: version.Arch}
	if p.Architecture == "arm" {
		p.Variant = "v7"
		if machine == "armv6l" {
			p.Variant = "v6"
		}
	}
	return p, nil
}

// choose picks the image that the engine would: for ARM, the newest variant that the processor has.
func (p platform) choose(from []descriptor) (descriptor, bool) {
	var fitting []descriptor
	for _, d := range from {
		if d.Platform == nil || d.Platform.OS != p.OS || d.Platform.Architecture != p.Architecture {
			continue
		}
		if p.Variant != "" && d.Platform.Variant > p.Variant {
			continue
		}
		fitting = append(fitting, d)
	}
	if len(fitting) == 0 {
		return descriptor{}, false
	}
	if p.Variant == "" {
		return fitting[0], true
	}
	return slices.MaxFunc(fitting, func(a, b descriptor) int {
		switch {
		case a.Platform.Variant > b.Platform.Variant:
			return 1
		case a.Platform.Variant < b.Platform.Variant:
			return -1
		}
		return 0
	}), true
}
