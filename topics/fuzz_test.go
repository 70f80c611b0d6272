package topics_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"muster/topics"
)

func FuzzParseConfig(f *testing.F) {
	payload, err := topics.EncodeConfig(topics.Version{Epoch: epoch1, ConfigID: 7}, at, content())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		config, err := topics.ParseConfig(payload)
		if err != nil {
			return
		}
		if _, err := topics.EncodeConfig(config.Version, config.IssuedAt, config.Content); err != nil && len(payload) <= topics.MaxConfig/2 {
			t.Errorf("parsed, but does not encode: %v", err)
		}
	})
}

func FuzzParseApp(f *testing.F) {
	f.Add([]byte(`{"app_id":1,"app_name":"a","docker_image":"b","starting_ports":[80,{"81":"8080"}],"containers_per":{"cpu":0.5},"env_vars":{"A":1}}`))
	f.Add([]byte(`{"app_id":1,"app_name":"a","docker_image":"b","containers_per":{"cpu":0.5},` + everyContainerOption + `,` + everyAppOption + `}`))
	f.Add([]byte(`{"env_vars":[],"starting_ports":[{"1":2}],"containers_per":{"mem":1e300}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var app topics.App
		if json.Unmarshal(doc, &app) != nil || app.Check() != nil {
			return
		}
		first, err := json.Marshal(app)
		if err != nil {
			t.Fatalf("parsed, but does not encode: %v", err)
		}
		var again topics.App
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s does not parse again: %v", first, err)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s becomes %s, %v", first, second, err)
		}
		if n := app.ContainersPer.Containers(64, 1<<20); n < 0 {
			t.Errorf("%d containers", n)
		}
	})
}

func FuzzParseCheckinRequest(f *testing.F) {
	f.Add([]byte(`{"request_id":"1","device_group":"shops","have":{"epoch":"01JD0000000000000000000000","config_id":3},"boot":"b","seq":4}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if r, err := topics.ParseCheckinRequest(payload); err == nil {
			roundTrip(t, r.Encode, topics.ParseCheckinRequest)
		}
	})
}

func FuzzParseCheckinReply(f *testing.F) {
	f.Add([]byte(`{"request_id":"1","epoch":"01JD0000000000000000000000","config_id":3,"unchanged":true,"next_in":30}`))
	f.Add([]byte(`{"request_id":"1","epoch":"01JD0000000000000000000000","config_id":3,"config":{}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := topics.ParseCheckinReply(payload)
		if err != nil || len(payload) > topics.MaxPayload/2 {
			return
		}
		encoded, err := r.Encode()
		if err != nil {
			t.Fatalf("parsed, but does not encode: %v", err)
		}
		again, err := topics.ParseCheckinReply(encoded)
		if err != nil || again.RequestID != r.RequestID || again.Version != r.Version || !bytes.Equal(again.Config, r.Config) {
			t.Errorf("%s becomes %s, %v", payload, encoded, err)
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(`{"state":"online","session":1,"device_group":"g","failing":[{"app":"a","reason":"b"}],"at":"2026-03-01T11:00:00Z"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, err := topics.ParseStatus(payload)
		if err != nil {
			return
		}
		if _, err := s.Encode(); err != nil && s.At.Year() < 10000 && s.At.Year() > 0 {
			t.Errorf("parsed, but does not encode: %v", err)
		}
	})
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"device":"d","device_group":"g","boot":"b","seq":1,"phase":"settled","epoch":"01JD0000000000000000000000","config_id":3,` +
		`"apps":[{"app":"web","app_id":2,"running_id":1,"code":"exited","containers":[{"name":"web-1","state":"running"}]}],` +
		`"failing":[{"cron_job":"night","reason":"x"}],"cron_jobs":[{"cron_job":"night","last":{"exit_code":1,"output":"\n"}}],` +
		`"memory_usage":{"total":1},"temperatures":{"cpu":40.5},"at":"2026-03-01T11:00:00Z"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := topics.ParseReport(payload)
		if err != nil || r.At.Year() < 1 || r.At.Year() > 9998 {
			return
		}
		encoded, err := r.Encode()
		if err != nil {
			return // a time in it that is none, for example
		}
		if again, err := topics.ParseReport(encoded); err != nil || again.Device != r.Device || again.Seq != r.Seq {
			t.Errorf("%s becomes %s, %v", payload, encoded, err)
		}
	})
}

func FuzzParseProgress(f *testing.F) {
	f.Add([]byte(`{"app":"web","phase":"pull","done":1,"total":2,"at":"2026-03-01T11:00:00Z"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if p, err := topics.ParseProgress(payload); err == nil && p.At.Year() > 0 && p.At.Year() < 9999 {
			roundTrip(t, p.Encode, topics.ParseProgress)
		}
	})
}

func FuzzParsePresence(f *testing.F) {
	f.Add([]byte(`{"state":"offline","agent":"muster/0.1.0","at":"2026-03-01T11:00:00Z"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if p, err := topics.ParsePresence(payload); err == nil && p.At.Year() > 0 && p.At.Year() < 9999 {
			roundTrip(t, p.Encode, topics.ParsePresence)
		}
	})
}

func FuzzParseSummary(f *testing.F) {
	f.Add([]byte(`{"device_group":"g","wanted":{"epoch":"01JD0000000000000000000000","config_id":3},"online":1,"config_ids":{"3":1}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if s, err := topics.ParseSummary(payload); err == nil && s.At.Year() > 0 && s.At.Year() < 9999 {
			roundTrip(t, s.Encode, topics.ParseSummary)
		}
	})
}

func FuzzCheckFilter(f *testing.F) {
	f.Add("$share/a/b/+/#")
	f.Add("a//b")
	f.Fuzz(func(t *testing.T, s string) {
		if topics.CheckFilter(s) == nil {
			if _, filter, err := topics.SplitShared(s); err != nil || filter == "" {
				t.Errorf("SplitShared(%q) = %q, %v", s, filter, err)
			}
		}
		if topics.CheckTopicName(s) == nil && !topics.Match(s, s) {
			t.Errorf("the topic %q does not match itself", s)
		}
	})
}

// roundTrip checks that what was parsed encodes to something that parses again.
func roundTrip[T any](t *testing.T, encode func() ([]byte, error), parse func([]byte) (T, error)) {
	t.Helper()
	first, err := encode()
	if err != nil {
		t.Fatalf("parsed, but does not encode: %v", err)
	}
	if _, err := parse(first); err != nil {
		t.Errorf("%s does not parse again: %v", first, err)
	}
}
