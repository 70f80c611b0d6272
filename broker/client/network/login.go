package network

import (
	"errors"
	"net"
	"slices"
)

// loginCodes are the reason codes by which a broker says that it does not want this client, whatever its address.
var loginCodes = []byte{0x85, 0x86, 0x87, 0x8a}

// RefusedLogin reports whether the error is that of an attempt to connect which the broker refused for who the client is, or
// for the certificate that it showed. Another attempt with the same credentials is of no use until somebody has done something.
func RefusedLogin(err error) bool {
	if reason, ok := errors.AsType[*reasonError](err); ok {
		return slices.Contains(loginCodes, reason.code)
	}
	alert, ok := errors.AsType[*net.OpError](err)
	return ok && alert.Op == "remote error"
}
