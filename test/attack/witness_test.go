package attack

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"muster/test/rig"
	"muster/topics"
)

// A witness sees all that anybody may see on this machine.
type witness struct {
	site *site
	mu   sync.Mutex
	seen []string // topic and payload
}

func newWitness(s *site) *witness {
	s.t.Helper()
	v := &witness{site: s}
	w, got := s.connect(overTCP, hello{id: "witness"})
	if got == accepted {
		got = w.subscribe("#")
	}
	if got != accepted {
		s.t.Fatal("the witness sees nothing: ", got)
	}
	_ = w.SetReadDeadline(time.Time{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, err := packets.ReadPacket(w.in)
			if err != nil {
				return
			}
			if m, ok := p.Content.(*packets.Publish); ok {
				v.mu.Lock()
				v.seen = append(v.seen, m.Topic+" "+string(m.Payload))
				v.mu.Unlock()
			}
		}
	}()
	s.t.Cleanup(func() {
		_ = w.Close()
		<-done
	})
	return v
}

// saw gives the messages with that text.
func (v *witness) saw(text string) (messages []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, message := range v.seen {
		if strings.Contains(message, text) {
			messages = append(messages, fmt.Sprintf("%.200s", message))
		}
	}
	return messages
}

// settle returns when the witness has seen all that was published until now.
func (v *witness) settle(t *testing.T) {
	t.Helper()
	name := rig.Name("last")
	w, got := v.site.connect(overTCP, hello{id: name})
	if got == accepted {
		defer w.Close()
		got = w.publish(topics.DefaultRoot.Topic(topics.DeviceProgress, name), name, false)
	}
	if got != accepted {
		t.Fatal("the last message cannot be published: ", got)
	}
	v.site.await("the last message", func() error {
		if len(v.saw(name)) == 0 {
			return fmt.Errorf("not seen")
		}
		return nil
	})
}
