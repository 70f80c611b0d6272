#!/usr/bin/python3
"""A device without Muster's worker, with the library paho-mqtt (1.6 or 2). docs/protocol.md says what each step is for. To apply
a config is to print it here.

    device.py --host broker.example --device till-1 --group shops --state /var/lib/till \
        --ca-file /var/lib/till/ca.pem --cert-file /var/lib/till/cert.pem --key-file /var/lib/till/key.pem

enroll.sh makes those files, which are read at each start. A password is taken from the environment (MQTT_PASSWORD); the user name is
then the device's name. With paho-mqtt 1.6 stay with
MQTT 3.1.1: it does not tell when a broker refuses a message with a reason code of MQTT 5.
"""

import argparse
import json
import os
import random
import signal
import ssl
import sys
import threading
import time
from datetime import datetime, timezone

import paho.mqtt.client as mqtt

AGENT = "device.py/1"


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def version_of(config):
    """Later epochs sort after earlier ones, and within an epoch config_ids rise."""
    return (config["epoch"], config["config_id"]) if config else ("", 0)


def tls_context(args):
    context = ssl.create_default_context(cafile=args.ca_file)
    if args.cert_file:
        context.load_cert_chain(args.cert_file, args.key_file)
    # Where the broker has a certificate of another authority as well, "muster-fleet" asks for the fleet's own.
    context.set_alpn_protocols(["mqtt", "muster-fleet"] if args.ca_file else ["mqtt"])
    return context


class Device:
    def __init__(self, args):
        self.args = args
        self.topic = "muster/v1/devices/" + args.device
        self.config_topic = "muster/v1/groups/" + args.group + "/config"
        self.boot = format(time.time_ns() // 1_000_000, "x")
        self.seq = self.asked = 0
        self.lock = threading.Lock()
        self.wake = threading.Event()  # something changed: a connection, or a config
        self.next_ask = 0
        self.answered = threading.Event()
        self.next_in = 0
        os.makedirs(args.state, exist_ok=True)
        self.config = self.load("config.json")
        self.session = self.load("session.json") or 0
        self.changed = False

        protocol = mqtt.MQTTv5 if args.mqtt == "5" else mqtt.MQTTv311
        of_paho_2 = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
        self.client = mqtt.Client(*of_paho_2, client_id=args.device, protocol=protocol)
        if os.environ.get("MQTT_PASSWORD"):
            self.client.username_pw_set(args.device, os.environ["MQTT_PASSWORD"])
        if args.tls or args.ca_file or args.cert_file:
            self.client.tls_set_context(tls_context(args))
        # What is not acknowledged is sent again after a reconnect, in the order in which it was published.
        self.client.max_inflight_messages_set(1)
        self.client.max_queued_messages_set(1000)
        # Not all at once after an outage: each device has pauses of its own.
        self.client.reconnect_delay_set(random.uniform(*args.reconnect), random.uniform(5, 10) * args.reconnect[1])
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = lambda *_: self.begin_session()
        self.client.on_message = self.on_message
        self.begin_session()

    def load(self, name):
        try:
            with open(os.path.join(self.args.state, name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def save(self, name, value):
        path = os.path.join(self.args.state, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)

    def begin_session(self):
        """Each connection has a number, above all before it, and a will that says so."""
        self.session = max(time.time_ns() // 1_000_000, self.session + 1)
        self.save("session.json", self.session)
        self.client.will_set(self.topic + "/status", self.status("offline"), qos=1, retain=True)

    def status(self, state):
        status = {"state": state, "session": self.session, "device_group": self.args.group, "agent": AGENT, "at": now()}
        epoch, config_id = version_of(self.config)
        return json.dumps(status | {"epoch": epoch, "config_id": config_id, "phase": "settled" if epoch else "waiting"})

    def report(self, changed):
        self.seq += 1
        epoch, config_id = version_of(self.config)
        apps = self.config["apps"] if self.config else []
        return json.dumps({
            "device": self.args.device, "device_group": self.args.group,
            "report_id": f"{self.boot}-{self.seq}", "boot": self.boot, "seq": self.seq,
            "epoch": epoch, "config_id": config_id, "wanted": {"epoch": epoch, "config_id": config_id},
            "phase": "settled" if epoch else "waiting", "failing": [],
            "apps": [{"app": app["app_name"], "app_id": app["app_id"], "running_id": app["app_id"] if app["running"] else 0,
                      "phase": "settled", "containers": []} for app in apps],
            "cron_jobs": [], "updated": changed, "report_creation_time": int(time.time()), "agent": AGENT, "at": now(),
        })

    def on_connect(self, client, _userdata, _flags, code, _properties=None):
        if code != 0:
            print(f"refused: {code}", file=sys.stderr, flush=True)
            return
        client.subscribe([(self.config_topic, 1), (self.topic + "/reply", 1)])
        client.publish(self.topic + "/status", self.status("online"), qos=1, retain=True)
        # The retained config comes by itself. Who asks as well does so within seconds, but not with all others at once.
        self.next_ask = time.monotonic() + random.uniform(0, min(5, self.args.interval))
        self.wake.set()

    def on_message(self, _client, _userdata, message):
        try:
            payload = json.loads(message.payload) if message.payload else {}
            if message.topic == self.config_topic:
                self.offer(payload)
            elif payload["request_id"] == f"{self.boot}-{self.asked}":
                self.next_in = payload.get("next_in", 0)
                self.answered.set()
                if "error" in payload:
                    print("check-in refused:", payload["error"], file=sys.stderr, flush=True)
                self.offer(payload.get("config"))
        except (ValueError, KeyError, TypeError) as error:
            print(f"{message.topic}: {error!r}", file=sys.stderr, flush=True)

    def offer(self, config):
        """A device never goes back: it takes what is newer, wherever it heard of it."""
        with self.lock:
            if not config or version_of(config) <= version_of(self.config):
                return
            self.save("config.json", config)
            self.config, self.changed = config, True
        print("config", config["config_id"], "applied:", *[app["docker_image"] for app in config["apps"]], flush=True)
        self.client.publish(self.topic + "/status", self.status("online"), qos=1, retain=True)
        self.wake.set()

    def ask(self):
        """A request without an answer is sent again with the same id, after longer and longer pauses."""
        self.asked += 1
        self.answered.clear()
        request = {"request_id": f"{self.boot}-{self.asked}", "device_group": self.args.group, "boot": self.boot, "seq": self.asked}
        if self.config:
            epoch, config_id = version_of(self.config)
            request["have"] = {"epoch": epoch, "config_id": config_id}
        pause = 10
        while self.client.is_connected():
            self.client.publish(self.topic + "/checkin", json.dumps(request), qos=1)
            if self.answered.wait(pause):
                return
            pause = min(2 * pause, max(10, self.args.interval))

    def run(self):
        self.client.connect_async(self.args.host, self.args.port, keepalive=60)
        self.client.loop_start()
        next_report = 0
        while True:
            due = min(next_report, self.next_ask) if self.client.is_connected() else next_report
            self.wake.wait(max(0.0, due - time.monotonic()))
            self.wake.clear()
            if self.changed or time.monotonic() >= next_report:
                changed, self.changed = self.changed, False
                self.client.publish(self.topic + "/report", self.report(changed), qos=1)
                next_report = time.monotonic() + self.args.report_interval * random.uniform(0.9, 1.1)
            if self.client.is_connected() and time.monotonic() >= self.next_ask:
                self.ask()
                self.next_ask = time.monotonic() + max(self.args.interval, self.next_in) * random.uniform(1, 1.1)

    def stop(self, *_):
        """A proper goodbye is the will's words, and then a DISCONNECT, after which the broker drops the will."""
        self.client.publish(self.topic + "/status", self.status("offline"), qos=1, retain=True).wait_for_publish(2)
        self.client.disconnect()
        self.client.loop_stop()  # when the DISCONNECT has gone out
        sys.exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=1883, help="8883 with TLS, usually")
    parser.add_argument("--tls", action="store_true", help="TLS without the files below")
    parser.add_argument("--ca-file", help="whom to believe, in PEM; else those that the system believes")
    parser.add_argument("--cert-file", help="the device's certificate, in PEM")
    parser.add_argument("--key-file", help="its key; may be in the same file")
    parser.add_argument("--mqtt", choices=["5", "3.1.1"], default="3.1.1")
    parser.add_argument("--device", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--interval", type=float, default=30, help="seconds between check-ins")
    parser.add_argument("--report-interval", type=float, default=300, help="seconds between reports when nothing changes")
    parser.add_argument("--reconnect", type=float, nargs=2, default=[1, 6], help="seconds of the first pause: at least, at most")
    device = Device(parser.parse_args())
    signal.signal(signal.SIGTERM, device.stop)
    device.run()


if __name__ == "__main__":
    main()
