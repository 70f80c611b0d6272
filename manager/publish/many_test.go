package publish

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/rig"
)

// A counting client counts the configs that are published through it.
type counting struct {
	client.Client
	configs atomic.Int64
}

func (c *counting) Publish(ctx context.Context, m client.Message) error {
	if strings.HasSuffix(m.Topic, "/config") {
		c.configs.Add(1)
	}
	return c.Client.Publish(ctx, m)
}

// A manager that starts finds all configs that are on the broker, also where those are more than Mosquitto
// queues for a subscription with QoS 1, and publishes none of them again.
func TestManyGroupsAreFoundOnTheBroker(t *testing.T) {
	const groups = 1500
	url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
	before := networktest.Dial(t, network.Options{URL: url, ClientID: "before"})
	up := make(chan struct{}, 10)
	before.OnUp(func() { up <- struct{}{} })
	<-up
	source := newShelf(epoch2)
	for i := range groups {
		group := fmt.Sprintf("g%d", i)
		source.set(group, 1)
		if err := before.Publish(t.Context(), message(ours(group, 1))); err != nil {
			t.Fatal(err)
		}
	}

	c := &counting{Client: networktest.Dial(t, network.Options{URL: url, ClientID: "m1"})}
	// Settling takes as long as the test may: this is about what comes, and not about when.
	p, err := New(c, source, past{source}, Options{Manager: "m1", Epoch: epoch2, Settle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	found := 0
	for deadline := time.Now().Add(30 * time.Second); found < groups && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		found = 0
		for group, topic := range p.topics {
			if topic.held == config && topic.now == p.wants[group].latest {
				found++
			}
		}
		p.mu.Unlock()
	}
	cancel()
	running.Wait()
	if found != groups {
		t.Errorf("%d of %d configs were found", found, groups)
	}
	if n := c.configs.Load(); n != 0 {
		t.Errorf("%d configs were published again", n)
	}
}
