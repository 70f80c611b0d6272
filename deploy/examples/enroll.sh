#!/bin/sh
# A certificate for a device without Muster's worker: a POSIX shell, OpenSSL and curl, and Mosquitto's clients to renew it. docs/protocol.md
# says what each step is for. In STATE are then key.pem, cert.pem and ca.pem, for device.py and device.sh.
#
#   DEVICE=till-1 STATE=/var/lib/till TOKEN=ID.secret.pin MANAGER=manager.example:8443 ./enroll.sh
#   DEVICE=till-1 STATE=/var/lib/till BROKER=broker.example ./enroll.sh
#
# The first enrolls, and waits for an admin where the token wants that. The second renews the certificate, at 2/3 of its life or when it
# has expired; it ends the device's connection, which has to come back. PORT (8883) may be given too. Who puts an authority into
# ca.pem before needs no pin; so it must be where the manager has a certificate of another authority than the fleet's.
set -eu
: "${DEVICE:?}" "${STATE:?}" "${PORT:=8883}"
umask 077
mkdir -p "$STATE"
cd "$STATE"

if ! [ -e key.pem ]; then
	openssl ecparam -name prime256v1 -genkey -noout -out key.pem.new
	sync key.pem.new
	mv key.pem.new key.pem
fi
csr=$(openssl req -new -key key.pem -subj "/CN=$DEVICE" | awk '{ printf "%s\\n", $0 }')

# pinned prints the one of the manager's certificates that has the public key that the token names. It is no more than a
# claim, until curl finds that it vouches for the manager's own.
pinned() {
	openssl s_client -connect "$MANAGER" -showcerts </dev/null 2>/dev/null |
		awk '/-BEGIN CERTIFICATE-/ { n++; on = 1 } on { print > ("shown-" n) } /-END CERTIFICATE-/ { on = 0 }'
	for cert in shown-*; do
		pin=$(openssl x509 -in "$cert" -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=')
		[ "$pin" != "${TOKEN##*.}" ] || cat "$cert"
	done
	rm -f shown-*
}

enroll() {
	printf '{"request_id":"1","token":"%s","csr":"%s"}' "$TOKEN" "$csr" |
		curl --silent --show-error --max-time 30 --cacert "$authority" --data-binary @- "https://$MANAGER/api/v2/enroll"
}

renew() {
	mosquitto_rr -h "$BROKER" -p "$PORT" -i "$DEVICE" -V mqttv311 --cafile ca.pem --cert cert.pem --key key.pem -q 1 -W 30 \
		-t "muster/v1/devices/$DEVICE/renew" -e "muster/v1/devices/$DEVICE/certificate" -m "{\"request_id\":\"2\",\"csr\":\"$csr\"}"
}

# member NAME prints a text or a number of the answer.
member() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" answer; }

# keep FILE NAME puts a certificate of the answer into a file: the new one or the old one, whenever the power goes.
keep() {
	printf '%b' "$(member "$2")" >"$1.new"
	sync "$1.new"
	mv "$1.new" "$1"
}

if [ -e cert.pem ]; then
	: "${BROKER:?}"
	ask=renew
else
	: "${TOKEN:?}" "${MANAGER:?}"
	ask=enroll authority=ca.pem
	if ! [ -e ca.pem ]; then
		authority=pinned.pem
		pinned >pinned.pem
		[ -s pinned.pem ] || {
			echo "the manager at $MANAGER shows no certificate of the authority that the token names" >&2
			exit 1
		}
	fi
fi

while :; do
	$ask >answer || : >answer
	state=$(member state) why=$(member error) wait=$(member retry_in)
	case $state in
	issued) break ;;
	refused)
		echo "refused: $why" >&2
		exit 1
		;;
	esac
	echo "${state:-no answer}${why:+, $why}: asking again in ${wait:=60} s" >&2
	sleep "$wait"
done
keep ca.pem authorities
keep cert.pem certificate
echo "certificate for device_group $(member device_group), to be renewed in $(member renew_in) s"
rm -f answer pinned.pem
