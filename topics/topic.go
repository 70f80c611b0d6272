package topics

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultRoot is the topic prefix of an installation that configures none.
const DefaultRoot Root = "muster/v1"

// ErrTopic is wrapped by every error about a topic that is not one of Muster's.
var ErrTopic = errors.New("not a topic of this installation")

// A Root is the topic prefix of one installation. Several installations share a broker under different
// roots. Use [ParseRoot] to make one from outside input.
type Root string

// ParseRoot checks a topic prefix: one to four levels, each valid for [CheckName].
func ParseRoot(s string) (Root, error) {
	levels := strings.Split(s, "/")
	if len(levels) > 4 {
		return "", fmt.Errorf("topic root %q: has %d levels, at most 4 are allowed", s, len(levels))
	}
	for _, level := range levels {
		if err := CheckName(level); err != nil {
			return "", fmt.Errorf("topic root %q: level %q: %w", s, level, err)
		}
	}
	return Root(s), nil
}

// A Kind says what a topic carries.
type Kind string

// The kinds of topics. The comment gives the topic below the root, and who sends to whom.
const (
	GroupConfig    Kind = "groups/config"    // groups/{g}/config: the retained [Config]; manager to workers
	GroupSummary   Kind = "groups/summary"   // groups/{g}/summary: the retained [Summary] of a group; manager to viewers
	FleetSummary   Kind = "summary"          // summary: the retained [Summary] of the fleet; manager to viewers
	DeviceCheckin  Kind = "devices/checkin"  // devices/{d}/checkin: [CheckinRequest]; worker to manager
	DeviceReply    Kind = "devices/reply"    // devices/{d}/reply: [CheckinReply]; manager to worker
	DeviceStatus   Kind = "devices/status"   // devices/{d}/status: [Status], and the worker's will; worker to manager
	DeviceProgress Kind = "devices/progress" // devices/{d}/progress: [Progress]; worker to viewers
	DeviceReport   Kind = "devices/report"   // devices/{d}/report: [Report]; worker to bridge

	DeviceRenew       Kind = "devices/renew"       // devices/{d}/renew: [CertificateRequest]; worker to manager
	DeviceCertificate Kind = "devices/certificate" // devices/{d}/certificate: [CertificateReply]; manager to worker
	EnrollRequest     Kind = "enroll/request"      // enroll/{d}/request: [CertificateRequest] of a device that has none yet; worker to manager
	EnrollReply       Kind = "enroll/reply"        // enroll/{d}/reply: [CertificateReply]; manager to worker

	ManagerStatus Kind = "managers/status" // managers/{m}/status: [Presence], and the manager's will; manager to viewers
	BridgeStatus  Kind = "bridges/status"  // bridges/{b}/status: [Presence], and the bridge's will; bridge to viewers
)

// kinds lists every kind, with whether the topic names a group, device or manager.
var kinds = map[Kind]bool{
	GroupConfig: true, GroupSummary: true, FleetSummary: false,
	DeviceCheckin: true, DeviceReply: true, DeviceStatus: true, DeviceReport: true, DeviceProgress: true,
	DeviceRenew: true, DeviceCertificate: true, EnrollRequest: true, EnrollReply: true,
	ManagerStatus: true, BridgeStatus: true,
}

// A Topic is a topic name taken apart.
type Topic struct {
	Kind Kind
	// Name is the group, device, manager or bridge that the topic names; empty for [FleetSummary].
	Name string
}

// Topic builds the topic name of a kind for the group, device, manager or bridge called name. Name must be
// valid for [CheckName], and empty for [FleetSummary]; Topic panics otherwise, because a name that was
// not checked where it came in is a bug.
func (r Root) Topic(kind Kind, name string) string {
	named, known := kinds[kind]
	if !known || named != (name != "") || named && CheckName(name) != nil {
		panic(fmt.Sprintf("topics: no topic of kind %q for name %q", kind, name))
	}
	if !named {
		return string(r) + "/" + string(kind)
	}
	collection, leaf, _ := strings.Cut(string(kind), "/")
	return string(r) + "/" + collection + "/" + name + "/" + leaf
}

// Filter builds the topic filter that matches a kind for every name.
func (r Root) Filter(kind Kind) string {
	collection, leaf, named := strings.Cut(string(kind), "/")
	if !named {
		return string(r) + "/" + string(kind)
	}
	return string(r) + "/" + collection + "/+/" + leaf
}

// Parse takes a topic name apart. The error wraps [ErrTopic].
func (r Root) Parse(topic string) (Topic, error) {
	rest, ok := strings.CutPrefix(topic, string(r)+"/")
	if !ok {
		return Topic{}, fmt.Errorf("%w: %.80q is not below %q", ErrTopic, topic, string(r))
	}
	if rest == string(FleetSummary) {
		return Topic{Kind: FleetSummary}, nil
	}
	collection, rest, _ := strings.Cut(rest, "/")
	name, leaf, _ := strings.Cut(rest, "/")
	kind := Kind(collection + "/" + leaf)
	if named, known := kinds[kind]; !known || !named {
		return Topic{}, fmt.Errorf("%w: %.80q has no known form", ErrTopic, topic)
	}
	if err := CheckName(name); err != nil {
		return Topic{}, fmt.Errorf("%w: %.80q: %w", ErrTopic, topic, err)
	}
	return Topic{Kind: kind, Name: name}, nil
}
