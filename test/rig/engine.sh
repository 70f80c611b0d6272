#!/bin/sh
# Runs a container engine that disturbs nobody, in process and mount namespaces of its own, so that nothing of it is
# left however it, or the test, ends. It is told by lines on standard input what to do, answers each with a line,
# and cleans up when its input ends.
# usage: engine.sh DIR NAME SUBNET GATEWAY TMPFS [flag of dockerd...]
#   DIR is where everything is kept, NAME names its bridge and cgroup, SUBNET is where its networks are, GATEWAY is
#   the bridge's address, and TMPFS are mount options for what it keeps, or empty for no limit.
set -eu
dir=$1 name=$2 subnet=$3 gateway=$4 tmpfs=$5

# daemon starts dockerd on what is there.
daemon() {
	dockerd --config-file "$dir/daemon.json" --host "unix://$dir/docker.sock" --data-root "$dir/data/docker" \
		--exec-root /run/docker --pidfile /run/docker.pid --containerd /run/containerd/containerd.sock \
		--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" \
		--bridge "$name" --default-address-pool "base=$subnet,size=25" \
		--iptables=false --ip-masq=false --ip-forward=false "$@" >>"$dir/log" 2>&1 &
}

if [ "${ENGINE_INSIDE:-}" = yes ]; then
	shift 5
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

# forget removes what the kernel keeps of the engine once its processes are gone.
forget() {
	ip -o -4 address show to "$subnet" | while read -r _ link _; do ip link delete "$link"; done
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
