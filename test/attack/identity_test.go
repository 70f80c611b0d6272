package attack

// enrolled gives a device what it needs to be let in.
func (s *site) enrolled(device, _ string) identity {
	return identity{username: device, password: s.devicePassword}
}
