package rig_test

import (
	"testing"

	"muster/test/rig"
)

func TestRandomBySeed(t *testing.T) {
	if a, b := rig.Random(t).Uint64(), rig.Random(t).Uint64(); a == b {
		t.Errorf("twice %d without a seed", a)
	}
	t.Setenv("MUSTER_TEST_SEED", "42")
	if a, b := rig.Random(t).Uint64(), rig.Random(t).Uint64(); a != b {
		t.Errorf("%d, then %d, of one seed", a, b)
	}
}
