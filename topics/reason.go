package topics

// A Reason is the kind of a [Failure]: a word for programs to go by, where the failure's text is for people. New
// ones may be added; those that are here keep their meaning.
type Reason string

// The reasons. The comment says what is the matter, and what the worker does about it is in docs/reasons.md.
const (
	// The image.

	ReasonPullUnauthorized Reason = "pull_unauthorized"    // the registry wants other credentials (401, 403)
	ReasonImageMissing     Reason = "image_missing"        // the registry has no such image
	ReasonRateLimited      Reason = "pull_rate_limited"    // the registry answers 429
	ReasonRegistryError    Reason = "registry_error"       // the registry answers 5xx, or what makes no sense
	ReasonRegistryDown     Reason = "registry_unreachable" // no connection, or one that ends early
	ReasonDigestMismatch   Reason = "digest_mismatch"      // what was fetched is not what its digest says
	ReasonPullStalled      Reason = "pull_stalled"         // no progress for too long
	ReasonPullFailed       Reason = "pull_failed"          // another error of a pull
	ReasonDiskSpace        Reason = "disk_space"           // not enough room for the image; nothing was begun
	ReasonDiskFull         Reason = "disk_full"            // the disk was full while something was written

	// The container.

	ReasonPortTaken       Reason = "port_taken"       // another program has the host port
	ReasonPortClash       Reason = "port_clash"       // another app of the config has the host port
	ReasonPortRange       Reason = "port_range"       // a container's host port would be above 65535
	ReasonTooMany         Reason = "too_many"         // containers_per asks for more than a device runs
	ReasonNameTaken       Reason = "name_taken"       // a container that is not ours has the name
	ReasonNetworkMissing  Reason = "network_missing"  // no such network on the device
	ReasonVolumeMissing   Reason = "volume_missing"   // a path of volumes does not exist on the device
	ReasonDeviceMissing   Reason = "device_missing"   // a path of devices does not exist on the device
	ReasonCommandMissing  Reason = "command_missing"  // the command or entrypoint is not in the image
	ReasonRefused         Reason = "refused"          // the engine refuses the container for another reason
	ReasonStartFailed     Reason = "start_failed"     // the container could not be started for another reason
	ReasonNoEffect        Reason = "no_effect"        // the engine reports success, and nothing has changed
	ReasonExited          Reason = "exited"           // the container has ended and is started again with a pause
	ReasonRestarting      Reason = "restarting"       // the engine keeps restarting the container
	ReasonUnhealthy       Reason = "unhealthy"        // the health check fails
	ReasonPaused          Reason = "paused"           // the container was paused on the device
	ReasonUnknownState    Reason = "unknown_state"    // the engine names a state that the worker does not know
	ReasonDependency      Reason = "dependency"       // an app that this one depends on is not up
	ReasonRolledBack      Reason = "rolled_back"      // the new version failed; the last healthy one runs
	ReasonRollbackFailed  Reason = "rollback_failed"  // the new version failed, and the one before cannot run
	ReasonScheduleInvalid Reason = "schedule_invalid" // the worker does not understand the cron_job's schedule
	ReasonRunFailed       Reason = "run_failed"       // the last run of the cron_job ended with an exit code other than 0
	ReasonRunSkipped      Reason = "run_skipped"      // a run of the cron_job was due while the one before was not over
	ReasonUnknown         Reason = "unknown"          // none of the others

	// The device.

	ReasonEngineDown   Reason = "engine_down"   // the container engine does not answer
	ReasonStateUnsaved Reason = "state_unsaved" // the worker cannot write its state directory
	ReasonPruneFailed  Reason = "prune_failed"  // unneeded images cannot be removed
)
