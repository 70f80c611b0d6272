package worker

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"muster/topics"
	"muster/worker/durable"
)

// ErrCorrupt is wrapped by the error of [Worker.Run] when the state file is not what a worker wrote.
var ErrCorrupt = errors.New("is corrupt")

// configFile is the file in the state directory that holds the config to run.
const configFile = "config.json"

// A state is the config that a worker holds, as it is in its state file: one line of JSON that says what
// follows, then the payload of the config exactly as it was received.
type state struct {
	group   string
	payload []byte
	config  topics.Config
}

// stateHeader is the first line of a state file.
type stateHeader struct {
	Format      int    `json:"format"`
	DeviceGroup string `json:"device_group"`
	Bytes       int    `json:"bytes"`
	// SHA256 covers the line itself, as it is while SHA256 is empty, and the payload.
	SHA256 string `json:"sha256"`
}

const stateFormat = 1

func encodeState(group string, payload []byte) []byte {
	header := stateHeader{Format: stateFormat, DeviceGroup: group, Bytes: len(payload)}
	sum := sha256.Sum256(append(header.line(), payload...))
	header.SHA256 = hex.EncodeToString(sum[:])
	return append(header.line(), payload...)
}

func (h stateHeader) line() []byte {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return append(line, '\n')
}

// parseState reads a state file. It accepts only what encodeState writes, byte for byte. The error says
// what is wrong, to follow the name of the file.
func parseState(data []byte) (state, error) {
	if len(data) == 0 {
		return state{}, errors.New("it is empty")
	}
	line, payload, complete := bytes.Cut(data, []byte{'\n'})
	var header stateHeader
	if err := json.Unmarshal(line, &header); err != nil || !complete {
		return state{}, errors.New("its first line is cut off or garbled")
	}
	if header.Format != stateFormat {
		return state{}, fmt.Errorf("it has format %d, this worker reads format %d", header.Format, stateFormat)
	}
	if header.Bytes != len(payload) {
		return state{}, fmt.Errorf("it holds %d bytes of config where %d are announced", len(payload), header.Bytes)
	}
	if !bytes.Equal(encodeState(header.DeviceGroup, payload), data) {
		return state{}, errors.New("its checksum does not match")
	}
	config, err := topics.ParseConfig(payload)
	if err != nil {
		return state{}, fmt.Errorf("the config in it is not valid: %w", err)
	}
	if config.DeviceGroup != header.DeviceGroup {
		return state{}, fmt.Errorf("it is of device_group %.80q, the config in it of %q", header.DeviceGroup, config.DeviceGroup)
	}
	return state{group: header.DeviceGroup, payload: payload, config: config}, nil
}

// loadState reads the state file. There is none before the first config: the state is zero then.
func loadState(dir string) (state, error) {
	path := filepath.Join(dir, configFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read the state file: %w", err)
	}
	s, err := parseState(data)
	if err != nil {
		return state{}, fmt.Errorf("state file %s %w: %w; no container was touched; move the file away and start again: "+
			"the worker then fetches the config anew and keeps the containers that match it", path, ErrCorrupt, err)
	}
	return s, nil
}

// save makes s what the next start of the worker loads.
func (s state) save(dir string) error {
	return durable.WriteFile(filepath.Join(dir, configFile), encodeState(s.group, s.payload))
}
