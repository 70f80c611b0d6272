#!/bin/sh
# Runs a container engine that disturbs nobody, in process and mount namespaces of its own, so that nothing of it is
# left however it, or the test, ends. It is told by lines on standard input what to do, answers each with a line,
# and cleans up when its input ends.
# usage: engine.sh DIR NAME GATEWAY TMPFS [flag of dockerd...]
#   DIR is where everything is kept, NAME names its bridge and cgroup, GATEWAY is the bridge's address, and TMPFS are
#   mount options for what it keeps, or empty for no limit.
set -eu
dir=$1 name=$2 gateway=$3 tmpfs=$4

# daemon starts dockerd on what is there. One with address pools of its own would remove docker0, the machine's
# bridge, at its second start: its networks are where no other is, as dockerd finds out by itself.
daemon() {
	dockerd --config-file "$dir/daemon.json" --host "unix://$dir/docker.sock" --data-root "$dir/data/docker" \
		--exec-root /run/docker --pidfile /run/docker.pid --containerd /run/containerd/containerd.sock \
		--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" \
		--bridge "$name" \
		--iptables=false --ip-masq=false --ip-forward=false "$@" >>"$dir/log" 2>&1 &
}

if [ "${ENGINE_INSIDE:-}" = yes ]; then
	shift 4
	mount -t tmpfs tmpfs /run
	containerd --config "$dir/containerd.toml" >>"$dir/log" 2>&1 &
	while read -r command; do
		case $command in
		start) daemon "$@"; pid=$! ;;
		stop) kill "$pid"; wait "$pid" || true ;;
		kill) kill -9 "$pid"; wait "$pid" || true ;;
		cut) exit 42 ;;
		esac
		echo "$command"
	done
	exit 0
fi

# forget removes what the kernel keeps of the engine once its processes are gone. A link to a container for which a kill
# came before the container had its end outlives its bridge, and so goes first.
forget() {
	networks=$dir/data/docker/network/files/local-kv.db
	{
		echo "$name"
		[ ! -e "$networks" ] || grep -aoE 'br-[0-9a-f]{12}' "$networks" | sort -u
	} | while read -r bridge; do
		[ -e "/sys/class/net/$bridge" ] || continue # what was removed is in the file too
		ls "/sys/class/net/$bridge/brif" | while read -r link; do
			ip link delete "$link" 2>/dev/null || true # it goes by itself with the container's end
		done
		ip link delete "$bridge"
	done
	find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} +
}

printf '{}' >"$dir/daemon.json"
cat >"$dir/containerd.toml" <<-TOML
	version = 2
	root = "$dir/data/containerd"
	state = "/run/containerd"
	disabled_plugins = ["io.containerd.grpc.v1.cri"]
	[grpc]
	address = "/run/containerd/containerd.sock"
TOML
mkdir "$dir/data"
[ -z "$tmpfs" ] || mount -t tmpfs -o "$tmpfs" tmpfs "$dir/data"
status=42
while [ $status = 42 ]; do
	status=0
	ip link delete "$name" 2>/dev/null || true # of a script that was killed
	ip link add "$name" type bridge
	ip address add "$gateway" dev "$name"
	ip link set "$name" up
	ENGINE_INSIDE=yes unshare --mount --pid --fork --mount-proc docker-init -- sh "$0" "$@" || status=$?
	forget
	[ $status != 42 ] || echo cut
done
[ -z "$tmpfs" ] || umount --lazy "$dir/data"
rm -rf "$dir"
exit $status
