package store

import (
	"context"
	"encoding/json"
)

// A Report is what a device said about itself.
type Report struct {
	// ID is a MongoDB ObjectID in 24 hexadecimal digits, lower case.
	ID string
	// Doc is the report as a JSON object, without "_id".
	Doc json.RawMessage
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
	// seconds) compares like that with CreatedAt.
	Compare   string
	CreatedAt int64
}

// Reports keeps what devices reported.
type Reports interface {
	// Add adds reports; one whose ID is there already is left as it is. When it returns nil all of them
	// survive a loss of power. When it fails some of them may have been added.
	Add(ctx context.Context, reports []Report) error
	// Page reads the reports that the query selects, in ascending order of their IDs, at most limit of them.
	Page(ctx context.Context, q ReportQuery, limit int) ([]Report, error)
}
