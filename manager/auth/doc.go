// Package auth answers one question for the REST API: who is it?
//
// What an identity may do over REST comes of its user_groups: see [Rights]; which right a path needs is decided in
// package api. Over MQTT the rules of package topics decide, which follow from the role found here.
//
// There is one local admin, from the manager's own configuration, whose password is made at the first start when it is not
// configured: see [LoadOrCreate]. Other users of the REST API, API tokens for programs, and the user_groups that give both their rights, are in the store.
//
// No error, log or answer of this package has a password, a token or a hash in it.
package auth
