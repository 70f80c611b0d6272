package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

type values struct {
	config, dataDir string
	every           time.Duration
	brokers         []string
	on              bool
}

var aliases = settings.Aliases{"data-dir": {"NEBULA_DIR", "OLD_DIR"}}

func load(t *testing.T, args []string, env map[string]string, file string) (values, error) {
	t.Helper()
	var v values
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.StringVar(&v.config, settings.ConfigFlag, "", "")
	flags.StringVar(&v.dataDir, "data-dir", "default", "")
	flags.DurationVar(&v.every, "every", time.Second, "")
	flags.StringSliceVar(&v.brokers, "kafka-brokers", nil, "")
	flags.BoolVar(&v.on, "on", false, "")
	flags.Bool("version", false, "")
	flags.Bool("help", false, "")
	if file != "" {
		path := filepath.Join(t.TempDir(), "muster.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := settings.Load(flags, aliases, func(name string) (string, bool) { value, ok := env[name]; return value, ok })
	return v, err
}

func TestPrecedence(t *testing.T) {
	const file = "data-dir: file\nevery: 3s\n"
	for _, tc := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		want string
	}{
		{"default", nil, nil, "", "default"},
		{"file", nil, nil, file, "file"},
		{"alias over file", nil, map[string]string{"NEBULA_DIR": "alias"}, file, "alias"},
		{"second alias", nil, map[string]string{"OLD_DIR": "old"}, "", "old"},
		{"own name over alias", nil, map[string]string{"NEBULA_DIR": "alias", "MUSTER_DATA_DIR": "own"}, file, "own"},
		{"empty variable is not set", nil, map[string]string{"MUSTER_DATA_DIR": ""}, file, "file"},
		{"what is no setting is not read", nil, map[string]string{"MUSTER_VERSION": "1.2", "MUSTER_HELP": "no"}, file, "file"},
		{"flag over all", []string{"--data-dir=flag"}, map[string]string{"MUSTER_DATA_DIR": "own"}, file, "flag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := load(t, tc.args, tc.env, tc.file)
			if err != nil || got.dataDir != tc.want {
				t.Errorf("data-dir is %q, %v, want %q", got.dataDir, err, tc.want)
			}
		})
	}
}

func TestFileTypes(t *testing.T) {
	got, err := load(t, nil, nil, "every: 90s\nkafka-brokers: [a:1, b:2]\non: true\n")
	if err != nil || got.every != 90*time.Second || len(got.brokers) != 2 || got.brokers[1] != "b:2" || !got.on {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := load(t, nil, nil, "# nothing but a comment\n"); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		want       []string
	}{
		{"unknown key", "data-dir: x\ndatadir: y\n", nil, []string{"muster.yaml, line 2", `unknown key "datadir"`}},
		{"wrong type in the file", "\nevery: soon\n", nil, []string{"muster.yaml, line 2", "every", `"soon"`}},
		{"nested", "every: {a: b}\n", nil, []string{"line 1", "every", "plain value"}},
		{"not YAML", "every: [\n", nil, []string{"muster.yaml"}},
		{"not a mapping", "- a\n", nil, []string{"key: value"}},
		{"twice", "on: true\non: false\n", nil, []string{`"on" already defined`}},
		{"no value", "on: true\ndata-dir: ~\n", nil, []string{"muster.yaml, line 2", "data-dir", "no value"}},
		{"not a setting", "version: true\n", nil, []string{`unknown key "version"`}},
		{"config in config", "config: other.yaml\n", nil, []string{`unknown key "config"`}},
		{"wrong type in the environment", "", map[string]string{"MUSTER_EVERY": "soon"}, []string{"MUSTER_EVERY", `"soon"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, nil, tc.env, tc.file)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want %q in it", err, want)
				}
			}
		})
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String(settings.ConfigFlag, "/nowhere/muster.yaml", "")
	if err := settings.Load(flags, nil, func(string) (string, bool) { return "", false }); err == nil || !strings.Contains(err.Error(), "/nowhere/muster.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}
