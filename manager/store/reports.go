package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// A Report is what a device said about itself.
type Report struct {
	// ID is a MongoDB ObjectID in 24 hexadecimal digits, lower case.
	ID string
	// Doc is the report as a JSON object, without "_id".
	Doc json.RawMessage
}

// Fields reads the fields of Doc, of which none is looked into. It fails when the report cannot be kept: when
// ID is no ObjectID or Doc no JSON object.
func (r Report) Fields() (map[string]json.RawMessage, error) {
	if id, err := hex.DecodeString(r.ID); err != nil || len(id) != 12 || r.ID != strings.ToLower(r.ID) {
		return nil, fmt.Errorf("report %.40q: the id must be 24 hexadecimal digits in lower case", r.ID)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(r.Doc, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("report %s: must be a JSON object", r.ID)
	}
	return fields, nil
}

// Comparisons of a [ReportQuery], by the names that Nebula's clients use.
const (
	Equal          = "eq"
	NotEqual       = "ne"
	Greater        = "gt"
	GreaterOrEqual = "gte"
	Less           = "lt"
	LessOrEqual    = "lte"
)

// A ReportQuery selects reports. Its zero value selects all.
type ReportQuery struct {
	// After selects reports with a greater ID, when it is not empty.
	After string
	// Hostname and DeviceGroup select reports with exactly these, unless empty.
	Hostname, DeviceGroup string
	// Updated selects reports whose field "updated" is that, unless nil.
	Updated *bool
	// Compare is one of the comparisons, or empty. It selects reports whose "report_creation_time" (Unix
	// seconds) compares like that with CreatedAt. One without a number there is selected by NotEqual alone.
	Compare   string
	CreatedAt int64
}

// A RefusedError says which reports a store refuses for what is in them, however often it is tried.
type RefusedError struct {
	// Reports has the reasons, by the reports' IDs.
	Reports map[string]error
}

func (e *RefusedError) Error() string {
	ids := slices.Sorted(maps.Keys(e.Reports))
	return fmt.Sprintf("%d reports are refused, such as %s: %v", len(ids), ids[0], e.Reports[ids[0]])
}

// Reports keeps what devices reported.
type Reports interface {
	// Add adds reports; one whose ID is there already is left as it is. One with an ID that is none, or whose
	// Doc is no JSON object, is refused and with it the call, before anything is added; what is in the object
	// does not matter. When Add returns nil all of them survive a loss of power. A [RefusedError] names those that the store
	// will never take; all others survive a loss of power then. When it fails for another reason some of them may have
	// been added.
	Add(ctx context.Context, reports []Report) error
	// Page reads the reports that the query selects, in ascending order of their IDs, at most limit of them;
	// none when limit is not above 0. It refuses a Compare that is none.
	Page(ctx context.Context, q ReportQuery, limit int) ([]Report, error)
	// Expire removes reports whose IDs are of a second before the one of that time, the oldest first, at most limit of them,
	// and returns how many it has removed.
	Expire(ctx context.Context, before time.Time, limit int) (int, error)
}

// FirstReportID is the lowest ID of the second of t, from 1970 to 2106.
func FirstReportID(t time.Time) string {
	return fmt.Sprintf("%08x%016x", uint32(min(max(t.Unix(), 0), math.MaxUint32)), 0)
}
