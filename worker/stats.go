package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// statsAtOnce is how many containers the engine measures at the same time.
const statsAtOnce = 8

// Stats reads the engine's stats documents of the device's running containers, those of apps and those of cron_jobs, in
// the order of [Engine.List]. What cannot be read is left out, and the first reason is the error; a container that has gone
// meanwhile is none.
func Stats(ctx context.Context, engine Engine) (apps, cronJobs []json.RawMessage, err error) {
	containers, err := engine.List(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("stats of containers: %w", err)
	}
	documents := make([]json.RawMessage, len(containers))
	errs := make([]error, len(containers))
	free := make(chan struct{}, statsAtOnce)
	var wg sync.WaitGroup
	for i, c := range containers {
		if c.State != "running" {
			continue
		}
		wg.Go(func() {
			free <- struct{}{}
			documents[i], errs[i] = engine.Stats(ctx, c.ID)
			<-free
		})
	}
	wg.Wait()
	for i, c := range containers {
		switch {
		case errs[i] != nil:
			if err == nil && !errors.Is(errs[i], ErrNotExist) {
				err = errs[i]
			}
		case documents[i] == nil:
		case c.CronJob != "":
			cronJobs = append(cronJobs, documents[i])
		default:
			apps = append(apps, documents[i])
		}
	}
	return apps, cronJobs, err
}
