// Package protocol holds what is written for those who make a device without our code to what the programs do:
// docs/asyncapi.yaml to the package topics, and docs/protocol.md and the examples of deploy/examples to real brokers and a
// real manager.
package protocol
