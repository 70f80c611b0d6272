#!/bin/sh
# Makes sure that a Docker engine answers: uses the one that is there, starts one that is installed, installs
# Debian's or Ubuntu's package as root. Where it can do none of these, it says what is needed.
set -eu

socket=${DOCKER_HOST:-unix:///var/run/docker.sock}

answers() {
	case $socket in
	unix://*) curl --silent --fail --max-time 5 --output /dev/null --unix-socket "${socket#unix://}" http://docker/_ping ;;
	tcp://*) curl --silent --fail --max-time 5 --output /dev/null "http://${socket#tcp://}/_ping" ;;
	*) docker version >/dev/null 2>&1 ;;
	esac
}

need() {
	echo "Muster runs containers through a Docker engine, and none answers at $socket." >&2
	echo "What it needs: $1" >&2
	exit 1
}

command -v curl >/dev/null || {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || need "curl. Install it (apt-get install curl) and try again."
	echo "installing curl" && apt-get update -q >/dev/null && apt-get install -y -q curl >/dev/null
}
answers && exit 0
[ -n "${DOCKER_HOST:-}" ] && need "the engine that DOCKER_HOST names to be up, or DOCKER_HOST unset."

path=${socket#unix://}
if [ -S "$path" ] && [ ! -w "$path" ]; then
	need "the right to use $path. Add yourself to the docker group (sudo usermod -aG docker $(id -un)), log in again, and try again."
fi
if [ "$(id -u)" != 0 ]; then
	if command -v dockerd >/dev/null; then
		need "the engine to be started: sudo systemctl start docker"
	fi
	need "Docker. On Debian and Ubuntu: sudo apt-get update && sudo apt-get install docker.io && sudo usermod -aG docker $(id -un), then log in again."
fi

if ! command -v dockerd >/dev/null; then
	command -v apt-get >/dev/null || need "Docker: https://docs.docker.com/engine/install/"
	echo "installing Docker (apt-get install docker.io)"
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q docker.io >/dev/null
	answers && exit 0
fi

log=/var/log/muster-dockerd.log
if [ -d /run/systemd/system ]; then
	echo "starting Docker (systemctl start docker)"
	systemctl start docker
else
	echo "starting Docker (dockerd, log in $log); it keeps running afterwards"
	# In a session of its own, so that Ctrl-C in the demo does not reach it.
	setsid dockerd >"$log" 2>&1 </dev/null &
fi
tries=0
until answers; do
	tries=$((tries + 1))
	[ "$tries" -lt 60 ] || need "dockerd to start; it did not within 60 seconds. Its log: $log, or journalctl -u docker"
	sleep 1
done
