package publish

import (
	"testing"

	"muster/topics"
)

const (
	epoch1 = "01J00000000000000000000001"
	epoch2 = "01J00000000000000000000002"
	epoch3 = "01J00000000000000000000003"
)

func TestDecide(t *testing.T) {
	at := func(epoch string, id int64) stamp {
		return stamp{Version: topics.Version{Epoch: epoch, ConfigID: id}, sha256: epoch + "-" + string(rune('0'+id))}
	}
	other := func(s stamp) stamp {
		s.sha256 = "something else"
		return s
	}
	holds := func(s stamp) seen { return seen{held: config, now: s, newest: s.Version} }
	after := func(newest stamp, s seen) seen {
		s.newest = newest.Version
		return s
	}
	wants := func(s stamp) want { return want{exists: true, latest: s} }
	deleted := func(s stamp) want { return want{latest: s} }

	tests := []struct {
		name string
		seen seen
		want want
		then verdict
	}{
		{"nothing seen", seen{}, wants(at(epoch2, 2)), put},
		{"cleared", seen{held: cleared}, wants(at(epoch2, 2)), put},
		{"unreadable", seen{held: unreadable}, wants(at(epoch2, 2)), put},
		{"older", holds(at(epoch2, 1)), wants(at(epoch2, 2)), put},
		{"older epoch, greater id", holds(at(epoch1, 9)), wants(at(epoch2, 2)), put},
		{"the same", holds(at(epoch2, 2)), wants(at(epoch2, 2)), leave},
		{"newer", holds(at(epoch2, 3)), wants(at(epoch2, 2)), behind},
		{"newer epoch, smaller id", holds(at(epoch3, 1)), wants(at(epoch2, 2)), behind},
		{"same version, other content", holds(other(at(epoch2, 2))), wants(at(epoch2, 2)), behind},
		{"older over the wanted", after(at(epoch2, 2), holds(at(epoch2, 1))), wants(at(epoch2, 2)), put},
		{"older over a newer", after(at(epoch2, 3), holds(at(epoch2, 1))), wants(at(epoch2, 2)), behind},
		{"newer before the connection", after(at(epoch2, 3), seen{}), wants(at(epoch2, 2)), behind},
		{"caught up", after(at(epoch2, 3), holds(at(epoch2, 3))), wants(at(epoch2, 4)), put},
		{"unreadable over a newer", after(at(epoch2, 3), seen{held: unreadable}), wants(at(epoch2, 2)), behind},

		{"deleted, nothing there", seen{}, deleted(at(epoch2, 2)), leave},
		{"deleted, cleared", seen{held: cleared}, deleted(at(epoch2, 2)), leave},
		{"deleted, there", holds(at(epoch2, 2)), deleted(at(epoch2, 2)), remove},
		{"deleted, an older one there", holds(at(epoch1, 7)), deleted(at(epoch2, 2)), remove},
		{"deleted, unreadable there", seen{held: unreadable}, deleted(at(epoch2, 2)), remove},
		{"deleted, a newer one there", holds(at(epoch2, 3)), deleted(at(epoch2, 2)), behind},
		{"deleted, same version, other content", holds(other(at(epoch2, 2))), deleted(at(epoch2, 2)), behind},

		{"unknown, nothing there", seen{}, want{}, leave},
		{"unknown, of this store's life", holds(at(epoch2, 1)), want{}, behind},
		{"unknown, of an older life", holds(at(epoch1, 1)), want{}, foreign},
		{"unknown, of a newer life", holds(at(epoch3, 1)), want{}, foreign},
		{"unknown, unreadable", seen{held: unreadable}, want{}, foreign},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := decide(test.seen, test.want, epoch2); got != test.then {
				t.Errorf("verdict %d, want %d", got, test.then)
			}
		})
	}
}
