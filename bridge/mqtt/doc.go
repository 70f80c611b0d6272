// Package mqtt is the source of reports for a broker that is not Muster's own.
//
//	broker ──▶ session ──▶ queue ──▶ Take, in batches ──▶ PUBACK of each
//
// The broker keeps the session of a bridge while the bridge is away, and sends again what was not acknowledged. A report is
// acknowledged when it is spooled, so from the moment on that the broker has it, it is the broker's, and then the
// bridge's. Bridges of one name share that session, and only one of them has it at a time: see [Source.Run].
package mqtt
