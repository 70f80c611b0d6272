// Package enroll makes devices of strangers who show a token, and gives devices their next certificates.
//
// Data flows one way: a request comes in on [topics.EnrollRequest], on [topics.DeviceRenew] or over HTTPS; the token, the
// certificate request and the device's identity in the store decide; what is decided is in the store before the reply goes out
// to the device that the topic names. A request may be repeated, and answered by several managers: one use of the token is
// taken and one identity made. See docs/decisions/security.md.
package enroll
