#!/bin/sh
# Makes sure that what the tests run for real is installed: Mosquitto's broker and clients, a browser, Podman, and what
# looks at programs for other architectures and at systemd units.
set -eu

missing=
for program in mosquitto mosquitto_pub mosquitto_sub chromium podman qemu-arm-static systemd-analyze; do
	PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing=yes
done
[ -z "$missing" ] && exit 0

packages="mosquitto mosquitto-clients chromium podman qemu-user-static systemd"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing $packages"
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q $packages >/dev/null
	exit 0
fi
echo "The tests need Mosquitto, Chromium, Podman, QEMU and systemd's tools. On Debian and Ubuntu: sudo apt-get install $packages" >&2
exit 1
