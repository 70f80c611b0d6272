package device

import "muster/manager/fleet"

// identity says what the device is known by: how it came to be so, its key, and the newest certificate.
func (s *screen) identity(i *fleet.Identity) {
	if i == nil {
		return
	}
	text := string(i.State)
	switch {
	case !i.Revoked.IsZero():
		text += " " + s.time(i.Revoked) + before(" by ", i.By)
	case !i.Approved.IsZero():
		text += ", approved " + s.time(i.Approved) + before(" by ", i.By)
	}
	if i.TokenID != "" {
		text += ", came with token " + i.TokenID + " " + s.time(i.Requested)
	}
	s.Line("identity", "%s", text)
	if i.KeySHA256 != "" {
		s.Line("", "key SHA-256 %s", i.KeySHA256)
	}
	if len(i.Certificates) > 0 {
		c := i.Certificates[0]
		word := "until"
		if !s.now.Before(c.NotAfter) {
			word = "expired"
		}
		s.Line("", "certificate %s of authority %s, %s %s", c.Serial, c.Authority, word, s.time(c.NotAfter))
	}
}
