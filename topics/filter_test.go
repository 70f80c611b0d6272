package topics_test

import (
	"strings"
	"testing"

	"muster/topics"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/+", "a/b/c", false},
		{"+/+", "/a", true},
		{"+", "/a", false},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"#", "a/b", true},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/x", true},
		{"a", "A", false},
	} {
		if got := topics.Match(tc.filter, tc.topic); got != tc.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tc.filter, tc.topic, got, tc.want)
		}
	}
}

func TestCheckFilterAndTopicName(t *testing.T) {
	long := strings.Repeat("x", topics.MaxTopic+1)
	for _, tc := range []struct {
		s             string
		filter, topic bool // whether it is valid as such
	}{
		{"a/b", true, true},
		{"/", true, true},
		{"a/+/b", true, false},
		{"#", true, false},
		{"a/#", true, false},
		{"a/#/b", false, false},
		{"a#", false, false},
		{"a/b+", false, false},
		{"", false, false},
		{long, false, false},
		{"a\x00b", false, false},
		{"a\xffb", false, false},
		{"1/2/3/4/5/6/7/8", true, true},
		{"1/2/3/4/5/6/7/8/9", false, false},
		{"$share/x/1/2/3/4/5/6/7/8", true, false},
		{"$share/x/1/2/3/4/5/6/7/8/9", false, false},
		{"$share/x/a", true, true},
		{"$share/x/+", true, false},
		{"$share/x", false, true},
		{"$share//a", false, true},
		{"$share/+/a", false, false},
	} {
		if err := topics.CheckFilter(tc.s); (err == nil) != tc.filter {
			t.Errorf("CheckFilter(%.40q) = %v, want valid %v", tc.s, err, tc.filter)
		}
		if err := topics.CheckTopicName(tc.s); (err == nil) != tc.topic {
			t.Errorf("CheckTopicName(%.40q) = %v, want valid %v", tc.s, err, tc.topic)
		}
	}
}

func TestSplitShared(t *testing.T) {
	share, filter, err := topics.SplitShared("$share/managers/a/+/b")
	if share != "managers" || filter != "a/+/b" || err != nil {
		t.Errorf("SplitShared = %q, %q, %v", share, filter, err)
	}
	share, filter, err = topics.SplitShared("a/b")
	if share != "" || filter != "a/b" || err != nil {
		t.Errorf("SplitShared of a plain filter = %q, %q, %v", share, filter, err)
	}
}

// FuzzMatch compares Match with a matcher that is slow and obviously right.
func FuzzMatch(f *testing.F) {
	f.Add("a/+/#", "a/b/c")
	f.Add("#", "$SYS/a")
	f.Add("+/b", "/b")
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if topics.CheckFilter(filter) != nil || topics.CheckTopicName(topic) != nil || strings.HasPrefix(filter, "$share/") {
			return
		}
		if got, want := topics.Match(filter, topic), matchSlowly(strings.Split(filter, "/"), strings.Split(topic, "/"), true); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", filter, topic, got, want)
		}
	})
}

func matchSlowly(filter, topic []string, first bool) bool {
	if len(filter) == 0 {
		return len(topic) == 0
	}
	wild := filter[0] == "#" || filter[0] == "+"
	if first && wild && strings.HasPrefix(topic[0], "$") {
		return false
	}
	if filter[0] == "#" {
		return true
	}
	if len(topic) == 0 || filter[0] != "+" && filter[0] != topic[0] {
		return false
	}
	return matchSlowly(filter[1:], topic[1:], false)
}
