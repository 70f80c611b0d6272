// Package topics is the contract between managers, workers, bridges and anything else that speaks to
// them over MQTT: the names of the topics, the payloads on them, and the rules both must obey.
//
// Both ends compile against this package, so it imports the standard library only. It does no input or
// output and keeps no state: every function is a pure function of its arguments.
//
// Data flows through it in two directions. A sender fills a payload type and calls its Encode method,
// which validates before it marshals, so that nothing invalid leaves a process. A receiver calls
// [Root.Parse] on the topic and the Parse function of the payload that the topic's [Kind] implies; what
// comes back is valid, or the error names the field and what was expected.
//
// Payloads are UTF-8 JSON. Unknown members are ignored, so that an old device understands a newer
// manager; members of the wrong type are refused.
package topics
