package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"muster/bridge/storage"
)

// TestOddReports has a device say what is too long, and what cannot be.
func TestOddReports(t *testing.T) {
	st := openStore(t)
	long := strings.Repeat("x", 1000)
	mustWrite(t, storage.New(storage.Options{Store: st, Spool: "one"}), record(1, "d", fmt.Sprintf(
		`{"boot":"b","seq":-7,"phase":%q,"failing":[{"app":"a","code":%[1]q},{"app":"b","code":"exited"}]}`, long)))
	d, err := st.Devices().Get(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	if d.Seq != 0 || d.Phase != "" || len(d.Failing) != 1 || d.Failing[0].App != "b" {
		t.Errorf("seq %d, phase %.20q, failing %.80v", d.Seq, d.Phase, d.Failing)
	}
}
