package topics_test

import (
	"testing"

	"muster/topics"
)

// Two epochs, the first one older.
const (
	epoch1 = "01JD0000000000000000000000"
	epoch2 = "01JE0000000000000000000000"
)

func TestNewer(t *testing.T) {
	none := topics.Version{}
	for _, tc := range []struct {
		v, have topics.Version
		want    bool
	}{
		{topics.Version{epoch1, 1}, none, true},
		{none, topics.Version{epoch1, 1}, false},
		{none, none, false},
		{topics.Version{epoch1, 2}, topics.Version{epoch1, 1}, true},
		{topics.Version{epoch1, 1}, topics.Version{epoch1, 1}, false},
		{topics.Version{epoch1, 1}, topics.Version{epoch1, 2}, false},
		{topics.Version{epoch1, 10}, topics.Version{epoch1, 9}, true},
		{topics.Version{epoch2, 1}, topics.Version{epoch1, 900}, true},
		{topics.Version{epoch1, 900}, topics.Version{epoch2, 1}, false},
	} {
		if got := tc.v.Newer(tc.have); got != tc.want {
			t.Errorf("(%v).Newer(%v) = %v, want %v", tc.v, tc.have, got, tc.want)
		}
	}
}

func TestVersionCheck(t *testing.T) {
	valid := valid(t)
	bad := bad(t)
	check := func(epoch string, id int64) error { return topics.Version{Epoch: epoch, ConfigID: id}.Check() }

	valid(check(epoch1, 1))
	valid(check("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 1<<62))
	bad(check(epoch1, 0), "config_id")
	bad(check(epoch1, -1), "config_id")
	bad(check("", 1), "epoch")
	bad(check(epoch1[1:], 1), "epoch")
	bad(check(epoch1+"0", 1), "epoch")
	bad(check("81JD0000000000000000000000", 1), "epoch")
	bad(check("01jd0000000000000000000000", 1), "epoch")
	bad(check("01JD000000000000000000000I", 1), "epoch")
	bad(check("01JD000000000000000000000/", 1), "epoch")
}
