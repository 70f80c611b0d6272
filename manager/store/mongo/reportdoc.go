package mongo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"muster/manager/store"
)

// textField is the field with a whole report, as JSON text, when it is something that BSON cannot hold or the
// server does not take. Other fields are then only those that reports are selected by.
const textField = "muster_report"

// reportDoc is what a report is kept as. Its first field is the _id.
func reportDoc(report store.Report) (bson.D, error) {
	value, err := readJSON(report.Doc)
	fields, ok := value.(bson.D)
	if err != nil || !ok || deeperThan(maxDepth, value) || slices.ContainsFunc(fields, func(f bson.E) bool { return f.Key == "_id" }) {
		return reportAsText(report)
	}
	doc, err := withID(report, fields)
	if err != nil {
		return nil, err
	}
	if _, err := bson.Marshal(doc); err != nil {
		return reportAsText(report)
	}
	return doc, nil
}

// maxDepth is how deep MongoDB lets documents be. It refuses all of an insert with a deeper one in it, and does not
// say which.
const maxDepth = 100

// deeperThan reports whether a value from [readJSON] has more levels of dicts and lists.
func deeperThan(levels int, value any) bool {
	var within []any
	switch value := value.(type) {
	case bson.A:
		within = value
	case bson.D:
		for _, field := range value {
			within = append(within, field.Value)
		}
	default:
		return false
	}
	return levels == 0 || slices.ContainsFunc(within, func(v any) bool { return deeperThan(levels-1, v) })
}

func reportAsText(report store.Report) (bson.D, error) {
	fields, err := report.Fields()
	if err != nil {
		return nil, err
	}
	doc := bson.D{}
	for _, name := range []string{"hostname", "device_group", creationTime, "updated"} {
		var scalar any
		if json.Unmarshal(fields[name], &scalar) != nil {
			continue
		}
		switch scalar.(type) {
		case string, float64, bool:
			doc = append(doc, bson.E{Key: name, Value: scalar})
		}
	}
	return withID(report, append(doc, bson.E{Key: textField, Value: string(report.Doc)}))
}

func withID(report store.Report, fields bson.D) (bson.D, error) {
	id, err := bson.ObjectIDFromHex(report.ID)
	return slices.Insert(fields, 0, bson.E{Key: "_id", Value: id}), err
}

// readReport makes JSON of a report, its time in Unix seconds.
func readReport(raw bson.Raw) (store.Report, error) {
	report := store.Report{ID: raw.Lookup("_id").ObjectID().Hex()}
	if text, ok := raw.Lookup(textField).StringValueOK(); ok {
		report.Doc = json.RawMessage(text)
		return report, nil
	}
	elements, err := raw.Elements()
	if err != nil {
		return report, err
	}
	var text bytes.Buffer
	separator := byte('{')
	for _, element := range elements {
		key, value := element.Key(), element.Value()
		if key == "_id" {
			continue
		}
		text.WriteByte(separator)
		separator = ','
		if err := writeText(&text, key); err != nil {
			return report, err
		}
		text.WriteByte(':')
		if key == creationTime && value.Type == bson.TypeDateTime {
			fmt.Fprint(&text, value.Time().Unix())
			continue
		}
		if err := writeJSON(&text, value, extended); err != nil {
			return report, fmt.Errorf("report %s: %s: %w", report.ID, key, err)
		}
	}
	if separator == '{' {
		text.WriteByte('{')
	}
	text.WriteByte('}')
	report.Doc = text.Bytes()
	return report, nil
}
