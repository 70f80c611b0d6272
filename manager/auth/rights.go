package auth

import "muster/manager/store"

// Rights are what somebody who is not an admin may do: the union over the user_groups they are a member of.
type Rights struct {
	// Pruning lets them have devices prune their images.
	Pruning bool
	// Apps, DeviceGroups and CronJobs have the right to each object by name.
	Apps, DeviceGroups, CronJobs map[string]store.Right
}

// An Identity is whoever makes a REST request, or logs in as a person or program over MQTT.
type Identity struct {
	// Name is the user's name, for the log and for the history of changes; that of an API token is "token:" and the
	// token's name, which no user can have. It is empty when authentication is disabled.
	Name string
	// Token is the ID of the API token that was shown; empty for everybody else.
	Token string
	// Admin may do everything.
	Admin bool
	// Rights are those of somebody who is not an admin; nil when there are none.
	Rights *Rights
	// MQTTRole and BrokerAuth are those of the API token: see [store.Token].
	MQTTRole   string
	BrokerAuth bool
}

// MayPrune reports whether the identity may have devices prune their images.
func (i Identity) MayPrune() bool { return i.Admin || i.Rights != nil && i.Rights.Pruning }

// MayApp reports whether the identity has a right to the app of that name.
func (i Identity) MayApp(name string, want store.Right) bool {
	return i.Admin || i.Rights != nil && includes(i.Rights.Apps[name], want)
}

// MayDeviceGroup reports whether the identity has a right to the device_group of that name.
func (i Identity) MayDeviceGroup(name string, want store.Right) bool {
	return i.Admin || i.Rights != nil && includes(i.Rights.DeviceGroups[name], want)
}

// MayCronJob reports whether the identity has a right to the cron_job of that name.
func (i Identity) MayCronJob(name string, want store.Right) bool {
	return i.Admin || i.Rights != nil && includes(i.Rights.CronJobs[name], want)
}

// includes reports whether somebody who has the one right has the other.
func includes(has, want store.Right) bool {
	return has == store.ReadWrite || has == store.ReadOnly && want == store.ReadOnly
}
