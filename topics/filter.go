package topics

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckTopicName reports why s is no topic name to publish to (MQTT 5.0 §4.7.3, and our [MaxTopic] and
// [MaxLevels]), nil when it is one.
func CheckTopicName(s string) error {
	if err := checkLength(s); err != nil {
		return err
	}
	if strings.ContainsAny(s, "+#") {
		return fmt.Errorf("topic name %.80q: must not contain wildcards", s)
	}
	return checkLevels(s, strings.Split(s, "/"))
}

// CheckFilter reports why s is no topic filter to subscribe to (MQTT 5.0 §4.7.1 and §4.8.2), nil when
// it is one. Shared subscriptions ("$share/name/filter") are filters too.
func CheckFilter(s string) error {
	if err := checkLength(s); err != nil {
		return err
	}
	_, filter, err := SplitShared(s)
	if err != nil {
		return err
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i != len(levels)-1:
			return fmt.Errorf("topic filter %.80q: '#' must be the last level", s)
		case level != "#" && level != "+" && strings.ContainsAny(level, "+#"):
			return fmt.Errorf("topic filter %.80q: a wildcard must be a whole level", s)
		}
	}
	return checkLevels(s, levels)
}

func checkLevels(s string, levels []string) error {
	if len(levels) > MaxLevels {
		return fmt.Errorf("topic %.80q: has %d levels, at most %d are allowed", s, len(levels), MaxLevels)
	}
	return nil
}

func checkLength(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("topic: must not be empty")
	case len(s) > MaxTopic:
		return fmt.Errorf("topic %.80q…: is %d bytes, at most %d are allowed", s, len(s), MaxTopic)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return fmt.Errorf("topic %.80q: must be UTF-8 without NUL", s)
	}
	return nil
}

// SplitShared takes the share name off a shared subscription's filter (MQTT 5.0 §4.8.2). A filter that
// is not shared comes back as it is, with an empty share name.
func SplitShared(s string) (share, filter string, err error) {
	rest, shared := strings.CutPrefix(s, "$share/")
	if !shared {
		return "", s, nil
	}
	share, filter, ok := strings.Cut(rest, "/")
	if !ok || share == "" || filter == "" || strings.ContainsAny(share, "+#") {
		return "", "", fmt.Errorf("topic filter %.80q: a shared subscription is $share/{name}/{filter}", s)
	}
	return share, filter, nil
}

// Match reports whether the topic name matches the filter (MQTT 5.0 §4.7). Both must be valid; the
// filter must not be a shared one. Wildcards at the start do not match topics that start with '$'.
func Match(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		want, filterRest, moreFilter := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		have, topicRest, moreTopic := strings.Cut(topic, "/")
		if want != "+" && want != have {
			return false
		}
		if !moreTopic {
			// "a/#" also matches "a" (§4.7.1.2).
			return !moreFilter || filterRest == "#"
		}
		if !moreFilter {
			return false
		}
		filter, topic = filterRest, topicRest
	}
}
