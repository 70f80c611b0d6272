package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/topics"
)

// seqs are those of the stored reports of a device, as the store has them.
func (s *serving) seqs(device string) ([]int64, error) {
	s.t.Helper()
	query := url.Values{"page_size": {"1000"}, "hostname": {device}}
	var page struct {
		Data []struct {
			Seq int64 `json:"seq"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(s.must(200, "GET", "/api/v2/reports?"+query.Encode(), "")), &page); err != nil {
		return nil, err
	}
	all := []int64{}
	for _, report := range page.Data {
		all = append(all, report.Seq)
	}
	return all, nil
}

func (s *serving) awaitReports(device string, want ...int64) {
	s.t.Helper()
	s.await("the reports of "+device, func() error {
		got, err := s.seqs(device)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("got %v, want %v", got, want)
		}
		return err
	})
}

func reportOf(device string, seq int) string {
	return fmt.Sprintf(`{"device":%[1]q,"device_group":"g","hostname":%[1]q,"boot":"b","seq":%[2]d,"phase":"settled"}`, device, seq)
}

// publishReport publishes one as a device, and returns what the broker answered.
func publishReport(t *testing.T, s *serving, device, payload string) error {
	t.Helper()
	c := networktest.Dial(t, network.Options{
		URL: "mqtt://" + s.file(mqttAddrFile), ClientID: device, Username: device, Password: []byte(devicesPassword),
	})
	up := make(chan struct{}, 10)
	c.OnUp(func() { up <- struct{}{} })
	<-up
	return c.Publish(t.Context(), client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceReport, device), Payload: []byte(payload), QoS: 1})
}

// What a device reports to the embedded broker is in the store, and what is no report is refused with the reason.
func TestReportsReachTheStore(t *testing.T) {
	s := startServing(t)
	d := dialDevice(t, s, "d1")
	for seq := range 3 {
		d.say(topics.DeviceReport, reportOf("d1", seq+1))
	}
	s.awaitReports("d1", 1, 2, 3)
	err := publishReport(t, s, "d2", `{"device":"d1"}`)
	if err == nil || !strings.Contains(err.Error(), "0x99") || !strings.Contains(err.Error(), "device: must be") || errors.Is(err, client.ErrBusy) {
		t.Errorf("a report for another device: %v", err)
	}
	// Whoever does not wait for an answer cannot be told.
	if err := d.c.Publish(t.Context(), client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceReport, "d1"), Payload: []byte("[]")}); err != nil {
		t.Fatal(err)
	}
	s.awaitValue(1, "muster_bridge_sink_left_out_total", "sink=store", "why=flawed")
	s.awaitValue(1, "muster_bridge_reports_total", "outcome=flawed")
	s.awaitValue(3, "muster_bridge_reports_total", "outcome=spooled")
	s.awaitValue(1, "muster_bridge_reports_total", "outcome=refused")
	s.awaitValue(4, "muster_bridge_sink_written_total", "sink=store")
	s.awaitValue(0, "muster_bridge_sink_lag_records", "sink=store")
}

// Without a bridge, reports are only handed on to those who subscribe to them.
func TestServeWithoutBridge(t *testing.T) {
	s := startServing(t, "--bridge=false")
	if err := publishReport(t, s, "d1", "[]"); err != nil {
		t.Errorf("a report that nobody looks at: %v", err)
	}
	if _, err := s.scrape().value("muster_bridge_spool_records"); err == nil {
		t.Error("there are metrics of a bridge")
	}
}
