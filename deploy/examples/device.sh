#!/bin/sh
# A device without Muster's worker: a POSIX shell and Mosquitto's clients. docs/protocol.md says what each step is for. To
# apply a config is to print it here.
#
#   DEVICE=till-1 GROUP=shops STATE=/var/lib/till BROKER=broker.example ./device.sh
#
# PORT (1883; 8883 with CA_FILE), MQTT (mqttv5 or mqttv311) and INTERVAL (30, in seconds) may be given too, and the files of TLS, which
# enroll.sh makes: CA_FILE, CERT_FILE and KEY_FILE. A password goes into the configuration files that mosquitto_pub(1) names, one for each
# of mosquitto_pub, mosquitto_sub and mosquitto_rr; the user name is the device's name. All connections have that for their client id, so there is one at a time. A device that loses its power
# between two of them has no will that tells it: it counts as online until it is back.
set -eu
: "${DEVICE:?}" "${GROUP:?}" "${STATE:?}" "${BROKER:?}" "${PORT:=${CA_FILE:+8883}}" "${PORT:=1883}" "${MQTT:=mqttv5}" "${INTERVAL:=30}"
export LC_ALL=C
topic=muster/v1/devices/$DEVICE
boot=$(date +%s)-$$ # another with each start, also within a second
seq=0 asked=0 changed=
outbox=$STATE/outbox
mkdir -p "$outbox"

client() { # client PROGRAM ARGUMENT...
	program=$1
	shift
	"$program" -h "$BROKER" -p "$PORT" -V "$MQTT" -i "$DEVICE" -q 1 ${CA_FILE:+--cafile "$CA_FILE"} \
		${CERT_FILE:+--cert "$CERT_FILE" --key "$KEY_FILE"} "$@"
}

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# A config and a status begin with the same members in the same order, and so do all that managers write.
version() { sed -n 's/^{"epoch":"\([^"]*\)","config_id":\([0-9]*\),.*/\1 \2/p' "$1" 2>/dev/null || true; }

# take FILE keeps a config if it is newer than the one that the device has: a device never goes back.
take() {
	had=$(version "$STATE/config") is=$(version "$1")
	[ -n "$is" ] || return 0
	if [ -n "$had" ]; then
		if [ "${is% *}" = "${had% *}" ]; then
			[ "${is#* }" -gt "${had#* }" ] || return 0
		else
			expr "x${is% *}" \> "x${had% *}" >/dev/null || return 0
		fi
	fi
	sync "$1" && mv "$1" "$STATE/config"
	echo "config ${is#* } applied: $(cat "$STATE/config")"
	changed=yes
}

# have prints the applied version as members of JSON, nothing when there is none.
have() {
	had=$(version "$STATE/config")
	[ -z "$had" ] || printf '"epoch":"%s","config_id":%s' "${had% *}" "${had#* }"
}

# A session is a connection with a will; its number rises, also from start to start and when the clock goes back.
begin_session() {
	last=$(cat "$STATE/session" 2>/dev/null || echo 0)
	session=$(date +%s)
	[ "$session" -gt "$last" ] || session=$((last + 1))
	echo "$session" >"$STATE/session"
}

status() { # status online|offline
	printf '{"state":"%s","session":%s,"device_group":"%s",%s"agent":"device.sh/1","at":"%s"}' \
		"$1" "$session" "$GROUP" "$(have | sed 's/$/,/')" "$(now)"
}

# The report stays on the disk until it is acknowledged; the last 100 are kept.
report() {
	seq=$((seq + 1))
	file=$(printf '%s/%s-%08d' "$outbox" "$boot" $seq)
	version=$(have) phase=settled
	[ -n "$version" ] || phase=waiting
	printf '{"device":"%s","device_group":"%s","report_id":"%s","boot":"%s","seq":%s,%s"wanted":{%s},"phase":"%s","failing":[],"apps":[],"cron_jobs":[],"updated":%s,"report_creation_time":%s,"agent":"device.sh/1","at":"%s"}' \
		"$DEVICE" "$GROUP" "$boot-$seq" "$boot" "$seq" "${version:+$version,}" "$version" "$phase" \
		"$([ "$changed" = yes ] && echo true || echo false)" "$(date +%s)" "$(now)" >"$file.new"
	mv "$file.new" "$file"
	rm -f $(ls "$outbox"/*-???????? | head -n -100)
}

# A broker that refuses a message with MQTT 5 says so in the acknowledgement, of which mosquitto_pub only warns.
send() {
	for file in "$outbox"/*-????????; do
		[ -e "$file" ] || return 0
		refused=$(client mosquitto_pub -t "$topic/report" -f "$file" 2>&1) && [ -z "$refused" ] || {
			echo "a report is kept for later: $refused" >&2
			return 0
		}
		rm "$file"
	done
}

ask() {
	asked=$((asked + 1))
	version=$(have)
	client mosquitto_rr -t "$topic/checkin" -e "$topic/reply" -W 10 \
		-m "{\"request_id\":\"$boot-$asked\",\"device_group\":\"$GROUP\"${version:+,\"have\":{$version\}},\"boot\":\"$boot\",\"seq\":$asked}" \
		>"$STATE/reply" || return 0 # no answer; the next round asks again
	sed -n 's/.*"error":"\(.*\)"}$/check-in refused: \1/p' "$STATE/reply" >&2
	sed -n 's/^{[^{]*"config":\({.*}\)}$/\1/p' "$STATE/reply" >"$STATE/new"
	take "$STATE/new"
}

while :; do
	begin_session
	ask
	report
	changed=
	if client mosquitto_pub -t "$topic/status" -r -m "$(status online)"; then
		send
	fi
	# The retained config comes at once, a change of it ends the wait. When the connection breaks, the broker tells by the will. A
	# second or so is left to chance, lest a fleet that was switched on together asks together.
	client mosquitto_sub -t "muster/v1/groups/$GROUP/config" -C 2 -W "$((INTERVAL + $$ % 2))" \
		--will-topic "$topic/status" --will-payload "$(status offline)" --will-qos 1 --will-retain --quiet >"$STATE/heard" || [ $? -eq 27 ] || { # 27: nothing new came in that time
		echo "no connection" >&2
		sleep $((1 + $$ % 5))
	}
	while read -r config; do
		printf '%s' "$config" >"$STATE/new"
		take "$STATE/new"
	done <"$STATE/heard"
done
