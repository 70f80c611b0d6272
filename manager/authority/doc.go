// Package authority is the fleet's certificate authorities: what they issue, whom they vouch for, and how the next one takes
// over without anybody being locked out.
//
// They are kept in the store, so that all managers have the same. Each authority but the first has two certificates of one name and
// key: a self-signed one, and a cross one that the authority before has signed. A server shows its own certificate, all cross ones
// and the first root, so whoever believes any of the fleet's authorities finds a way from it to the server.
package authority
