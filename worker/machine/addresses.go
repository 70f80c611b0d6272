package machine

import (
	"net"
	"strings"
)

// engineNames begin the names of interfaces that container engines make for their networks.
var engineNames = []string{"docker", "br-", "veth", "podman", "cni", "virbr"}

// addresses are those that the device can be reached at.
func addresses() (list []string) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || engines(i.Name) {
			continue
		}
		found, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range found {
			if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
				list = append(list, ip.IP.String())
			}
		}
	}
	return list
}

// engines reports whether an interface is a container engine's.
func engines(name string) bool {
	for _, prefix := range engineNames {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
