package topics

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Content is what a device_group should run: the body of Nebula's /info, with the group's name.
type Content struct {
	DeviceGroup   string    `json:"device_group"`
	DeviceGroupID int64     `json:"device_group_id"`
	PruneID       int64     `json:"prune_id"`
	Apps          []App     `json:"apps"`
	AppsList      []string  `json:"apps_list"`
	CronJobs      []CronJob `json:"cron_jobs"`
	CronJobsList  []string  `json:"cron_jobs_list"`
}

// A Config is one immutable snapshot of everything that a device_group should run: the payload of a
// [GroupConfig] topic. It is stamped with a [Version] and made by [EncodeConfig].
type Config struct {
	Version
	// IssuedAt is when the snapshot was made, by the manager's clock, in UTC.
	IssuedAt time.Time `json:"issued_at"`
	// SHA256 is the digest of the content, in hexadecimal; see [ContentDigest].
	SHA256 string `json:"sha256"`
	Content
}

// header is the part of a config before its content.
type header struct {
	Version
	IssuedAt time.Time `json:"issued_at"`
	SHA256   string    `json:"sha256"`
}

// encodeContent is the one encoding of content: compact, fields in the order of the struct, map keys
// sorted, nothing null.
func encodeContent(c Content) ([]byte, error) {
	c.Apps = orEmpty(c.Apps)
	c.AppsList = orEmpty(c.AppsList)
	c.CronJobs = orEmpty(c.CronJobs)
	c.CronJobsList = orEmpty(c.CronJobsList)
	return json.Marshal(c)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// ContentDigest is the SHA-256 of the content's encoding in hexadecimal. Equal content has an equal
// digest. A receiver can check it without encoding anything: the encoding is the payload of the config
// from the first `"device_group":` to its end, with a '{' in front.
func ContentDigest(c Content) (string, error) {
	encoded, err := encodeContent(c)
	if err != nil {
		return "", fmt.Errorf("encode content of device_group %q: %w", c.DeviceGroup, err)
	}
	return digest(encoded), nil
}

func digest(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// EncodeConfig makes the payload of a config. The same arguments give the same bytes. The error is a
// [FieldError] when the version or content is invalid or the payload would exceed [MaxConfig].
func EncodeConfig(v Version, issuedAt time.Time, c Content) ([]byte, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	content, err := encodeContent(c)
	if err != nil {
		return nil, fmt.Errorf("encode content of device_group %q: %w", c.DeviceGroup, err)
	}
	head, err := json.Marshal(header{Version: v, IssuedAt: issuedAt.UTC().Truncate(time.Millisecond), SHA256: digest(content)})
	if err != nil {
		return nil, fmt.Errorf("encode config of device_group %q: %w", c.DeviceGroup, err)
	}
	head[len(head)-1] = ','
	payload := append(head, content[1:]...)
	if len(payload) > MaxConfig {
		return nil, fieldErrorf("config", "of device_group %q would be %d bytes, at most %d are allowed", c.DeviceGroup, len(payload), MaxConfig)
	}
	return payload, nil
}

// ParseConfig reads and checks the payload of a config, its digest included. Errors are [FieldError]s.
func ParseConfig(payload []byte) (Config, error) {
	var c Config
	if err := unmarshal(payload, &c); err != nil {
		return Config{}, err
	}
	if err := c.Version.Check(); err != nil {
		return Config{}, err
	}
	if err := c.Content.check(); err != nil {
		return Config{}, err
	}
	start := bytes.Index(payload, []byte(`"device_group":`))
	if start < 0 || digest(append([]byte{'{'}, bytes.TrimSpace(payload[start:])...)) != c.SHA256 {
		return Config{}, fieldErrorf("sha256", "does not match the content")
	}
	return c, nil
}

func (c Content) check() error {
	if err := checkGroupField(c.DeviceGroup); err != nil {
		return err
	}
	if c.DeviceGroupID < 1 {
		return fieldErrorf("device_group_id", "must be 1 or more, is %d", c.DeviceGroupID)
	}
	seen := make(map[string]bool, len(c.Apps))
	for i, app := range c.Apps {
		field := fmt.Sprintf("apps[%d]", i)
		if err := app.Check(); err != nil {
			return within(field, err)
		}
		if seen[app.AppName] {
			return fieldErrorf(field+".app_name", "%q is listed twice", app.AppName)
		}
		seen[app.AppName] = true
	}
	seen = make(map[string]bool, len(c.CronJobs))
	for i, job := range c.CronJobs {
		field := fmt.Sprintf("cron_jobs[%d]", i)
		if err := job.Check(); err != nil {
			return within(field, err)
		}
		if seen[job.CronJobName] {
			return fieldErrorf(field+".cron_job_name", "%q is listed twice", job.CronJobName)
		}
		seen[job.CronJobName] = true
	}
	return nil
}
