package worker

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/topics"
)

// aState is one with an app.
func aState(t testing.TB) state {
	t.Helper()
	version := topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 7}
	payload, err := topics.EncodeConfig(version, noon, topics.Content{DeviceGroup: "g", DeviceGroupID: 1, Apps: []topics.App{web()}})
	if err != nil {
		t.Fatal(err)
	}
	config, err := topics.ParseConfig(payload)
	if err != nil {
		t.Fatal(err)
	}
	return state{group: "g", payload: payload, config: config}
}

func TestStateComesBackAsItWas(t *testing.T) {
	dir, s := t.TempDir(), aState(t)
	if none, err := loadState(dir); err != nil || none.group != "" {
		t.Errorf("without a file the state is %+v, %v, want none", none, err)
	}
	if err := s.save(dir); err != nil {
		t.Fatalf("save: %v", err)
	}
	got, err := loadState(dir)
	if err != nil {
		t.Fatalf("loadState: %v", err)
	}
	if got.group != "g" || got.config.Version != s.config.Version || !bytes.Equal(got.payload, s.payload) {
		t.Errorf("loaded %+v, want %+v", got, s)
	}
}

// TestStateCutOrGarbledAnywhere is what a disk may do to the file: it is refused, whatever the place.
func TestStateCutOrGarbledAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, configFile)
	whole := encodeState("g", aState(t).payload)
	refused := func(data []byte, what string, at int) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadState(dir)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("state file %s at byte %d: %v, want one line that names the file", what, at, err)
		}
	}
	for at := range whole {
		refused(whole[:at], "cut", at)
		for _, flip := range []byte{0x01, 0x20, 0x80, 0xff} {
			garbled := bytes.Clone(whole)
			garbled[at] ^= flip
			refused(garbled, "garbled", at)
		}
		zeroed := bytes.Clone(whole)
		clear(zeroed[at:])
		refused(zeroed, "zeroed", at)
	}
	refused(append(bytes.Clone(whole), ' '), "longer", len(whole))
}

func TestStateErrorsSayWhatIsWrong(t *testing.T) {
	payload := aState(t).payload
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":             {nil, "is empty"},
		"no line":           {[]byte("{}"), "first line"},
		"cut":               {encodeState("g", payload)[:300], "bytes of config where"},
		"newer format":      {bytes.Replace(encodeState("g", payload), []byte(`"format":1`), []byte(`"format":2`), 1), "format 2"},
		"another group":     {encodeState("h", payload), `of device_group "h", the config in it of "g"`},
		"no config":         {encodeState("g", []byte("{}")), "epoch: must be"},
		"garbled":           {bytes.Replace(encodeState("g", payload), []byte("nginx"), []byte("mginx"), 1), "checksum"},
		"header with space": {bytes.Replace(encodeState("g", payload), []byte(`{"format"`), []byte(`{ "format"`), 1), "checksum"},
	} {
		if _, err := parseState(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestStateThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, configFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := loadState(dir); err == nil || errors.Is(err, ErrCorrupt) {
		t.Errorf("loadState: %v, want an error of reading", err)
	}
}

func FuzzParseState(f *testing.F) {
	payload := aState(f).payload
	f.Add(encodeState("g", payload))
	f.Add(encodeState("h", payload))
	f.Add(encodeState("g", nil))
	f.Add([]byte("{}\n{}"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data)
		if err != nil {
			if err.Error() == "" || len(err.Error()) > 2000 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
			return
		}
		if !bytes.Equal(encodeState(s.group, s.payload), data) {
			t.Error("what was accepted is not what is written for it")
		}
		if s.config.Check() != nil || s.config.DeviceGroup != s.group {
			t.Errorf("accepted the config %v of %q for %q", s.config.Version, s.config.DeviceGroup, s.group)
		}
	})
}
