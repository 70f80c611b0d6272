// Package apply makes a manager's objects what files say: apps, cron_jobs, device_groups and user_groups.
//
// Data flows one way. [Read] makes a [Fleet] of YAML or JSON files: what should be, checked as far as that is
// possible without the manager. [Make] reads from the manager what is, and makes a [Plan] of the difference: the
// objects to create, change and delete, with the fields that differ. [Plan.Run] does what the plan says, with one
// call of the REST API for each step, and says what became of each.
//
// What a file says of an object is all that it says: a field that is left out has its default, but for running,
// which stays what it is, lest an app that somebody stopped in an emergency be started by the next run of a
// pipeline. What files do not name is left alone, or deleted if that is asked for. See docs/decisions/apply.md.
package apply
