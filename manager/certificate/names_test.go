package certificate_test

import (
	"net"
	"slices"
	"testing"

	"muster/manager/certificate"
)

func TestCheckName(t *testing.T) {
	for name, want := range map[string]bool{
		"manager.example": true, "manager": true, "*.example": true, "127.0.0.1": true, "::1": true, "till_1.example": true, "xn--mnchen-3ya.example": true,
		"": false, "*": false, "a.*.example": false, "a b": false, "https://a": false, "a:1": false, "-a": false, "a..b": false, "münchen": false, ".": false, "10.0.0.0/8": false,
	} {
		if err := certificate.CheckName(name); (err == nil) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestMachineNames(t *testing.T) {
	names, err := certificate.MachineNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"localhost", "127.0.0.1", "::1"} {
		if !slices.Contains(names, want) || !slices.Contains(certificate.GivenNames([]string{"a"}), want) {
			t.Errorf("no %s in %v", want, names)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%v are not sorted, each once: the same addresses in another order would be others", names)
	}
	for _, name := range names {
		if err := certificate.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if ip := net.ParseIP(name); ip != nil && ip.IsLinkLocalUnicast() {
			t.Errorf("%s is good on one link only", name)
		}
	}
}
