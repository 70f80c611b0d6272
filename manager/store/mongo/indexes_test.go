package mongo

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
	"muster/test/rig"
)

// TestIndexesMayTakeLong has every index take longer than a call may, as in a collection with the reports of years.
func TestIndexesMayTakeLong(t *testing.T) {
	server := rig.FerretDB(t)
	const limit = 2 * time.Second
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go delayIndexes(listener, server.Addr(), limit+100*time.Millisecond)
	all := indexes
	t.Cleanup(func() { indexes = all })
	indexes = all[len(all)-1:]
	s := open(t, Options{URL: "mongodb://" + listener.Addr().String() + "/nebula", Timeout: limit})
	if there, err := s.hasIndex(t.Context(), indexes[0]); err != nil || !there {
		t.Errorf("the index is there: %v, %v", there, err)
	}
	if _, err := s.Reports().Page(t.Context(), store.ReportQuery{}, 1); err != nil {
		t.Error(err)
	}
}

// delayIndexes passes everything on, and what asks for an index after a while.
func delayIndexes(listener net.Listener, behind string, delay time.Duration) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", behind)
		if err != nil {
			_ = client.Close()
			continue
		}
		go pass(client, server, 0)
		go pass(server, client, delay)
	}
}

func pass(to, from net.Conn, delay time.Duration) {
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if delay > 0 && strings.Contains(string(bytes.ToLower(buffer[:n])), "createindexes") {
			time.Sleep(delay) // it is the server that is slow
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
