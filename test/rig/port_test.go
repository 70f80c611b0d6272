package rig_test

import (
	"fmt"
	"net"
	"testing"

	"muster/test/rig"
)

func TestFreePortsDoNotOverlap(t *testing.T) {
	given := map[int]bool{}
	for range 200 {
		first := rig.FreePorts(t, 3)
		for port := first; port < first+3; port++ {
			if given[port] {
				t.Fatalf("port %d was given twice", port)
			}
			given[port] = true
		}
	}
}

func TestReleasedPortsCanBeListenedOn(t *testing.T) {
	first, release, err := rig.ReservePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for port := first; port < first+2; port++ {
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
	}
}
