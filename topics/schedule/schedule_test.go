package schedule_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same clocks on every machine

	"muster/topics/schedule"
)

func TestNext(t *testing.T) {
	for spec, want := range map[string]string{ // from Thursday, 2026-01-01 00:00
		"* * * * *":              "2026-01-01 00:01, 2026-01-01 00:02",
		" 5\t*  * * * ":          "2026-01-01 00:05, 2026-01-01 01:05",
		"*/15 * * * *":           "2026-01-01 00:15, 2026-01-01 00:30",
		"1-10/4 * * * *":         "2026-01-01 00:01, 2026-01-01 00:05, 2026-01-01 00:09, 2026-01-01 01:01",
		"50/5 * * * *":           "2026-01-01 00:50, 2026-01-01 00:55, 2026-01-01 01:50",
		"0 4 * * *":              "2026-01-01 04:00, 2026-01-02 04:00",
		"0 22-1 * * *":           "2026-01-01 01:00, 2026-01-01 22:00, 2026-01-01 23:00, 2026-01-02 00:00",
		"0 0 15 * *":             "2026-01-15 00:00, 2026-02-15 00:00",
		"0 0 1 feb,JUL *":        "2026-02-01 00:00, 2026-07-01 00:00",
		"0 0 31 */2 *":           "2026-01-31 00:00, 2026-03-31 00:00",
		"0 0 29 2 *":             "2028-02-29 00:00, 2032-02-29 00:00",
		"0 0 * * 0":              "2026-01-04 00:00, 2026-01-11 00:00",
		"0 0 * * 7":              "2026-01-04 00:00, 2026-01-11 00:00",
		"0 0 * * Sun":            "2026-01-04 00:00, 2026-01-11 00:00",
		"0 0 * * 5-7":            "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-09 00:00",
		"0 0 * * 1-7/3":          "2026-01-04 00:00, 2026-01-05 00:00, 2026-01-08 00:00, 2026-01-11 00:00",
		"0 0 * * 0-7":            "2026-01-02 00:00, 2026-01-03 00:00",
		"0 0 * * mon-fri":        "2026-01-02 00:00, 2026-01-05 00:00",
		"0 0 * * sat-mon":        "2026-01-03 00:00, 2026-01-04 00:00, 2026-01-05 00:00, 2026-01-10 00:00",
		"0 0 10 * sat":           "2026-01-03 00:00, 2026-01-10 00:00, 2026-01-17 00:00", // either
		"0 0 13 2 fri":           "2026-02-06 00:00, 2026-02-13 00:00, 2026-02-20 00:00",
		"0 0 30 2 sat":           "2026-02-07 00:00, 2026-02-14 00:00", // by the week
		"59 23 31 12 *":          "2026-12-31 23:59, 2027-12-31 23:59",
		"@hourly":                "2026-01-01 01:00, 2026-01-01 02:00",
		"@daily":                 "2026-01-02 00:00, 2026-01-03 00:00",
		"@midnight":              "2026-01-02 00:00, 2026-01-03 00:00",
		"@weekly":                "2026-01-04 00:00, 2026-01-11 00:00",
		"@monthly":               "2026-02-01 00:00, 2026-03-01 00:00",
		"@yearly":                "2027-01-01 00:00, 2028-01-01 00:00",
		"@annually":              "2027-01-01 00:00, 2028-01-01 00:00",
		"0,30 8,18 1,15 1-3/2 *": "2026-01-01 08:00, 2026-01-01 08:30, 2026-01-01 18:00, 2026-01-01 18:30, 2026-01-15 08:00",
	} {
		s, err := schedule.Parse(spec)
		if err != nil {
			t.Errorf("%q: %v", spec, err)
			continue
		}
		checkTimes(t, spec, s, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), want)
	}
}

// checkTimes compares the times after from with those in want.
func checkTimes(t *testing.T, what string, s schedule.Schedule, from time.Time, want string) {
	t.Helper()
	layout := "2006-01-02 15:04"
	if strings.Contains(want, "+") || strings.Contains(want, " -") {
		layout = "2006-01-02 15:04 -0700"
	}
	var got []string
	for range strings.Count(want, ",") + 1 {
		from = s.Next(from)
		got = append(got, from.Format(layout))
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, ", "), want)
	}
}

func TestNextIsAfter(t *testing.T) {
	s, err := schedule.Parse("30 4 * * *")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 4, 30, 0, 0, time.UTC)
	for from, want := range map[time.Time]time.Time{
		at:                       at.AddDate(0, 0, 1),
		at.Add(-1):               at,
		at.Add(time.Nanosecond):  at.AddDate(0, 0, 1),
		at.Add(30 * time.Second): at.AddDate(0, 0, 1),
	} {
		if got := s.Next(from); !got.Equal(want) {
			t.Errorf("after %v comes %v, want %v", from, got, want)
		}
	}
	leap, err := schedule.Parse("0 0 29 2 *")
	if err != nil {
		t.Fatal(err)
	}
	checkTimes(t, "a century without a leap day", leap, time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC), "2104-02-29 00:00")
}

func TestNextWhereClocksAreChanged(t *testing.T) {
	for _, tc := range []struct{ spec, zone, from, want string }{
		{"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:30 +0200, 2026-03-30 02:30 +0200"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 02:30 +0200, 2026-10-26 02:30 +0100"},
		{"0 2-3 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 02:00 +0200, 2026-10-25 03:00 +0100, 2026-10-26 02:00 +0100"},
		{"30 */2 * * *", "Europe/Berlin", "2026-10-25 01:00", "2026-10-25 02:30 +0200, 2026-10-25 02:30 +0100, 2026-10-25 04:30 +0100"},
		{"*/30 2 * * *", "Europe/Berlin", "2026-10-25 01:00", "2026-10-25 02:00 +0200, 2026-10-25 02:30 +0200, 2026-10-25 02:00 +0100, 2026-10-25 02:30 +0100, 2026-10-26 02:00 +0100"},
		{"@hourly", "Europe/Berlin", "2026-10-25 01:30", "2026-10-25 02:00 +0200, 2026-10-25 02:00 +0100, 2026-10-25 03:00 +0100"},
		{"@hourly", "Europe/Berlin", "2026-03-29 00:30", "2026-03-29 01:00 +0100, 2026-03-29 03:00 +0200"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00", "2026-04-05 01:45 +1100, 2026-04-06 01:45 +1030"},
		{"0 0 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 00:00 +0100, 2026-03-30 00:00 +0200"},
		{"0 0 * * *", "America/Sao_Paulo", "2018-11-02 12:00", "2018-11-03 00:00 -0300, 2018-11-05 00:00 -0200"},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, err := time.ParseInLocation("2006-01-02 15:04", tc.from, zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schedule.Parse(tc.spec)
		if err != nil {
			t.Fatal(err)
		}
		checkTimes(t, tc.spec+" in "+tc.zone, s, from, tc.want)
	}
}

func TestParseRefuses(t *testing.T) {
	const notMade = "must be made of *, numbers, names of three letters, ranges and steps, not "
	for spec, want := range map[string]string{
		"":                                       "has 0",
		" ":                                      "has 0",
		"* * * *":                                "must have five fields (minute, hour, day of month, month, day of week), has 4",
		"0 * * * * *":                            "has 6",
		"@every 1h":                              "or be @hourly, @daily",
		"@reboot":                                "or be @hourly, @daily",
		"@Daily":                                 "or be @hourly, @daily",
		"@daily ":                                "or be @hourly, @daily",
		" @daily":                                "has 1",
		" @every 1 2 3 4":                        notMade + `"@every"`,
		"TZ=UTC * * * * *":                       "must not name a time zone",
		"CRON_TZ=Asia/X * * * *":                 "must not name a time zone",
		"60 * * * *":                             "60",
		"* 24 * * *":                             "24",
		"* * 0 * *":                              `"0"`,
		"* * 32 * *":                             "32",
		"* * * 0 *":                              `"0"`,
		"* * * 13 *":                             "13",
		"* * * * 8":                              "8",
		"*/0 * * * *":                            "step",
		"*/60 * * * *":                           "step",
		"99999999999999999999 * * * *":           "out of range",
		"-1 * * * *":                             notMade + `"-1"`,
		"+1 * * * *":                             notMade + `"+1"`,
		"1- * * * *":                             notMade + `"1-"`,
		"1-2-3 * * * *":                          notMade + `"1-2-3"`,
		"1,,2 * * * *":                           notMade + `""`,
		"1, * * * *":                             notMade + `""`,
		"*-5 * * * *":                            notMade + `"*-5"`,
		"*/1/2 * * * *":                          notMade + `"*/1/2"`,
		"*/x * * * *":                            notMade + `"*/x"`,
		"/5 * * * *":                             notMade + `"/5"`,
		"1.5 * * * *":                            notMade + `"1.5"`,
		"? * * * *":                              notMade + `"?"`,
		"H * * * *":                              notMade + `"H"`,
		"* * L * *":                              notMade + `"L"`,
		"* * 15W * *":                            notMade + `"15W"`,
		"* * * * mon#2":                          notMade + `"mon#2"`,
		"* * * * sunday":                         notMade + `"sunday"`,
		"* * * * xyz":                            "xyz",
		"jan * * * *":                            "jan",
		"0 0 30 2 *":                             "has no time at all",
		"0 0 31 feb,apr,jun *":                   "has no time at all",
		"0 0 31 4,6,9,11 *":                      "has no time at all",
		"\u0661 * * * *":                         notMade,
		strings.Repeat("1,", 5000):               "has 1",
		strings.Repeat("1,", 5000) + "1 * * * *": "is not a schedule",
	} {
		if _, err := schedule.Parse(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want an error with %q", spec, err, want)
		}
	}
}

// Whatever is a schedule has a next time at any time, on a full minute.
func FuzzParse(f *testing.F) {
	for _, spec := range []string{"* * * * *", "0 0 29 2 *", "*/7 22-2 1,15 jan-mar sat-mon", "1-7/3 * * * 7", "@daily", "@every 1h", "TZ=UTC * * * * *", "0 0 30 2 *"} {
		f.Add(spec, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		s, err := schedule.Parse(spec)
		if err != nil {
			return
		}
		from := time.Unix(unix%(1<<33), 0).UTC() // years 1698 to 2242
		next := s.Next(from)
		if !next.After(from) || next.Second() != 0 || next.Nanosecond() != 0 {
			t.Errorf("%q after %v gives %v", spec, from, next)
		}
	})
}
