// Package worker makes a device run what its device_group's config says.
//
// Data flows one way, through one goroutine:
//
//	retained config ─┐
//	                 ├→ Offer (keeps the newer) → persist ─┐
//	check-in reply ──┘                                     ├→ plan → jobs → Engine.Pull/Create/…
//	time, events ──→ survey (Engine.List) → remember ──────┘    └──→ report → Link
//
// Link hears configs and tells what the device runs; Engine runs containers; plan decides, as a pure function of
// the config, what the engine shows, facts of the machine, what the worker remembers, and the time. So do judge, just before
// it, about versions that are on trial, and planCron, just after it, about cron_jobs. The worker's goroutine owns all
// state and waits for nothing: surveys and jobs ask the engine in goroutines of their own, and they, links and
// engines send to it and never call it.
//
// A worker boots from its own disk: the last config that it persisted is applied before, and whether or
// not, the network is there. A container whose recorded spec is still wanted is left alone by every start,
// stop and crash of the worker. Errors of the engine, of registries and of the network are expected: they are
// retried with jittered back-off and shown in the status and the report. A corrupt state file ends the process with a
// message that says what to do, because to guess could mean to go back to an older config.
package worker
