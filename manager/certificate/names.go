package certificate

import (
	"net"
	"os"
	"slices"
	"strings"

	"muster/topics"
)

// CheckName reports why a certificate cannot be for that name, nil when it can be: it is a host name, with a star for the
// first label or not, or an address.
func CheckName(name string) error {
	if net.ParseIP(name) != nil || isHostName(strings.TrimPrefix(name, "*.")) {
		return nil
	}
	return &topics.FieldError{Field: "name", Reason: "must be a host name such as manager.example, *.example, or an IP address"}
}

// CheckDomain reports why an ACME server cannot issue a certificate for that name, nil when it may.
func CheckDomain(name string) error {
	if isHostName(name) && net.ParseIP(name) == nil && strings.Contains(name, ".") && !strings.Contains(name, "_") {
		return nil
	}
	return &topics.FieldError{Field: "name", Reason: "must be a host name with a dot, such as manager.example"}
}

func isHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// loopbackNames are this machine's in every certificate: whoever is on it must be able to ask.
var loopbackNames = []string{"localhost", "127.0.0.1", "::1"}

// MachineNames are the machine's host name and all its addresses at the time, sorted, without those that are good on one link
// only. The addresses of containers' ends of a link are such, and come and go with each container.
func MachineNames() ([]string, error) {
	names := slices.Clone(loopbackNames)
	if host, err := os.Hostname(); err == nil && isHostName(host) {
		names = append(names, strings.ToLower(host))
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			names = append(names, network.IP.String())
		}
	}
	return sorted(names), nil
}

// GivenNames are those names, and those by which the machine reaches itself.
func GivenNames(given []string) []string {
	return sorted(slices.Concat(loopbackNames, given))
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
