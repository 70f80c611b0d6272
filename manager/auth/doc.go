// Package auth answers one question, for the REST API and for the broker: who is it?
//
// What an identity may do is decided elsewhere: over MQTT by the rules of package topics, which follow
// from the role found here.
//
// There is one admin, from the manager's own configuration, and one password that all devices share. Both
// passwords are made at the first start when they are not configured: see [LoadOrCreate].
package auth
