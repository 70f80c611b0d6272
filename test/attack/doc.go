// Package attack attacks a running Muster as strangers, thieves and the curious would: each row of its table is a real
// connection to a real "muster serve" process, and says how that is refused. Others measure that healthy devices notice
// nothing of what goes on beside them.
//
// MUSTER_ATTACK_WINDOW is how long each measurement takes (400ms), and MUSTER_ATTACK_TABLE a file to write the tables to.
package attack
