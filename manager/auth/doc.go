// Package auth answers one question, for the REST API and for the broker: who is it?
//
// What an identity may do over REST comes of its user_groups: see [Rights]; which right a path needs is decided in
// package api. Over MQTT the rules of package topics decide, which follow from the role found here.
//
// There is one local admin, from the manager's own configuration, and one password that all devices share.
// Both passwords are made at the first start when they are not configured: see [LoadOrCreate]. Other users
// of the REST API, API tokens for programs, and the user_groups that give both their rights, are in the store.
//
// No error, log or answer of this package has a password, a token or a hash in it.
package auth
