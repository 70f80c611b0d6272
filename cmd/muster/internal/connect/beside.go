package connect

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// beside completes the settings with what a manager on this machine has put into its data directory, if that is muster-data in the
// working directory: its address, unless there is one; whom to trust; and with admin, unless there are credentials, those of the
// local admin. Nobody else's directory counts, and no other machine's address: who can put a file here must not choose whom to
// trust.
func (f *Flags) beside(admin bool) {
	dir, err := filepath.Abs("muster-data")
	if err != nil || !ours(dir) {
		return
	}
	if addr, err := os.ReadFile(filepath.Join(dir, "https.addr")); err == nil && !f.set.Changed("url") {
		host, port, err := net.SplitHostPort(strings.TrimSpace(string(addr)))
		if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
			host = "localhost"
		}
		if !loopback(host) {
			return
		}
		f.url = "https://" + net.JoinHostPort(host, port)
		if password := filepath.Join(dir, "admin-password"); admin && !f.HasCredentials() && f.passwordFile == "" && exists(password) {
			f.user, f.passwordFile = "admin", password
		}
	}
	at, err := url.Parse(f.url)
	if roots := filepath.Join(dir, "ca.pem"); f.caFile == "" && err == nil && at.Scheme == "https" && loopback(at.Hostname()) && exists(roots) {
		f.caFile = roots
	}
}

// ours reports whether it is a directory of the user who asks, that nobody else may write to.
func ours(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
