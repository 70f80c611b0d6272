package apply

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readText reads one file with that content.
func readText(content string) (Fleet, error) {
	return Read([]string{Stdin}, strings.NewReader(content))
}

// flat is what a fleet says, as JSON by "kind name".
func flat(f Fleet) map[string]string {
	all := map[string]string{}
	for kind, objects := range f.sections {
		all[kind] = "" // the section is there
		for name, o := range objects {
			all[kind+" "+name] = string(o.fields)
		}
	}
	return all
}

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		want          map[string]string
	}{
		{"one app", "apps:\n  a: {docker_image: i}", map[string]string{"app": "", "app a": `{"docker_image":"i"}`}},
		{"JSON", `{"apps": {"a": {"docker_image": "i"}}}`, map[string]string{"app": "", "app a": `{"docker_image":"i"}`}},
		{"all kinds, without objects", "apps: {}\ncron_jobs: {}\ndevice_groups: {}\nuser_groups: {}", map[string]string{"app": "", "cron_job": "", "device_group": "", "user_group": ""}},
		{"several documents", "---\napps: {a: {x: 1}}\n---\n# nothing\n---\napps: {b: {x: 2}}\n", map[string]string{"app": "", "app a": `{"x":1}`, "app b": `{"x":2}`}},
		{"ports", "apps: {a: {starting_ports: [80, {8081: 8080}]}}", map[string]string{"app": "", "app a": `{"starting_ports":[80,{"8081":8080}]}`}},
		{"types", "apps: {a: {b: true, f: 1.5, i: 3, s: yes, l: [], d: {}}}", map[string]string{"app": "", "app a": `{"b":true,"d":{},"f":1.5,"i":3,"l":[],"s":"yes"}`}},
		{
			"env_vars are taken as they are written", "apps: {a: {env_vars: {A: 1.10, B: 0123, C: true, D: 'x', E: 2026-01-01, F: ''}}}",
			map[string]string{"app": "", "app a": `{"env_vars":{"A":"1.10","B":"0123","C":"true","D":"x","E":"2026-01-01","F":""}}`},
		},
		{"env_vars that look like YAML", "apps: {a: {env_vars: {A: =, B: 0x1F, C: 1_000, D: !!str 007}}}", map[string]string{"app": "", "app a": `{"env_vars":{"A":"=","B":"0x1F","C":"1_000","D":"007"}}`}},
		{"escapes of JSON", `{"apps": {"a": {"docker_image": "r\/i", "env_vars": {"A": "\ud83d\ude00 \u00e9 \\/ \\ud83d\n"}}}}`, map[string]string{"app": "", "app a": `{"docker_image":"r/i","env_vars":{"A":"😀 é \\/ \\ud83d\n"}}`}},
		{"BOM, Windows line ends and tabs in JSON", "\ufeff{\r\n\t\"apps\": {\r\n\t\t\"a\": {\"i\": \"\\/\"}}}\r\n", map[string]string{"app": "", "app a": `{"i":"/"}`}},
		{"env_vars that are refused later", "apps: {a: {env_vars: {A: [0123, {B: 1.10}]}}}", map[string]string{"app": "", "app a": `{"env_vars":{"A":["0123",{"B":"1.10"}]}}`}},
		{"the first of what is merged counts", "apps: {a: {<<: [{x: 1}, {x: 2, y: 2}]}}", map[string]string{"app": "", "app a": `{"x":1,"y":2}`}},
		{"no env_vars", "apps: {a: {env_vars: []}}", map[string]string{"app": "", "app a": `{"env_vars":[]}`}},
		{
			"anchors and merges", "x-base: &base {docker_image: i, running: false, env_vars: {A: 1}}\napps:\n  a: *base\n  b: {<<: *base, running: true}\n  c: {<<: [{volumes: []}, *base]}",
			map[string]string{
				"app": "", "app a": `{"docker_image":"i","env_vars":{"A":"1"},"running":false}`,
				"app b": `{"docker_image":"i","env_vars":{"A":"1"},"running":true}`,
				"app c": `{"docker_image":"i","env_vars":{"A":"1"},"running":false,"volumes":[]}`,
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fleet, err := readText(tc.content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, flat(fleet)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	deep := "apps: {a: " + strings.Repeat("{a: ", 2*maxDepth) + "1" + strings.Repeat("}", 2*maxDepth) + "}"
	var bomb strings.Builder
	bomb.WriteString("x-0: &x0 [0,0,0,0,0,0,0,0,0,0]\n")
	for i := '1'; i <= '7'; i++ {
		before := string(i - 1)
		bomb.WriteString("x-" + string(i) + ": &x" + string(i) + " [" + strings.Repeat("*x"+before+",", 9) + "*x" + before + "]\n")
	}
	bomb.WriteString("apps: {a: {volumes: *x7}}")
	for _, tc := range []struct{ name, content, want string }{
		{"nothing", "", "-: has none of apps, cron_jobs, device_groups, user_groups"},
		{"comments", "# apps\n", "has none of"},
		{"not YAML", "apps: {", "stdin: yaml: line 1"},
		{"list", "- apps", "stdin:1: must be a dict"},
		{"unknown key", "apps: {}\nusers: {}", `stdin:2: unknown key "users", must be one of apps, cron_jobs`},
		{"key that begins with x", "apps: {}\nxapps: {}", `stdin:2: unknown key "xapps"`},
		{"apps are a list", "apps:\n- a", "stdin:2: must be a dict"},
		{"app is a list", "apps:\n  a: [1]", `stdin:2: "a" must be a dict of fields`},
		{"app without fields", "apps:\n  a:", `stdin:2: "a" must be a dict of fields`},
		{"key twice", "apps:\n  a: {x: 1}\n  a: {x: 2}", `stdin:3: has the key "a" twice`},
		{"section twice", "apps: {}\napps: {}", `stdin:2: has the key "apps" twice`},
		{"field twice", "apps: {a: {x: 1,\n x: 2}}", `stdin:2: has the key "x" twice`},
		{"variable twice", "apps: {a: {env_vars: {A: 1, A: 2}}}", `has the key "A" twice`},
		{"object in two documents", "apps: {a: {x: 1}}\n---\napps: {a: {x: 1}}", `stdin:3: app "a" is in stdin:1 already`},
		{"value is missing", "apps: {a: {docker_image: }}", "stdin:1: has no value"},
		{"variable without a value", "apps: {a: {env_vars: {A: }}}", "stdin:1: has no value"},
		{"section without a value", "apps:\n", "stdin:1: has no value: write {} where there are none"},
		{"secret with !", "apps: {a: {env_vars: {A: !s3cret }}}", `stdin:1: has a tag that means nothing here: quote text that begins with "!"`},
		{"secret with !!", "apps: {a: {env_vars: {A: !!s3cret x}}}", "stdin:1: has a tag"},
		{"binary", "apps: {a: {env_vars: {A: !!binary aGk=}}}", "stdin:1: has a tag"},
		{"dict with a tag", "apps: {a: !include {x: 1}}", "stdin:1: has a tag"},
		{"secret with *", "apps: {a: {env_vars: {A: *s3cret}}}", `stdin: yaml: an alias has no anchor: quote text that begins with "*"`},
		{"octal", "apps: {a: {starting_ports: [0100]}}", "stdin:1: must be a plain decimal number, is 0100"},
		{"zeros in front", "apps: {a: {starting_ports: [0080]}}", "must be a plain decimal number, is 0080"},
		{"hexadecimal", "apps: {a: {starting_ports: [{80: 0x50}]}}", "must be a plain decimal number, is 0x50"},
		{"underscore", "apps: {a: {starting_ports: [8_080]}}", "must be a plain decimal number, is 8_080"},
		{"key that is a list", "apps: {a: {[x]: 1}}", "a key must be a plain word"},
		{"zeros behind a sign", "apps: {a: {containers_per: {cpu: -010}}}", "must be a plain decimal number, is -010"},
		{"plus", "apps: {a: {starting_ports: [+80]}}", "must be a plain decimal number, is +80"},
		{"key that is null", "apps: {a: {~: 1}}", "a key must be a plain word"},
		{"endless number", "apps: {a: {containers_per: {cpu: .inf}}}", "must be a number, is .inf"},
		{"not a number", "apps: {a: {containers_per: {cpu: .nan}}}", "must be a number, is .nan"},
		{"alias of itself", "apps: {a: &a {b: *a}}", "levels deep"},
		{"deep", deep, "levels deep"},
		{"bomb", bomb.String(), "more than 1000000 values"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fleet, err := readText(tc.content)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, %v, want %q", flat(fleet), err, tc.want)
			}
		})
	}
}

func TestReadFolders(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.yaml":           "apps: {a: {docker_image: a}}",
		"sub/b.yml":        "apps: {b: {docker_image: b}}",
		"sub.yaml/c.json":  `{"device_groups": {"g": {}}}`,
		"README.md":        "not: [yaml",
		".hidden.yaml":     "apps: {hidden: {}}",
		".git/config.yaml": "apps: {hidden: {}}",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fleet, err := Read([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"app": "", "app a": `{"docker_image":"a"}`, "app b": `{"docker_image":"b"}`, "device_group": "", "device_group g": "{}"}
	if diff := cmp.Diff(want, flat(fleet)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// A link to a file is the file, one to the folder the folder. One to a folder within it is not passed over: prune
	// would delete what is there.
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(dir, link), os.RemoveAll(filepath.Join(dir, "sub.yaml")), os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, ".sub")), os.Symlink(".sub/b.yml", filepath.Join(dir, "b.yaml")), os.Symlink(".sub", filepath.Join(dir, "..data"))); err != nil {
		t.Fatal(err)
	}
	fleet, err = Read([]string{link}, nil)
	if diff := cmp.Diff(map[string]string{"app": "", "app a": `{"docker_image":"a"}`, "app b": `{"docker_image":"b"}`}, flat(fleet)); diff != "" || err != nil {
		t.Errorf("linked: %v (-want +got):\n%s", err, diff)
	}
	if err := os.Symlink(".sub", filepath.Join(dir, "team")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read([]string{dir}, nil); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "team")+": is a link to a folder") {
		t.Errorf("a link to a folder: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "team")); err != nil {
		t.Fatal(err)
	}

	// The file itself is read whatever it is called, and once more is once too often.
	_, err = Read([]string{dir, filepath.Join(dir, "a.yaml")}, nil)
	if err == nil || !strings.Contains(err.Error(), `app "a" is in `+filepath.Join(dir, "a.yaml")+":1 already") {
		t.Errorf("a file twice: %v", err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "no such file",
		t.TempDir():                     "has no file that ends in .yaml, .yml or .json",
	} {
		if _, err := Read([]string{path}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// A folder that is given itself is read, whatever it is called.
func TestReadHiddenFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".fleet")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("apps: {a: {x: 1}}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{".", dir} {
		fleet, err := Read([]string{path}, nil)
		if diff := cmp.Diff(map[string]string{"app": "", "app a": `{"x":1}`}, flat(fleet)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", path, err, diff)
		}
	}
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestReadEndlessFile(t *testing.T) {
	if _, err := Read([]string{Stdin}, endless{}); err == nil || err.Error() != "stdin: must not be larger than 67108864 bytes" {
		t.Error(err)
	}
}
