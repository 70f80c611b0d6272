package topics

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Errors about starting_ports, in the words that Nebula's clients know.
var (
	// ErrPort says that a port is not between 1 and 65535.
	ErrPort = errors.New("invalid port")
	// ErrPortList says that starting_ports holds something that is neither a number nor a dict.
	ErrPortList = errors.New("can only be a list containing integers or dicts")
)

// A Port publishes a container's port on the device. Container n of an app, from 0, is bound to host
// port Host + n.
type Port struct {
	Host, Container int
	// dict remembers that the port was written as {"host": "container"} even though both are equal.
	dict bool
}

// MarshalJSON writes a plain number where host and container port are the same and were given so, else
// Nebula's one-entry dict of strings.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.Host == p.Container && !p.dict {
		return strconv.AppendInt(nil, int64(p.Host), 10), nil
	}
	return json.Marshal(map[string]string{strconv.Itoa(p.Host): strconv.Itoa(p.Container)})
}

// UnmarshalJSON reads a number, or a dict with one entry whose key and value are numbers or strings of
// digits. The error is [ErrPort] or [ErrPortList].
func (p *Port) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' {
		n, err := parsePort(data)
		*p = Port{Host: n, Container: n}
		return err
	}
	var dict map[string]json.RawMessage
	if err := json.Unmarshal(data, &dict); err != nil || len(dict) != 1 {
		return ErrPortList
	}
	for host, container := range dict {
		h, err := parsePort([]byte(host))
		if err != nil {
			return err
		}
		c, err := parsePort(bytes.Trim(container, `"`))
		if err != nil {
			return err
		}
		*p = Port{Host: h, Container: c, dict: true}
	}
	return nil
}

func parsePort(digits []byte) (int, error) {
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0, ErrPortList
	}
	if n < 1 || n > 65535 {
		return 0, ErrPort
	}
	return n, nil
}

// Ports are the starting_ports of an app.
type Ports []Port

// UnmarshalJSON reads a list of ports. Errors are [FieldError]s that wrap [ErrPort] or [ErrPortList].
func (p *Ports) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil || raw == nil {
		return fieldError("starting_ports", ErrPortList)
	}
	ports := make(Ports, len(raw))
	for i := range raw {
		if err := ports[i].UnmarshalJSON(raw[i]); err != nil {
			return fieldError("starting_ports", err)
		}
	}
	*p = ports
	return nil
}
