package worker

import (
	"maps"
	"slices"
	"strings"

	"muster/topics"
)

// LeftRun is the [Container.Spec] of a run of a cron_job that a Nebula worker began.
const LeftRun = "nebula"

// A Left is what a container was made from that a Nebula worker left behind, as far as Nebula's workers set it.
type Left struct {
	// Image is the reference as it was given when the container was made.
	Image string
	// Env is the whole environment, and ImageEnv the part that the image brings.
	Env, ImageEnv map[string]string
	Ports         []PortBinding
	// Networks are those that it has joined; "host" or "none" alone where it has none of its own.
	Networks         []string
	Volumes, Devices []string
	Privileged       bool
	// RestartPolicy is the engine's word for it.
	RestartPolicy string
}

// like reports whether a Nebula worker would have made the container from that spec.
func (l Left) like(spec Spec) bool {
	plain := Spec{
		App: spec.App, Index: spec.Index, AppID: spec.AppID, Image: spec.Image, Env: spec.Env, Ports: spec.Ports,
		Networks: spec.Networks, Volumes: spec.Volumes, Devices: spec.Devices, Privileged: spec.Privileged,
	}
	if spec.RestartPolicy == topics.RestartUnlessStopped {
		plain.RestartPolicy = spec.RestartPolicy
	}
	return plain.Hash() == spec.Hash() && // no option that Nebula does not have
		(l.Image == nebulaImage(spec.Image) || l.Image == spec.Image) &&
		l.RestartPolicy == topics.RestartUnlessStopped && l.Privileged == spec.Privileged &&
		sameEnv(l.Env, l.ImageEnv, spec.Env) && sameNetworks(l.Networks, spec.Networks) &&
		sameSet(l.Ports, spec.Ports) && sameSet(l.Volumes, spec.Volumes) && sameSet(deviceRights(l.Devices), deviceRights(spec.Devices))
}

// nebulaImage is how a Nebula worker calls an image: with a tag, and with a registry where none is given.
func nebulaImage(image string) string {
	registry, name := "registry.hub.docker.com/library", image
	if slash := strings.LastIndexByte(image, '/'); slash >= 0 {
		registry, name = image[:slash], image[slash+1:]
	}
	if !strings.Contains(name, ":") {
		name += ":latest"
	}
	return registry + "/" + name
}

// sameEnv reports whether env is what the image and the app make together. A Nebula worker writes true and false as
// Python does.
func sameEnv(env, image, app map[string]string) bool {
	want := maps.Clone(image)
	if want == nil {
		want = map[string]string{}
	}
	maps.Copy(want, app)
	return maps.EqualFunc(env, want, func(is, to string) bool {
		return is == to || is == "True" && to == "true" || is == "False" && to == "false"
	})
}

// sameNetworks reports whether those are the networks that an app's container joins. Newer engines join what a Nebula
// worker makes to "bridge" in any case, because it names that as the mode.
func sameNetworks(joined, listed []string) bool {
	if slices.Equal(listed, []string{"host"}) || slices.Equal(listed, []string{"none"}) {
		return slices.Equal(joined, listed)
	}
	want := append([]string{topics.DefaultNetwork}, listed...)
	if !slices.Contains(want, "bridge") {
		joined = slices.DeleteFunc(slices.Clone(joined), func(n string) bool { return n == "bridge" })
	}
	return sameSet(joined, want)
}

// deviceRights adds what an engine is told where nothing is said.
func deviceRights(devices []string) []string {
	full := make([]string, len(devices))
	for i, d := range devices {
		switch full[i] = d; strings.Count(d, ":") {
		case 0:
			full[i] += ":" + d + ":rwm"
		case 1:
			full[i] += ":rwm"
		}
	}
	return full
}

func sameSet[T comparable](a, b []T) bool {
	set := func(list []T) map[T]bool {
		m := map[T]bool{}
		for _, x := range list {
			m[x] = true
		}
		return m
	}
	return maps.Equal(set(a), set(b))
}

// takeOver says for the containers of apps that a Nebula worker left which [Spec.Hash] each is as good as made from:
// the one that is known of it, else the one that the config wants in its place, if it is like that. It depends on its
// arguments only and changes none of them.
func takeOver(config topics.Config, facts Facts, seen []Container, known map[string]string) map[string]string {
	taken := map[string]string{}
	for _, c := range seen {
		if c.Left == nil || c.App == "" {
			continue
		}
		if hash, ok := known[c.ID]; ok {
			taken[c.ID] = hash
			continue
		}
		at := slices.IndexFunc(config.Apps, func(app topics.App) bool { return app.AppName == c.App && app.Running })
		if at < 0 || c.Index < 0 || c.Index >= config.Apps[at].ContainersPer.Containers(facts.CPUs, facts.MemoryMB) {
			continue
		}
		if spec, err := NewSpec(config.Apps[at], c.Index); err == nil && c.Left.like(spec) {
			taken[c.ID] = spec.Hash()
		}
	}
	return taken
}
