package protocol

import (
	"encoding/json"
	"testing"
	"time"

	"muster/topics"
)

var (
	at      = time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)
	version = topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 7}
)

// container are options of a container, all of them.
func container() topics.ContainerOptions {
	grace := 20
	return topics.ContainerOptions{
		Command: []string{"serve"}, Entrypoint: []string{"/bin/till"}, User: "till:till", MemoryLimitMB: 64, CPUs: 0.5,
		Labels: map[string]string{"shop": "berlin"}, LogMaxMB: 10, StopGraceSeconds: &grace, ReadOnly: true,
		CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Tmpfs: []string{"/run:size=16m"}, ExtraHosts: []string{"db:10.0.0.1", "me:host-gateway"},
	}
}

// config is one with everything in it.
func config(t testing.TB) []byte {
	t.Helper()
	app := topics.NewApp("web", "registry.example/web:5")
	app.StartingPorts = topics.Ports{{Host: 80, Container: 80}, {Host: 8081, Container: 8080}}
	app.EnvVars = topics.EnvVars{"GREETING": "hi"}
	app.Volumes, app.Devices = []string{"/srv:/data:ro", "v:/v"}, []string{"/dev/ttyS0:/dev/ttyS0:rw", "/dev/null"}
	app.ContainerOptions = container()
	app.AppOptions = topics.AppOptions{
		RestartPolicy: topics.RestartOnFailure, DependsOn: []string{"db"},
		Healthcheck: &topics.Healthcheck{Test: []string{"CMD", "/bin/till", "ok"}, IntervalSeconds: 5, TimeoutSeconds: 2, StartPeriodSeconds: 1, Retries: 3},
	}
	job := topics.NewCronJob("nightly", "0 3 * * *", "registry.example/sum:1")
	job.ContainerOptions = container()
	payload, err := topics.EncodeConfig(version, at, topics.Content{
		DeviceGroup: "shops", DeviceGroupID: 3, PruneID: 1, Apps: []topics.App{app, topics.NewApp("db", "db:1")}, AppsList: []string{"web", "db"},
		CronJobs: []topics.CronJob{job}, CronJobsList: []string{"nightly"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// report is one with everything in it.
func report() topics.Report {
	usage := &topics.DiskUsage{Total: 3, Used: 1, Free: 2}
	return topics.Report{
		Device: "till-1", DeviceGroup: "shops", ReportID: "b7-2", Boot: "b7", Seq: 2, Version: version, Wanted: version, Phase: topics.PhaseSettled,
		Failing: []topics.Failure{{App: "web", Code: topics.ReasonExited, Reason: "exit code 1"}, {CronJob: "nightly", Code: topics.ReasonRunFailed, Reason: "exit code 2"}},
		Apps: []topics.AppState{{
			App: "web", AppID: 5, RunningID: 4, Phase: topics.PhaseUpdating, Code: topics.ReasonExited, Reason: "exit code 1", Next: &at,
			Containers: []topics.ContainerState{{Name: "web-1", ID: "abc", Image: "registry.example/web:5", State: "running", Health: "healthy", EngineRestarts: 1, HealthRestarts: 2}},
		}},
		CronJobs: []topics.CronJobState{{
			CronJob: "nightly", CronJobID: 1, Next: &at, Started: &at, Code: topics.ReasonRunFailed, Reason: "exit code 2",
			Last: &topics.CronRun{Started: at, Seconds: 1.5, ExitCode: 2, Output: "no paper"},
		}},
		Pruned: &topics.Pruned{PruneID: 1, At: at, Images: 2, Bytes: 1 << 20}, Dropped: 3,
		AppsContainers: []json.RawMessage{json.RawMessage(`{"cpu_stats":{}}`)}, CronJobsContainers: []json.RawMessage{json.RawMessage(`{}`)},
		LeftOut: []string{"output"},
		Machine: topics.Machine{
			Hostname: "till-1.shop", MemoryUsage: &topics.MemoryUsage{Total: 4, Used: 1, Free: 2, Available: 3}, RootDiskUsage: usage,
			CPUUsage: &topics.CPUUsage{Cores: 4, UsedPercent: 1.5}, StateDiskUsage: usage, Temperatures: map[string]float64{"cpu": 41.5},
			Addresses: []string{"10.0.0.7"}, OS: "Debian 12", Kernel: "6.1", Architecture: "aarch64", Engine: "28.5.2", UptimeSeconds: 60, BootID: "0a",
		},
		Updated: true, Agent: "muster-worker/1", At: at,
	}
}

// some are payloads of a message as the package topics encodes them.
func some(t testing.TB, message string) [][]byte {
	t.Helper()
	type encoder interface{ Encode() ([]byte, error) }
	all := map[string][]encoder{
		"Summary": {topics.Summary{At: at}, topics.Summary{
			DeviceGroup: "shops", Wanted: version, Devices: 9, Online: 8, Current: 7, Failing: 1, StoreBehind: 1,
			ConfigIDs: map[string]int64{"7": 7, "0": 1}, FailingApps: map[string]int64{"web": 1}, At: at,
		}},
		"Checkin": {topics.CheckinRequest{RequestID: "1", DeviceGroup: "shops"},
			topics.CheckinRequest{RequestID: "b7-2", DeviceGroup: "shops", Have: version, Boot: "b7", Seq: 2}},
		"Reply": {topics.CheckinReply{RequestID: "1", Error: "no such group"},
			topics.CheckinReply{RequestID: "1", Version: version, Unchanged: true, StoreBehind: true, NextIn: 60},
			topics.CheckinReply{RequestID: "1", Version: version, Config: config(t)}},
		"Status": {topics.Status{State: topics.Offline, DeviceGroup: "shops"}, topics.Status{
			State: topics.Online, Session: 3, DeviceGroup: "shops", Version: version, Phase: topics.PhaseSettled, Failing: report().Failing, Agent: "a/1", At: at,
		}},
		"Report":             {topics.Report{Device: "till-1", DeviceGroup: "shops", Phase: topics.PhaseWaiting}, report()},
		"Progress":           {topics.Progress{App: "web", Phase: topics.PhasePull, Done: 1, Total: 2, At: at}, topics.Progress{CronJob: "nightly", Phase: topics.PhasePull}},
		"Presence":           {topics.Presence{State: topics.Online, Agent: "muster/1", At: at}},
		"CertificateRequest": {topics.CertificateRequest{RequestID: "1", Token: "id.secret.pin", CSR: "pem"}},
		"CertificateReply": {topics.CertificateReply{State: topics.Refused, Error: "used up"},
			topics.CertificateReply{RequestID: "1", State: topics.Pending, RetryIn: 30},
			topics.CertificateReply{RequestID: "1", State: topics.Retry, Error: "busy", RetryIn: 60},
			topics.CertificateReply{RequestID: "1", State: topics.Issued, DeviceGroup: "shops", Certificate: "pem", Authorities: "pem", RenewIn: 60, BrokerURL: "mqtts://b"}},
	}
	if message == "Config" {
		return [][]byte{config(t)}
	}
	var encoded [][]byte
	for _, value := range all[message] {
		payload, err := value.Encode()
		if err != nil {
			t.Fatal(err)
		}
		encoded = append(encoded, payload)
	}
	return encoded
}
