package mongo

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"muster/manager/store"
)

// reportFilter selects reports. Those whose _id is no ObjectID are never selected: there is no going on
// after them.
func reportFilter(q store.ReportQuery) (bson.D, error) {
	after := bson.D{{Key: "$gte", Value: bson.ObjectID{}}}
	if q.After != "" {
		id, err := bson.ObjectIDFromHex(q.After)
		if err != nil {
			return nil, fmt.Errorf("%q is no report's id: %w", q.After, err)
		}
		after = bson.D{{Key: "$gt", Value: id}}
	}
	filter := bson.D{{Key: "_id", Value: after}}
	if q.Hostname != "" {
		filter = append(filter, bson.E{Key: "hostname", Value: q.Hostname})
	}
	if q.DeviceGroup != "" {
		filter = append(filter, bson.E{Key: "device_group", Value: q.DeviceGroup})
	}
	if q.Updated != nil {
		filter = append(filter, bson.E{Key: "updated", Value: *q.Updated})
	}
	if q.Compare != "" {
		created, ok := comparisons[q.Compare]
		if !ok {
			return nil, fmt.Errorf("unknown comparison %q", q.Compare)
		}
		filter = append(filter, created(min(max(q.CreatedAt, -farAway), farAway)))
	}
	return filter, nil
}

// farAway is a time, in seconds from 1970, that no report is from, and that a date can hold.
const farAway = 1 << 52

// comparisons are those of a query. MongoDB compares a number only with numbers and a date only with dates,
// and a date is of a second when it is within it.
var comparisons = map[string]func(t int64) bson.E{
	store.Equal: func(t int64) bson.E {
		return bson.E{Key: "$or", Value: bson.A{created("$eq", t), during(t)}}
	},
	store.NotEqual: func(t int64) bson.E {
		return bson.E{Key: "$nor", Value: bson.A{created("$eq", t), during(t)}}
	},
	store.Greater: func(t int64) bson.E {
		return bson.E{Key: "$or", Value: bson.A{created("$gt", t), created("$gte", date(t+1))}}
	},
	store.GreaterOrEqual: func(t int64) bson.E {
		return bson.E{Key: "$or", Value: bson.A{created("$gte", t), created("$gte", date(t))}}
	},
	store.Less: func(t int64) bson.E {
		return bson.E{Key: "$or", Value: bson.A{created("$lt", t), created("$lt", date(t))}}
	},
	store.LessOrEqual: func(t int64) bson.E {
		return bson.E{Key: "$or", Value: bson.A{created("$lte", t), created("$lt", date(t+1))}}
	},
}

func created(operator string, limit any) bson.D {
	return bson.D{{Key: creationTime, Value: bson.D{{Key: operator, Value: limit}}}}
}

func during(t int64) bson.D {
	return bson.D{{Key: creationTime, Value: bson.D{{Key: "$gte", Value: date(t)}, {Key: "$lt", Value: date(t + 1)}}}}
}

func date(t int64) bson.DateTime { return bson.NewDateTimeFromTime(time.Unix(t, 0)) }
