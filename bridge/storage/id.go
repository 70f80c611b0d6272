package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"muster/bridge"
)

// ID is the id of a record's report: the second in which it was received, three bytes that stand for the spool's name, and the
// last five bytes of the record's place in the spool. So a record always has the same id, ids of a spool rise with the
// clock and within a second, and what is too old is a range.
func ID(spool string, r bridge.Record) string {
	id := binary.BigEndian.AppendUint32(nil, uint32(r.Received.Unix())) //nolint:gosec // until 2106
	name := sha256.Sum256([]byte(spool))
	id = append(id, name[:3]...)
	place := binary.BigEndian.AppendUint64(nil, r.Offset)
	return hex.EncodeToString(append(id, place[3:]...))
}
