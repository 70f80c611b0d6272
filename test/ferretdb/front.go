package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// A front stands between clients and FerretDB and gives them what MongoDB promises and FerretDB 1 does not
// keep: that the search for a document and its change are one step. FerretDB reads, compares in Go, and
// then writes by _id, so that of two clients that change a document under the same condition both are told
// that it held. The front lets one command at a time through, except for those that only read.
type front struct {
	// behind is the host:port that FerretDB listens on.
	behind string
	change sync.Mutex
}

func (f *front) serve(listener net.Listener) error {
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := net.Dial("tcp", f.behind)
			if err != nil {
				return
			}
			defer func() { _ = server.Close() }()
			for f.exchange(client, server) == nil {
			}
		}()
	}
}

// exchange passes one request and its answer on. Every request has one, since drivers ask for more than
// that ("exhaust", unacknowledged writes) only of servers that offer it or of those who want it.
func (f *front) exchange(client, server net.Conn) error {
	request, err := message(client)
	if err != nil {
		return err
	}
	if !readOnly(request) {
		f.change.Lock()
		defer f.change.Unlock()
	}
	if _, err := server.Write(request); err != nil {
		return err
	}
	answer, err := message(server)
	if err != nil {
		return err
	}
	_, err = client.Write(answer)
	return err
}

// maxMessage is what MongoDB allows.
const maxMessage = 48_000_000

// message reads one message of the wire protocol, which begins with its own length.
func message(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size < 16 || size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	whole := append(length[:], make([]byte, size-4)...)
	if _, err := io.ReadFull(from, whole[4:]); err != nil {
		return nil, errors.New("half a message")
	}
	return whole, nil
}

// reads are the commands that change nothing.
var reads = map[string]bool{
	"find": true, "getMore": true, "aggregate": true, "count": true, "distinct": true, "listIndexes": true,
	"hello": true, "isMaster": true, "ismaster": true, "ping": true, "buildInfo": true, "endSessions": true,
}

// readOnly reports whether a request is one of the reads. The command is the name of the first field of the
// first document, which follows on header (16 bytes), flags (4), kind of section (1), the document's length
// (4) and the field's type (1).
func readOnly(request []byte) bool {
	const opMsg, opQuery, name = 2013, 2004, 26
	switch opcode := binary.LittleEndian.Uint32(request[12:]); {
	case opcode == opQuery:
		return true // only the handshake is still made with it
	case opcode != opMsg || len(request) < name || request[20] != 0:
		return false
	}
	command, _, _ := bytes.Cut(request[name:], []byte{0})
	return reads[string(command)]
}
