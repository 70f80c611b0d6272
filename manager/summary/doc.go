// Package summary counts what devices say of themselves, so that a person can see at a glance, in any MQTT
// client, whether a change has arrived everywhere.
//
// Data flows one way: statuses come in on the [topics.DeviceStatus] topics, [devices.Fleet] counts them, and a
// [Publisher] keeps the retained [topics.GroupSummary] and [topics.FleetSummary] topics equal to the counts.
// Like the publisher of configs it compares what is wanted with what is seen on the broker, so that it
// heals what was lost, and several managers on one broker do not repeat each other.
package summary
