package request_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/broker/client/request"
	"muster/test/rig"
)

func TestOverARealBroker(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})

	// The answering side hands over, because a handler must not publish.
	server := networktest.Dial(t, network.Options{URL: b.URL(), ClientID: "server"})
	requests := make(chan client.Message, 100)
	err := server.Subscribe(client.Subscription{Filter: "requests", QoS: 1, Handler: func(m client.Message) { requests <- m }})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	server.OnUp(func() { close(ready) })
	<-ready
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(requests)
	wg.Go(func() {
		for m := range requests {
			answer := client.Message{Topic: "replies", Payload: []byte(string(m.Payload) + "pong")}
			if err := server.Publish(t.Context(), answer); err != nil {
				t.Error(err)
			}
		}
	})

	r := request.New(id, request.Timeout)
	c := networktest.Dial(t, network.Options{URL: b.URL(), ClientID: "client"})
	if err := c.Subscribe(client.Subscription{Filter: "replies", Handler: r.Handle}); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	c.OnUp(func() { close(up) })
	<-up
	var asking sync.WaitGroup
	for i := range 50 {
		asking.Go(func() {
			question := fmt.Sprint(i, ":")
			got, err := r.Do(t.Context(), fmt.Sprint(i), func(ctx context.Context) error {
				return c.Publish(ctx, client.Message{Topic: "requests", Payload: []byte(question), QoS: 1})
			})
			wantReply(t, got, err, question+"pong")
		})
	}
	asking.Wait()
}
