package mongo

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"muster/manager/store"
	"muster/topics"
)

// A deviceDoc is a device in the database. Labels are a list, because not every server takes every name for a field; the
// report is as it was published.
type deviceDoc struct {
	Device      string       `bson:"_id"`
	Revision    int64        `bson:"revision"`
	DeviceGroup string       `bson:"device_group"`
	Epoch       string       `bson:"epoch"`
	ConfigID    int64        `bson:"config_id"`
	Phase       string       `bson:"phase"`
	Failing     []failureDoc `bson:"failing"`
	Labels      []labelDoc   `bson:"labels"`
	Reported    *time.Time   `bson:"reported"`
	Changed     time.Time    `bson:"changed"`
	Note        string       `bson:"note"`
	Boot        string       `bson:"boot"`
	Seq         int64        `bson:"seq"`
	ReportKey   string       `bson:"report_key"`
	Events      []eventDoc   `bson:"events"`
	Report      []byte       `bson:"report"`
}

type failureDoc struct {
	App     string        `bson:"app,omitempty"`
	CronJob string        `bson:"cron_job,omitempty"`
	Code    topics.Reason `bson:"code,omitempty"`
	Reason  string        `bson:"reason,omitempty"`
}

type labelDoc struct {
	Key   string `bson:"key"`
	Value string `bson:"value"`
}

type eventDoc struct {
	At      time.Time `bson:"at"`
	Kind    string    `bson:"kind"`
	App     string    `bson:"app,omitempty"`
	CronJob string    `bson:"cron_job,omitempty"`
	Text    string    `bson:"text"`
}

func newDeviceDoc(row store.DeviceRow) deviceDoc {
	doc := deviceDoc{
		Device: row.Device.Device, Revision: row.Revision, DeviceGroup: row.DeviceGroup, Epoch: row.Epoch, ConfigID: row.ConfigID,
		Phase: row.Phase, Changed: row.Changed, Note: row.Note, Boot: row.Boot, Seq: row.Seq, ReportKey: row.ReportKey, Report: row.Report,
	}
	if !row.Reported.IsZero() {
		doc.Reported = &row.Reported
	}
	for _, f := range row.Failing {
		doc.Failing = append(doc.Failing, failureDoc(f))
	}
	for _, key := range slices.Sorted(maps.Keys(row.Labels)) {
		doc.Labels = append(doc.Labels, labelDoc{key, row.Labels[key]})
	}
	for _, e := range row.Events {
		doc.Events = append(doc.Events, eventDoc(e))
	}
	return doc
}

// readDevice reads what there is of a device.
func readDevice(raw bson.Raw) (store.DeviceRow, error) {
	var doc deviceDoc
	if err := bson.Unmarshal(raw, &doc); err != nil {
		return store.DeviceRow{}, fmt.Errorf("device %v: %w", raw.Lookup("_id"), err)
	}
	row := store.DeviceRow{Revision: doc.Revision, Device: store.Device{
		DeviceHead: store.DeviceHead{
			Device: doc.Device, DeviceGroup: doc.DeviceGroup, Version: topics.Version{Epoch: doc.Epoch, ConfigID: doc.ConfigID},
			Phase: doc.Phase, Labels: map[string]string{}, Changed: doc.Changed.UTC(),
		},
		Note: doc.Note, Boot: doc.Boot, Seq: doc.Seq, ReportKey: doc.ReportKey, Report: doc.Report,
	}}
	if doc.Reported != nil {
		row.Reported = doc.Reported.UTC()
	}
	for _, f := range doc.Failing {
		row.Failing = append(row.Failing, topics.Failure(f))
	}
	for _, l := range doc.Labels {
		row.Labels[l.Key] = l.Value
	}
	for _, e := range doc.Events {
		e.At = e.At.UTC()
		row.Events = append(row.Events, store.Event(e))
	}
	return row, nil
}
