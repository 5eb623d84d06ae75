"""A factory that looks: 200 live streams and 50 busy users beside full collection. No sample is lost,
pages stay quick, memory stays bounded, and a reader that takes nothing is dropped.

Streams and users come from addresses of their own, as browsers do. Users ask what pages ask: tags,
flow, health, devices, a trend, a table of samples, one thing a second each. R-021

usage: step_crowd.py [SECONDS]
"""
import http.client
import json
import random
import re
import selectors
import socket
import sys
import threading
import time

from lib import QUICK, Server, claim, get, get_json, home_of
from step_links import Machines, health, prepare

STREAMS, USERS = (20, 5) if QUICK else (200, 50)
LINKS, TAGS = (20, 10) if QUICK else (500, 10)
PAGES = ["tags?limit=200", "flow", "health", "devices", "series?tag=link1.r1&points=600&from=-15m", "samples?tag=link2.r2&from=-5m&limit=500",
         "series?tag=link3.r3&points=300&from=-1h", "assets"]


def head_of(path, token):
    return f"GET /api/v1/plants/main/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def connect(address, source):
    peer = socket.socket()
    peer.bind((source, 0))
    host, port = address.rsplit(":", 1)
    peer.connect((host, int(port)))
    return peer


class Streams:
    """Readers that take what comes; each value's number is counted, not decoded."""

    def __init__(self, address, token, count):
        self.selector = selectors.DefaultSelector()
        self.bytes = [0] * count
        self.events = [0] * count
        self.newest = [0.0] * count
        self.ended = 0
        self.ends = False
        for i in range(count):
            peer = connect(address, f"127.0.{1 + i // 100}.{1 + i % 100}")
            peer.sendall(head_of("stream", token))
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ, i)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while not self.ends:
            for key, _ in self.selector.select(0.2):
                try:
                    got = key.fileobj.recv(1 << 18)
                except OSError:
                    got = b""
                if not got:
                    self.ended += 1
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
                    continue
                self.bytes[key.data] += len(got)
                found = got.count(b"event: values")
                if found:
                    self.events[key.data] += found
                    self.newest[key.data] = time.monotonic()

    def stop(self):
        self.ends = True
        self.thread.join(5)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


class Users:
    def __init__(self, address, token, count):
        self.took = []
        self.failed = []
        self.ends = False
        self.threads = [threading.Thread(target=self._use, args=(address, token, i), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _use(self, address, token, number):
        rng = random.Random(number)
        connection = http.client.HTTPConnection(address, timeout=30, source_address=(f"127.0.9.{1 + number}", 0))
        while not self.ends:
            page = rng.choice(PAGES)
            begun = time.monotonic()
            connection.request("GET", f"/api/v1/plants/main/{page}", headers={"Authorization": "Bearer " + token})
            answer = connection.getresponse()
            answer.read()
            took = time.monotonic() - begun
            if answer.status == 200:
                self.took.append((took * 1000, page))
            else:
                self.failed.append((answer.status, page))
            time.sleep(max(0, rng.uniform(0.6, 1.4) - took))

    def stop(self):
        self.ends = True
        for thread in self.threads:
            thread.join(10)


def stuck(address, token):
    """A reader that asks for the stream and never takes a byte: its socket takes little, then waits."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.bind(("127.0.8.1", 0))
    host, port = address.rsplit(":", 1)
    peer.connect((host, int(port)))
    peer.sendall(head_of("stream", token))
    return peer


def streams_open(address, token):
    return int(re.search(r"^maru_streams (\d+)", get(address, "/metrics", token)[1], re.M)[1])


def is_dropped(address, token, seconds):
    """Of all streams one is gone: the others were seen to live."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if streams_open(address, token) == STREAMS:
            return True
        time.sleep(0.5)
    return False


def run(folder, seconds):
    machines = Machines(LINKS)
    token = prepare(f"{folder}/crowd", machines.ports, TAGS, 1000)
    turn = {"value": 0}
    machines.value = lambda: turn.__setitem__("value", (turn["value"] + 1) % 60000) or turn["value"]  # Each value is a new one.
    server = Server("run", f"{folder}/crowd", "--listen", "127.0.0.1:0", log=f"{folder}/crowd.log", wait=60)
    streams = users = None
    try:
        end = time.monotonic() + 60
        while health(server, token)[3] < LINKS and time.monotonic() < end:
            time.sleep(0.5)
        claim(health(server, token)[3] == LINKS, "not every link came up within 60 s")
        lazy = stuck(server.address, token)  # Held: a socket that goes out of sight is closed.
        streams = Streams(server.address, token, STREAMS)
        users = Users(server.address, token, USERS)
        time.sleep(5)
        opened = streams_open(server.address, token)
        claim(opened == STREAMS + 1 and streams.ended == 0, f"{opened} streams are open, {streams.ended} of {STREAMS} ended")
        users.took.clear()
        before, sent, begun, rss = health(server, token), sum(streams.bytes), time.monotonic(), []
        while time.monotonic() - begun < seconds:
            time.sleep(1)
            rss.append(server.rss_mb())
        took = time.monotonic() - begun
        after, sent, now = health(server, token), sum(streams.bytes) - sent, time.monotonic()
        users.stop()
        quiet = [i for i in range(STREAMS) if now - streams.newest[i] > 5]
        dropped = QUICK or is_dropped(server.address, token, 60)  # Little traffic fits a socket for minutes.
        lazy.close()
        streams.stop()
        stored = get_json(server.address, "/api/v1/plants/main/flow", token)
    finally:
        server.stop(60)
        machines.stop()
    times = sorted(users.took)
    claim(times, "no user got an answer")
    result = {"links": LINKS, "tags": LINKS * TAGS, "streams": STREAMS, "users": USERS, "seconds": round(took),
              "samples_s": round((after[0] - before[0]) / took), "overruns": after[1] - before[1], "failures": after[2] - before[2],
              "answers": len(times), "page_p50_ms": round(times[len(times) // 2][0], 1), "page_p99_ms": round(times[len(times) * 99 // 100][0], 1),
              "page_max_ms": round(times[-1][0], 1), "refused": len(users.failed), "stream_mb_s": round(sent / took / 1e6, 1),
              "streams_ended": streams.ended, "rss_begin_mb": round(rss[0], 1), "rss_peak_mb": round(max(rss), 1), "stuck_dropped": dropped}
    slowest = {}
    for one, page in times:
        slowest[page] = max(slowest.get(page, 0), one)
    print("slowest answers, ms: " + ", ".join(f"{page.split('?')[0]} {one:.0f}" for page, one in sorted(slowest.items(), key=lambda i: -i[1])), file=sys.stderr)
    claim(not users.failed, f"users were refused: {users.failed[:5]} and so on, {result}")
    claim(streams.ended == 0 and not quiet, f"{streams.ended} streams ended, {len(quiet)} fell silent: {result}")
    claim(dropped, f"a reader that takes nothing was not dropped: {result}")
    claim(result["failures"] == 0 and result["samples_s"] > LINKS * TAGS * 0.97, f"samples are missing: {result}")
    claim(not re.search(r'"rows_refused":[1-9]', json.dumps(stored)), f"the store refused rows: {stored}")
    return result


if __name__ == "__main__":
    with home_of("crowd") as folder:
        result = run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 15 if QUICK else 120)
    print(json.dumps(result))
    if not QUICK:  # A debug build beside other tests proves no speed.
        claim(result["page_p99_ms"] < 200, f"pages were slow: {result}")
        claim(result["rss_peak_mb"] < result["rss_begin_mb"] + 60, f"memory grew: {result}")
