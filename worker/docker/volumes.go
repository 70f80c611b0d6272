package docker

import (
	"strings"

	"github.com/docker/docker/api/types/mount"
)

// volumes are a container's as the engine takes them. A path of the device that does not exist is made by the
// engine, as an empty directory, if it is mounted as a bind; Nebula's apps count on that for what they write. What
// they only read would stay empty for ever, and the directory would be in the way of the file that is to
// come: mounts of the newer kind fail with the path's name instead.
func volumes(listed []string) (binds []string, mounts []mount.Mount) {
	for _, v := range listed {
		parts := strings.Split(v, ":")
		if len(parts) == 3 && parts[2] == "ro" && strings.HasPrefix(parts[0], "/") {
			mounts = append(mounts, mount.Mount{Type: mount.TypeBind, Source: parts[0], Target: parts[1], ReadOnly: true})
			continue
		}
		binds = append(binds, v)
	}
	return binds, mounts
}
