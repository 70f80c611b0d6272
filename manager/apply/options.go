package apply

import "muster/topics"

// nothing is what takes an optional field of an app or cron_job away. Others are never left out by a manager.
var nothing = fields{
	"command":            []any{},
	"entrypoint":         []any{},
	"user":               "",
	"memory_limit_mb":    float64(0),
	"cpus":               float64(0),
	"labels":             map[string]any{},
	"log_max_mb":         float64(0),
	"stop_grace_seconds": float64(topics.DefaultStopGrace),
	"read_only":          false,
	"cap_add":            []any{},
	"cap_drop":           []any{},
	"tmpfs":              []any{},
	"extra_hosts":        []any{},
	"restart_policy":     "",
	"healthcheck":        map[string]any{},
	"depends_on":         []any{},
}

// takeAway has after say so where it leaves out an optional field that before has.
func takeAway(before, after fields) {
	for field, value := range nothing {
		_, had := before[field]
		if _, has := after[field]; had && !has {
			after[field] = value
		}
	}
}
