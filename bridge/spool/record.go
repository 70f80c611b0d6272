package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"muster/bridge"
)

// header is what precedes a record's fields: the CRC-32C of all that follows it, and how many bytes of records the spool has
// taken up to and with this one since it was made.
const header = 4 + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode writes a record with a header that is still to be filled in by seal.
func encode(r bridge.Record) []byte {
	fields := []string{r.Topic, r.Device, r.Group, r.ReportID, r.Boot, r.Flaw}
	size := header + 2*binary.MaxVarintLen64 + len(r.Payload)
	for _, f := range fields {
		size += binary.MaxVarintLen32 + len(f)
	}
	value := make([]byte, header, size)
	value = binary.AppendVarint(value, r.Received.UnixMilli())
	value = binary.AppendVarint(value, r.Seq)
	for _, f := range fields {
		value = binary.AppendUvarint(value, uint64(len(f)))
		value = append(value, f...)
	}
	return append(value, r.Payload...)
}

// seal fills in a record's header and returns the total with it.
func seal(value []byte, total int64) int64 {
	total += int64(len(value))
	binary.BigEndian.PutUint64(value[4:], uint64(total))
	binary.BigEndian.PutUint32(value, crc32.Checksum(value[4:], castagnoli))
	return total
}

// total is how many bytes the spool has taken up to and with the record.
func total(value []byte) int64 {
	if len(value) < header {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value[4:]))
}

var errDamaged = errors.New("the record is damaged on the disk")

// decode reads a record; nothing in it shares memory with value.
func decode(value []byte) (bridge.Record, error) {
	if len(value) < header || binary.BigEndian.Uint32(value) != crc32.Checksum(value[4:], castagnoli) {
		return bridge.Record{}, errDamaged
	}
	rest := append([]byte(nil), value[header:]...)
	var r bridge.Record
	var received int64
	for _, number := range []*int64{&received, &r.Seq} {
		n, length := binary.Varint(rest)
		if length <= 0 {
			return bridge.Record{}, errDamaged
		}
		*number, rest = n, rest[length:]
	}
	r.Received = time.UnixMilli(received).UTC()
	for _, text := range []*string{&r.Topic, &r.Device, &r.Group, &r.ReportID, &r.Boot, &r.Flaw} {
		n, length := binary.Uvarint(rest)
		if length <= 0 || n > uint64(len(rest)-length) {
			return bridge.Record{}, errDamaged
		}
		rest = rest[length:]
		*text, rest = string(rest[:n]), rest[n:]
	}
	r.Payload = rest
	return r, nil
}
