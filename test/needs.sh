#!/bin/sh
# Makes sure that what the tests run for real is installed: Mosquitto's broker and clients, a browser, Podman, and what
# looks at programs for other architectures and at systemd units; and Python's MQTT library, for an example.
set -eu

missing=
for program in mosquitto mosquitto_pub mosquitto_sub chromium podman qemu-arm-static systemd-analyze; do
	PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing=yes
done
/usr/bin/python3 -c 'import paho.mqtt' 2>/dev/null || missing=yes
[ -z "$missing" ] && exit 0

packages="mosquitto mosquitto-clients chromium podman qemu-user-static systemd python3-paho-mqtt"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing $packages"
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q $packages >/dev/null
	exit 0
fi
echo "The tests need Mosquitto, Chromium, Podman, QEMU, systemd's tools and Python's paho-mqtt. On Debian and Ubuntu: sudo apt-get install $packages" >&2
exit 1
