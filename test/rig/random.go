package rig

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// seedVariable is the environment variable that gives a test the seed of an earlier run.
const seedVariable = "MUSTER_TEST_SEED"

// Random is a source of random numbers whose seed is in the test's log. The same ones come again with that seed in
// MUSTER_TEST_SEED; what they meet is still a matter of the machine's speed.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given, ok := os.LookupEnv(seedVariable); ok {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}
