package e2e

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"muster/topics"
)

// Packet types of MQTT in the first byte of a packet.
const (
	connect, connack, publish, puback, subscribe, suback = 0x10, 0x20, 0x30, 0x40, 0x80, 0x90
	qos1                                                 = 0x02
)

// A wire is a connection that says nothing but what MQTT needs, and counts its bytes.
type wire struct {
	t        testing.TB
	v5       bool
	conn     net.Conn
	in       *bufio.Reader
	up, down int
}

// dialWire connects as that device.
func dialWire(t testing.TB, addr, version, device string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	w := &wire{t: t, v5: version == "5", conn: conn, in: bufio.NewReader(conn)}
	protocol := byte(4)
	if w.v5 {
		protocol = 5
	}
	w.send(connect, w.properties(append(text("MQTT"), protocol, 2, 0, 60)), text(device))
	w.receive(connack)
	return w
}

// send writes a packet.
func (w *wire) send(kind byte, parts ...[]byte) {
	w.t.Helper()
	var body []byte
	for _, part := range parts {
		body = append(body, part...)
	}
	packet := append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
	if _, err := w.conn.Write(packet); err != nil {
		w.t.Fatal(err)
	}
	w.up += len(packet)
}

// receive reads packets of these types, each once and in any order.
func (w *wire) receive(kinds ...byte) {
	w.t.Helper()
	waiting := map[byte]bool{}
	for _, kind := range kinds {
		waiting[kind] = true
	}
	for len(waiting) > 0 {
		kind, err := w.in.ReadByte()
		length, err2 := binary.ReadUvarint(w.in)
		if err != nil || err2 != nil {
			w.t.Fatalf("waiting for %x: %v, %v", kinds, err, err2)
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(w.in, body); err != nil {
			w.t.Fatal(err)
		}
		if kind &= 0xf0; !waiting[kind] {
			w.t.Fatalf("a packet of type %x came, want %x", kind, kinds)
		}
		delete(waiting, kind)
		w.down += 1 + len(binary.AppendUvarint(nil, length)) + len(body)
	}
}

// properties puts none behind what MQTT 5 has them behind.
func (w *wire) properties(before []byte) []byte {
	if w.v5 {
		return append(before, 0)
	}
	return before
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

var packetID = []byte{0, 1}

// The bytes on the wire that docs/protocol.md tells are those that a connection sends and gets.
func TestBytesOnTheWire(t *testing.T) {
	document, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	in := installManager(t, nil)
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	have := in.must("GET", "/device_groups/shops/info", nil)
	checkin := fmt.Sprintf(`{"request_id":"b7-2","device_group":"shops","have":{"epoch":%q,"config_id":1}}`, have["epoch"])
	for _, tc := range []struct {
		what, payload string
		kind          topics.Kind
		answers       []byte
	}{
		{"check-in, unchanged", checkin, topics.DeviceCheckin, []byte{puback, publish}},
		{"smallest report", `{"device":"till-1","device_group":"shops","boot":"b7","seq":1,"phase":"settled"}`, topics.DeviceReport, []byte{puback}},
		{"a worker's report of 5 apps", typicalReport(t), topics.DeviceReport, []byte{puback}},
	} {
		for _, version := range []string{"3.1.1", "5"} {
			w := dialWire(t, in.mqttAddr, version, "till-1")
			w.send(subscribe|qos1, w.properties([]byte{0, 1}), text(topics.DefaultRoot.Topic(topics.DeviceReply, "till-1")), []byte{1})
			w.receive(suback)
			w.up, w.down = 0, 0
			w.send(publish|qos1, text(topics.DefaultRoot.Topic(tc.kind, "till-1")), w.properties(packetID), []byte(tc.payload))
			w.receive(tc.answers...)
			row := fmt.Sprintf("| %s | %s | %d | %d | %d |", tc.what, version, len(tc.payload), w.up, w.down)
			t.Log(row)
			if !strings.Contains(string(document), row) {
				t.Errorf("docs/protocol.md does not say %s", row)
			}
		}
	}
}

// typicalReport is that of a worker with five apps of one container each, and all facts of its machine.
func typicalReport(t *testing.T) string {
	t.Helper()
	v := topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 7}
	disk := &topics.DiskUsage{Total: 29000, Used: 11000, Free: 18000}
	r := topics.Report{
		Device: "till-1", DeviceGroup: "shops", ReportID: "aaaaaaaaaaaaa-7", Boot: "aaaaaaaaaaaaa", Seq: 7, Version: v, Wanted: v, Phase: topics.PhaseSettled,
		Agent: "muster-worker/0.1.0", At: time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC),
		Machine: topics.Machine{
			Hostname: "till-1.shop", MemoryUsage: &topics.MemoryUsage{Total: 3900, Used: 900, Free: 1000, Available: 2900}, RootDiskUsage: disk,
			CPUUsage: &topics.CPUUsage{Cores: 4, UsedPercent: 3.5}, Temperatures: map[string]float64{"cpu_thermal": 41.5}, Addresses: []string{"192.168.1.7"},
			OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-rpi8", Architecture: "aarch64", Engine: "28.5.2", UptimeSeconds: 864000,
			BootID: "5e0f4d5e-93c2-4ce8-a5ab-3d1ec9c6b3c0",
		},
	}
	for i := range 5 {
		name := fmt.Sprint("app-", i)
		r.Apps = append(r.Apps, topics.AppState{
			App: name, AppID: 3, RunningID: 3, Phase: topics.PhaseSettled,
			Containers: []topics.ContainerState{{Name: name + "-1", ID: "0123456789ab", Image: "registry.example/shop/app:1.2.3", State: "running"}},
		})
	}
	payload, err := r.Encode()
	if err != nil || !json.Valid(payload) {
		t.Fatal(err)
	}
	return string(payload)
}
