package kafka_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/topics"
)

func headers(m *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range m.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

func TestAReportIsWrittenAsItIs(t *testing.T) {
	c := brokers(t)
	// Spaces, an unknown field and a clock of 1970: none of that is the bridge's business.
	payload := []byte(" {\"device\": \"d1\",\"device_group\":\"tills\", \"report_id\":\"b-7\",\"boot\":\"b\",\"seq\":7,\"at\":\"1970-01-01T00:00:00Z\",\"x\":[1,  2]}\n")
	r := bridge.Read("muster/v1/devices/d1/report", "d1", payload, noon)
	r.Offset = 1
	bare := bridge.Read("muster/v1/devices/d2/report", "d2", []byte(`{}`), noon)
	bare.Offset = 2
	write(t, newSink(t, c), []bridge.Record{r, bare})

	got := map[string]*kgo.Record{}
	for _, m := range consume(t, c, reports) {
		got[string(m.Key)] = m
	}
	if len(got) != 2 {
		t.Fatalf("%d messages, want 2", len(got))
	}
	m := got["d1"]
	if !bytes.Equal(m.Value, payload) || !m.Timestamp.Equal(noon) {
		t.Errorf("the value is %s, of %v; want the payload, of %v", m.Value, m.Timestamp, noon)
	}
	if diff := cmp.Diff(map[string]string{"topic": "muster/v1/devices/d1/report", "device": "d1", "device_group": "tills", "report_id": "b-7", "boot": "b", "seq": "7"}, headers(m)); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"topic": "muster/v1/devices/d2/report", "device": "d2"}, headers(got["d2"])); diff != "" {
		t.Errorf("headers of a report that says nothing (-want +got):\n%s", diff)
	}
}

// A device's reports go where the clients of Kafka itself would put them: murmur2 of the key, as in Kafka's own tests.
func TestPartitionIsThatOfKafkasOwnClients(t *testing.T) {
	const partitions = 97
	c := brokers(t, kfake.SeedTopics(partitions, reports))
	hashes := map[string]int32{"foobar": -790332482, "a-little-bit-long-string": -985981536, "21": -973932308}
	var batch []bridge.Record
	for device := range hashes {
		batch = append(batch, record(uint64(len(batch)+1), device, 1))
	}
	write(t, newSink(t, c), batch)
	for _, m := range consume(t, c, reports) {
		if want := hashes[string(m.Key)] & 0x7fffffff % partitions; m.Partition != want {
			t.Errorf("%s is in partition %d, want %d", m.Key, m.Partition, want)
		}
	}
}

func TestWhatIsNoReportIsADeadLetter(t *testing.T) {
	c := brokers(t)
	s := newSink(t, c)
	flawed := bridge.Read("muster/v1/devices/d1/report", "d1", []byte("hello"), noon)
	flawed.Offset = 2
	write(t, s, []bridge.Record{record(1, "d1", 1), flawed, record(3, "d1", 2)})

	delivered(t, consume(t, c, reports), 0, 0)
	if n := len(consume(t, c, reports)); n != 2 {
		t.Errorf("%d reports, want 2", n)
	}
	letters := consume(t, c, dead)
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	want := map[string]string{"topic": "muster/v1/devices/d1/report", "device": "d1", "reason": "the payload must be a JSON object"}
	if diff := cmp.Diff(want, headers(letters[0])); diff != "" || string(letters[0].Value) != "hello" {
		t.Errorf("dead letter %q, headers (-want +got):\n%s", letters[0].Value, diff)
	}
	if diff := cmp.Diff(leftOut(1, 0), s.LeftOut()); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

// large is a report that does not get smaller when it is compressed.
func large(offset uint64, device string, seq int64, bytes int) bridge.Record {
	r := record(offset, device, seq)
	noise := make([]byte, bytes)
	for i := range noise {
		noise[i] = byte('!' + rand.IntN(90))
	}
	r.Payload = fmt.Appendf(nil, `%s,"x":%q}`, strings.TrimSuffix(string(r.Payload), "}"), noise)
	return r
}

// The brokers refuse a batch as a whole, too large as it is, or because of one message in it.
func TestWhatKafkaRefusesDoesNotHoldUpTheRest(t *testing.T) {
	c := brokers(t)
	if err := c.DeleteTopic(reports); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic(reports, 2, map[string]string{"max.message.bytes": "60000"}); err != nil {
		t.Fatal(err)
	}
	s := newSink(t, c)
	const n, last = 5, 20
	batch := fleet(n, 1, last)
	for i, r := range batch { // what is for a partition is too large, also for what the library calls a batch by default, and no report is
		batch[i] = large(r.Offset, r.Device, r.Seq, 30_000)
	}
	poison := large(7, "d0", 1000, topics.MaxPayload)
	poison.Boot = "poison"
	batch = append(batch[:37:37], append([]bridge.Record{poison}, batch[37:]...)...)
	write(t, s, batch)

	if repeated := delivered(t, consume(t, c, reports), n, last); repeated != 0 {
		t.Errorf("%d reports were written twice", repeated)
	}
	letters := consume(t, c, dead)
	if len(letters) != 1 || !bytes.Equal(letters[0].Value, poison.Payload) || !strings.Contains(header(letters[0], "reason"), "MESSAGE_TOO_LARGE") {
		t.Errorf("%d dead letters, want the one that is too large with the reason", len(letters))
	}
	if diff := cmp.Diff(leftOut(1, 0), s.LeftOut()); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

// leftOut is what a sink tells of what Kafka's topic of reports did not get.
func leftOut(letters, discarded int64) map[string]int64 {
	return map[string]int64{"dead_letter": letters, "discarded": discarded}
}

func TestWhatNobodyTakesIsLoggedAndCounted(t *testing.T) {
	huge := large(2, "d0", 99, 2_000_000)
	flawed := bridge.Read("muster/v1/devices/d0/report", "d0", []byte("hello"), noon)
	flawed.Offset = 3
	for _, tc := range []struct {
		name    string
		options func(*kafka.SinkOptions)
		topics  []string // that are there besides that of reports
		// letters and discarded are how many become what.
		letters, discarded int64
	}{
		{"too large for either", func(*kafka.SinkOptions) {}, []string{dead}, 1, 1},
		{"no topic for dead letters", func(*kafka.SinkOptions) {}, nil, 0, 2},
		{"none wanted", func(o *kafka.SinkOptions) { o.DeadLetterTopic = "" }, []string{dead}, 0, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, append(tc.topics, reports)...))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			log, noted := noted()
			s := newSink(t, c, tc.options, func(o *kafka.SinkOptions) { o.Log = log })
			write(t, s, []bridge.Record{record(1, "d0", 1), huge, flawed, record(4, "d0", 2)})
			delivered(t, consume(t, c, reports), 1, 2)
			if diff := cmp.Diff(leftOut(tc.letters, tc.discarded), s.LeftOut()); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			if n := strings.Count(noted.String(), "does not get to Kafka"); n != int(tc.discarded) {
				t.Errorf("%d lines of %d discarded:\n%s", n, tc.discarded, noted)
			}
		})
	}
}

func TestTopicsAreMadeWhenThatIsWanted(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(3))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = newSink(t, c).Write(t.Context(), fleet(1, 1, 1))
	if err == nil || !strings.Contains(err.Error(), `no topic "nebula-reports"`) {
		t.Errorf("without being wanted: %v", err)
	}
	write(t, newSink(t, c, func(o *kafka.SinkOptions) { o.CreateTopics = true }), fleet(5, 1, 3))
	delivered(t, consume(t, c, reports), 5, 3)
}
