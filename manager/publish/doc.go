// Package publish keeps the retained config of every device_group on the broker equal to the latest
// snapshot. It is the only way from the store to the broker.
//
// It is a reconciler: wanted are the latest snapshots (from a [Source]), seen are the messages on the
// [topics.GroupConfig] topics, to which a [Publisher] subscribes like anybody else. Each pass compares the
// two and publishes the difference. A pass runs when somebody changed a document ([Publisher.Poke]), on
// every connection, when a message arrives that is not what is wanted, and every interval. So nothing
// has to be remembered: a crash between two steps, a broker that lost everything, a message that another
// manager published too late, all heal by the next pass.
//
// What is older than what is seen is never published: the store was then restored from a backup, and its
// configs are behind those that devices have. See [Publisher.Behind].
package publish
