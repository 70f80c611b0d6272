// Package audit makes the entries of the audit trail: who has changed what, and when.
//
// Secrets do not leave this package. A kind of objects that it does not know is refused, so that whoever adds
// one decides which of its fields are secret.
package audit
