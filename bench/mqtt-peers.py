#!/usr/bin/python3
"""MQTT in: Maru, durable, beside a plain libmosquitto subscriber that keeps nothing.

usage: mqtt-peers.py BUILD [COUNT]

One broker (mosquitto), one publisher that sends messages of 100 bytes as fast as it can, one
subscriber at a time, alternating, medians of three. The plain one is timed from its first to its last
message. Maru runs as it does in a plant: JSON is read, values are refined and stored, and with QoS 1 a
message is confirmed after it is durable; its rate is taken from the stored times of arrival, and every
message must be in the store. Prints one JSON object. Exit 77 without mosquitto.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(sys.argv[1]).resolve()
os.environ["MARU_PROGRAM"] = str(BUILD / "maru")
sys.path.insert(0, str(ROOT / "tests" / "accept"))
from lib import Server, claim, free_port, maru, query, time_ns  # noqa: E402
from mqtt_wire import Broker, Publisher, packet, text  # noqa: E402
from step_mqtt import wait_up  # noqa: E402

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
ROUNDS = 3


def message(qos, k):
    payload = json.dumps({"v": k})
    payload = payload[:-1] + ', "pad": "' + "x" * (100 - len(payload) - 11) + '"}'
    number = (k % 65535 + 1).to_bytes(2, "big") if qos else b""
    return packet(0x30 | qos << 1, text("bench/a/b/c") + number + payload.encode())


def blast(port, qos, first):
    """All messages in one stream; confirmations are read beside it and thrown away."""
    bytes_all = b"".join(message(qos, first + k) for k in range(COUNT))
    publisher = Publisher(port, "bench")
    done = threading.Event()

    def drain():
        left = COUNT * 4 if qos else 0
        while left > 0:
            left -= len(publisher.socket.recv(1 << 20))
        done.set()

    threading.Thread(target=drain, daemon=True).start()
    publisher.socket.settimeout(60)
    publisher.socket.sendall(bytes_all)
    claim(done.wait(60), "the broker did not confirm everything")
    publisher.socket.sendall(packet(0xE0, b""))
    publisher.socket.close()


def plain(port, qos):
    peer = subprocess.Popen([BUILD / "mqtt-plain", str(port), str(qos), str(COUNT)], stdout=subprocess.PIPE, text=True)
    claim(peer.stdout.readline().strip() == "ready", "mqtt-plain did not start")
    blast(port, qos, 0)
    count, rate = peer.stdout.readline().split()
    peer.wait()
    claim(int(count) == COUNT, f"the plain subscriber got {count} of {COUNT}")
    return float(rate)


def ours(folder, port, qos, round_number):
    home = f"{folder}/home{qos}{round_number}"
    maru("init", home)
    with open(f"{home}/devices.csv", "w") as out:
        out.write(f"device,driver,address,period_ms,options\nb,mqtt,127.0.0.1:{port},1000,qos={qos} session=clean\n")
    with open(f"{home}/tags.csv", "w") as out:
        out.write("tag,device,source,type,unit,kind\nbench.v,b,bench/a/b/c $.v,f64,,measurement\n")
    maru("import", home, f"{home}/devices.csv", "--as", "devices")
    maru("import", home, f"{home}/tags.csv", "--as", "tags")
    token = maru("token", home, "--role", "viewer").strip()
    server = Server("run", home, "--listen", f"127.0.0.1:{free_port()}")
    try:
        wait_up(server.address, token)
        time.sleep(0.3)
        blast(port, qos, 0)
        end, rows = time.monotonic() + 60, []
        while len(rows) < COUNT and time.monotonic() < end:
            time.sleep(0.5)
            rows = [row for row in query(home, "bench.v") if row["quality"] == "good"]
    finally:
        server.stop()
    claim(len(rows) == COUNT, f"{COUNT - len(rows)} of {COUNT} messages at QoS {qos} are not stored")
    claim(sorted(int(float(row["value"])) for row in rows) == list(range(COUNT)), "the values are not those sent")
    times = [time_ns(row["time"]) for row in rows]
    return (COUNT - 1) * 1e9 / (max(times) - min(times))


def main():
    with tempfile.TemporaryDirectory(prefix="maru-mqtt-bench-", ignore_cleanup_errors=True) as folder:
        broker = Broker(f"{folder}/broker", "max_inflight_messages 4000\n").start()
        result = {"messages": COUNT}
        try:
            for qos in (0, 1):
                theirs, mine = [], []
                for i in range(ROUNDS):
                    theirs.append(plain(broker.port, qos))
                    mine.append(ours(folder, broker.port, qos, i))
                result[f"plain_qos{qos}_msg_s"] = round(statistics.median(theirs))
                result[f"mqtt_qos{qos}_msg_s"] = round(statistics.median(mine))
                result[f"mqtt_qos{qos}_ratio"] = round(statistics.median(mine) / statistics.median(theirs), 2)
        finally:
            broker.stop()
        print(json.dumps(result))


main()
