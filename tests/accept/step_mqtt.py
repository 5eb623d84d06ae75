"""QoS 1 messages that carry their time, while Maru is killed: all stored, each exactly once.

A real broker (mosquitto) keeps the session; Maru is killed with kill -9 in the middle and started
again. What the broker confirmed to the publisher must be in the store, once. R-009

usage: step_mqtt.py MESSAGES KILLS
"""
import json
import random
import sys
import threading
import time

from lib import QUICK, Server, claim, free_port, get_json, home_of, maru, query, time_ns
from mqtt_wire import Broker, Publisher

TAGS = 10
BASE_MS = 1700000000000


def prepare(home, broker):
    maru("init", home)
    with open(f"{home}/devices.csv", "w") as out:
        out.write(f"device,driver,address,period_ms,options\ngate,mqtt,127.0.0.1:{broker.port},1000,client_id=maru-accept\n")
    with open(f"{home}/tags.csv", "w") as out:
        out.write("tag,device,source,type,unit,kind\n")
        for i in range(TAGS):
            out.write(f"line.m{i}.v,gate,plant/m{i} $.v time=$.ts ms,f64,,measurement\n")
    maru("import", home, f"{home}/devices.csv", "--as", "devices")
    maru("import", home, f"{home}/tags.csv", "--as", "tags")


def wait_up(address, token, seconds=20):
    """Until the device's session stands: from then on the broker keeps messages for it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        items = get_json(address, "/api/v1/plants/main/devices", token)["items"]
        if items and items[0].get("state", items[0].get("health", {}).get("state")) == "up":
            return
        time.sleep(0.1)
    claim(False, "the MQTT device did not come up: " + json.dumps(items)[:500])


def publish(broker, first, count, pause, stats):
    publisher = Publisher(broker.port)
    for k in range(first, first + count):
        publisher.publish(f"plant/m{k % TAGS}", json.dumps({"v": k, "ts": BASE_MS + k}))
        if pause:
            time.sleep(pause)
    publisher.close()
    stats["confirmed"] = stats.get("confirmed", 0) + publisher.confirmed


def check(home, count):
    """Every message once, at its own time, with its own value."""
    rows = query(home, "line.*")
    versions = query(home, "line.*", "--versions")
    good = [row for row in rows if row["quality"] == "good"]
    claim(len(versions) == len(rows), f"{len(versions) - len(rows)} samples stand twice")
    seen = set()
    for row in good:
        k = int(float(row["value"]))
        claim(time_ns(row["time"]) == (BASE_MS + k) * 10**6, f"{row['tag']} at {row['time']} holds {row['value']}")
        claim(row["tag"] == f"line.m{k % TAGS}.v", f"message {k} is under {row['tag']}")
        claim(k not in seen, f"message {k} stands twice")
        seen.add(k)
    missing = count - len(seen)
    claim(missing == 0, f"{missing} of {count} messages are not stored, such as {sorted(set(range(count)) - seen)[:3]}")
    return len(good)


def wait_stored(server, token, seconds):
    """Until nothing more comes: the count of samples stands still for eight seconds."""
    last, still, end = -1, time.monotonic(), time.monotonic() + seconds
    while time.monotonic() < end and time.monotonic() - still < 8:
        samples = get_json(server.address, "/api/v1/plants/main/devices", token)["items"][0]["health"]["samples"]
        if samples != last:
            last, still = samples, time.monotonic()
        time.sleep(0.3)


def run(folder, count, kills):
    broker = Broker(f"{folder}/broker").start()
    home = f"{folder}/home"
    stats = {}
    server = None
    try:
        prepare(home, broker)
        token = maru("token", home, "--role", "viewer").strip()
        listen = f"127.0.0.1:{free_port()}"
        server = Server("run", home, "--listen", listen, log=f"{folder}/maru.log")
        wait_up(server.address, token)
        begin = time.monotonic()
        sender = threading.Thread(target=publish, args=(broker, 0, count, 0.0005 if QUICK else 0.0002, stats))
        sender.start()
        random.seed(7)
        for _ in range(kills):
            time.sleep(1 + random.random() * (1 if QUICK else 3))
            server.kill()
            server = Server("run", home, "--listen", listen, log=f"{folder}/maru.log")
        sender.join()
        elapsed = time.monotonic() - begin
        wait_stored(server, token, 300)
        claim(stats.get("confirmed") == count, f"the broker took {stats.get('confirmed')} of {count}")
        server.stop()
        stored = check(home, count)
        return {"messages": count, "kills": kills, "stored": stored, "lost": 0, "twice": 0, "seconds": round(elapsed, 1)}
    finally:
        if server is not None:
            server.stop()
        broker.stop()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 1 if QUICK else 5
    with home_of("mqtt") as folder:
        print(json.dumps(run(folder, count, kills)))
