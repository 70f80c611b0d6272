package topics_test

import (
	"errors"
	"strings"
	"testing"

	"muster/topics"
)

func TestTopicRoundTrip(t *testing.T) {
	for _, tc := range []struct {
		kind        topics.Kind
		name, topic string
		filter      string
	}{
		{topics.GroupConfig, "shops", "muster/v1/groups/shops/config", "muster/v1/groups/+/config"},
		{topics.GroupSummary, "shops", "muster/v1/groups/shops/summary", "muster/v1/groups/+/summary"},
		{topics.FleetSummary, "", "muster/v1/summary", "muster/v1/summary"},
		{topics.DeviceCheckin, "till-1", "muster/v1/devices/till-1/checkin", "muster/v1/devices/+/checkin"},
		{topics.DeviceReply, "till-1", "muster/v1/devices/till-1/reply", "muster/v1/devices/+/reply"},
		{topics.DeviceStatus, "till-1", "muster/v1/devices/till-1/status", "muster/v1/devices/+/status"},
		{topics.DeviceProgress, "till-1", "muster/v1/devices/till-1/progress", "muster/v1/devices/+/progress"},
		{topics.ManagerStatus, "m_1", "muster/v1/managers/m_1/status", "muster/v1/managers/+/status"},
	} {
		if got := topics.DefaultRoot.Topic(tc.kind, tc.name); got != tc.topic {
			t.Errorf("Topic(%q, %q) = %q, want %q", tc.kind, tc.name, got, tc.topic)
		}
		if got := topics.DefaultRoot.Filter(tc.kind); got != tc.filter {
			t.Errorf("Filter(%q) = %q, want %q", tc.kind, got, tc.filter)
		}
		got, err := topics.DefaultRoot.Parse(tc.topic)
		if err != nil || got != (topics.Topic{Kind: tc.kind, Name: tc.name}) {
			t.Errorf("Parse(%q) = %+v, %v", tc.topic, got, err)
		}
		if !topics.Match(tc.filter, tc.topic) {
			t.Errorf("Match(%q, %q) = false", tc.filter, tc.topic)
		}
	}
}

func TestParseRefusesForeignTopics(t *testing.T) {
	for _, topic := range []string{
		"", "muster", "muster/v1", "muster/v1/", "muster/v2/summary", "Muster/v1/summary",
		"muster/v1/summary/x", "muster/v1/groups", "muster/v1/groups/g", "muster/v1/groups//config",
		"muster/v1/groups/g/config/x", "muster/v1/groups/a.b/config", "muster/v1/groups/a b/config",
		"muster/v1/groups/+/config", "muster/v1/groups/#", "muster/v1/devices/d/config",
		"muster/v1/groups/" + strings.Repeat("g", 65) + "/config", "$SYS/muster/v1/summary",
		"muster/v1/summary/", "muster/v1//summary",
	} {
		if got, err := topics.DefaultRoot.Parse(topic); !errors.Is(err, topics.ErrTopic) {
			t.Errorf("Parse(%q) = %+v, %v, want ErrTopic", topic, got, err)
		}
	}
}

func TestTopicPanicsOnUncheckedName(t *testing.T) {
	for _, tc := range []topics.Topic{
		{Kind: topics.GroupConfig, Name: ""},
		{Kind: topics.GroupConfig, Name: "a/b"},
		{Kind: topics.GroupConfig, Name: "+"},
		{Kind: topics.FleetSummary, Name: "x"},
		{Kind: "nothing", Name: "x"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Topic(%q, %q) did not panic", tc.Kind, tc.Name)
				}
			}()
			topics.DefaultRoot.Topic(tc.Kind, tc.Name)
		}()
	}
}

func TestParseRoot(t *testing.T) {
	for _, ok := range []string{"muster/v1", "m", "a/b/c/d", "Fleet_1/v-2"} {
		if root, err := topics.ParseRoot(ok); err != nil || string(root) != ok {
			t.Errorf("ParseRoot(%q) = %q, %v", ok, root, err)
		}
	}
	for _, bad := range []string{"", "/", "a/", "/a", "a//b", "a/+", "#", "$SYS", "a/b/c/d/e", "a b"} {
		if _, err := topics.ParseRoot(bad); err == nil {
			t.Errorf("ParseRoot(%q) accepted it", bad)
		}
	}
}

func TestLongestTopicsStayInsideTheLimits(t *testing.T) {
	root, err := topics.ParseRoot(strings.Repeat("r", 40) + "/a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	topic := root.Topic(topics.DeviceProgress, strings.Repeat("d", topics.MaxName))
	if err := topics.CheckTopicName(topic); err != nil {
		t.Error(err)
	}
	if got := strings.Count(topic, "/"); got >= topics.MaxLevels {
		t.Errorf("%d slashes, want at most %d", got, topics.MaxLevels-1)
	}
}

func FuzzParseTopic(f *testing.F) {
	f.Add("muster/v1/groups/shops/config")
	f.Add("muster/v1/summary")
	f.Add("muster/v1/devices//status")
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := topics.DefaultRoot.Parse(s)
		if err != nil {
			return
		}
		if got := topics.DefaultRoot.Topic(topic.Kind, topic.Name); got != s {
			t.Errorf("Parse(%q) = %+v, which builds %q", s, topic, got)
		}
	})
}
