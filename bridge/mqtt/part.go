package mqtt

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A Part is one of several into which devices are split. The zero value is all of them.
type Part struct {
	// Number is from 1 to Of.
	Number, Of int
}

// MaxParts is the most parts there may be: each bridge is sent the reports of all.
const MaxParts = 64

// ParsePart reads "2/3", the second of three; "" is all devices.
func ParsePart(s string) (Part, error) {
	if s == "" {
		return Part{}, nil
	}
	number, of, _ := strings.Cut(s, "/")
	k, err := strconv.Atoi(number)
	n, err2 := strconv.Atoi(of)
	if err != nil || err2 != nil || n < 1 || n > MaxParts || k < 1 || k > n {
		return Part{}, fmt.Errorf("must be K/N, such as 2/3 for the second of three parts, with N at most %d, is %q", MaxParts, s)
	}
	return Part{k, n}, nil
}

// Has reports whether the device is in the part: whether the CRC-32 of its name, as zip files and Python's zlib.crc32 have it,
// leaves Number - 1 when it is divided by Of.
func (p Part) Has(device string) bool {
	return p.Of <= 1 || int(crc32.ChecksumIEEE([]byte(device))%uint32(p.Of)) == p.Number-1
}

// SessionName is what the bridge for the part is called, of those that are called name.
func (p Part) SessionName(name string) string {
	if p.Of <= 1 {
		return name
	}
	return fmt.Sprintf("%s-%d-of-%d", name, p.Number, p.Of)
}
