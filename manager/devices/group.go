package devices

// GroupOf is the device_group that a device was last known in, by what it has said or the store has; empty when it is not known. It asks
// nobody, and may be called for every message.
func (f *Fleet) GroupOf(device string) string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if r, known := f.census.devices[device]; known {
		return r.group.Value()
	}
	return ""
}
