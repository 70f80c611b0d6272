package docker

import "testing"

func TestPlatform(t *testing.T) {
	index := []descriptor{{Digest: "attestation"}}
	for _, p := range []platform{
		{"linux", "arm", "v5"}, {"linux", "arm", "v7"}, {"linux", "arm", "v6"}, {"linux", "arm64", "v8"}, {"linux", "amd64", ""}, {"windows", "amd64", ""},
	} {
		index = append(index, descriptor{Digest: p.String(), Platform: &p})
	}
	for _, c := range []struct {
		platform
		want string
	}{
		{platform{"linux", "arm", "v7"}, "linux/armv7"},
		{platform{"linux", "arm", "v6"}, "linux/armv6"},
		{platform{"linux", "arm64", ""}, "linux/arm64v8"},
		{platform{"linux", "amd64", ""}, "linux/amd64"},
		{platform{"windows", "amd64", ""}, "windows/amd64"},
		{platform{"linux", "riscv64", ""}, ""},
	} {
		got, found := c.choose(index)
		if got.Digest != c.want || found != (c.want != "") {
			t.Errorf("for %s %q is chosen (%v), want %q", c.platform, got.Digest, found, c.want)
		}
	}
}
