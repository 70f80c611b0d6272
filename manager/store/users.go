package store

// User is the document of a user of the REST API. Its fields are Nebula's, but for TokenSelector.
type User struct {
	UserName string `json:"user_name"`
	// Password and Token are bcrypt hashes.
	Password string `json:"password"`
	Token    string `json:"token"`
	// TokenSelector is the public first part of a token that a manager made, by which the token's owner is
	// found without trying every user's hash. It is empty when the token is not of that form. No answer
	// shows it.
	TokenSelector string `json:"token_selector,omitempty"`
}

// A Right is what the members of a user_group may do with one app, device_group or cron_job.
type Right string

// The rights. ReadWrite implies ReadOnly.
const (
	ReadOnly  Right = "ro"
	ReadWrite Right = "rw"
)

// UserGroup is the document of a user_group. Its fields are Nebula's.
type UserGroup struct {
	UserGroup string `json:"user_group"`
	// GroupMembers are names of users. They need not exist.
	GroupMembers []string `json:"group_members"`
	// PruningAllowed lets members have devices prune their images.
	PruningAllowed bool `json:"pruning_allowed"`
	// Apps, DeviceGroups and CronJobs say what members may do, by name of the object.
	Apps         map[string]Right `json:"apps"`
	DeviceGroups map[string]Right `json:"device_groups"`
	CronJobs     map[string]Right `json:"cron_jobs"`
	// Admin lets members do everything.
	Admin bool `json:"admin"`
}
