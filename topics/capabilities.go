package topics

import (
	"slices"
	"strings"
)

// capabilities are those of Linux 6, and all of them.
var capabilities = []string{
	"ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
	"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE",
	"MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
	"SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE",
	"SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
}

// plainCapability is a capability without what may be in front of it, in upper case.
func plainCapability(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }

// CheckCapabilities reports the first capability that no engine knows, as a [FieldError]. It is for those who write
// objects: a device leaves it to its engine, for a kernel that is newer than the worker may have another.
func (o ContainerOptions) CheckCapabilities() error {
	for _, list := range []struct {
		field string
		names []string
	}{{"cap_add", o.CapAdd}, {"cap_drop", o.CapDrop}} {
		for _, name := range list.names {
			if !slices.Contains(capabilities, plainCapability(name)) {
				return fieldErrorf(list.field, `%.80q is no Linux capability; they are such as "NET_ADMIN", or "ALL"`, name)
			}
		}
	}
	return nil
}
