package topics

import (
	"encoding/json"
	"math"
)

// Units of [ContainersPer]. "instance" means the same as "server", and "mem" the same as "memory".
const (
	PerServer   = "server"
	PerInstance = "instance"
	PerCPU      = "cpu"
	PerMemory   = "memory"
	PerMem      = "mem"
)

// ContainersPer says how many containers of an app each device runs. In JSON it is a dict with one
// entry, such as {"server": 1}.
type ContainersPer struct {
	// Unit is one of PerServer, PerInstance, PerCPU, PerMemory and PerMem.
	Unit string
	// Count is the number of containers per server or instance (a whole number), the number of
	// containers per CPU core, or the megabytes of device memory per container. It is above zero.
	Count float64
}

// Containers is the number of containers on a device with that many CPU cores and megabytes of memory.
// It is rounded down, and may be 0 on a device that is too small.
func (c ContainersPer) Containers(cpus, memoryMB int) int {
	n := c.Count
	switch c.Unit {
	case PerCPU:
		n = float64(cpus) * c.Count
	case PerMemory, PerMem:
		n = float64(memoryMB) / c.Count
	}
	return int(min(n, math.MaxInt32)) // beyond an int, what a conversion gives depends on the processor
}

func (c ContainersPer) check() error {
	const field = "containers_per"
	switch c.Unit {
	case PerServer, PerInstance:
		if c.Count != math.Trunc(c.Count) {
			return fieldErrorf(field+"."+c.Unit, "must be a whole number, is %v", c.Count)
		}
	case PerCPU, PerMemory, PerMem:
	default:
		return fieldErrorf(field, `must be one of "server", "instance", "cpu", "memory" and "mem", is %.40q`, c.Unit)
	}
	if !(c.Count > 0) || c.Count > 1e6 {
		return fieldErrorf(field+"."+c.Unit, "must be above 0 and at most 1000000, is %v", c.Count)
	}
	return nil
}

// MarshalJSON writes the dict.
func (c ContainersPer) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]float64{c.Unit: c.Count})
}

// UnmarshalJSON reads the dict. Errors are [FieldError]s.
func (c *ContainersPer) UnmarshalJSON(data []byte) error {
	var dict map[string]json.Number
	if err := json.Unmarshal(data, &dict); err != nil || len(dict) != 1 {
		return fieldErrorf("containers_per", `must be a dict with one entry and a number, such as {"server": 1}`)
	}
	for unit, number := range dict {
		count, err := number.Float64()
		if err != nil {
			return fieldErrorf("containers_per", "must be a number")
		}
		*c = ContainersPer{Unit: unit, Count: count}
	}
	return c.check()
}
