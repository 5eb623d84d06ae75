"""The whole program under the load of a plant, seen from outside: 500 Modbus links with 100 tags each
at 1 Hz (CPU, lateness of the polls, nothing skipped, nothing failed), a register's change until it
stands in the browser's stream, memory with 1,000 tags, the start, the size. R-021

The machines are sockets of this script, so every figure of the program is the program's own. Lateness
is told where a request arrives: its phase within the second, against the earliest of its link.

usage: step_links.py [SECONDS]
"""
import collections
import http.client
import json
import os
import pathlib
import random
import resource
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

from lib import PROGRAM, QUICK, Server, claim, get_json, home_of, maru, wait_ready

LINKS, TAGS = 500, 100


class Machines:
    """Modbus TCP servers, one a port; holding registers hold what `value` says."""

    def __init__(self, count):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count * 4 + 200
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        self.selector = selectors.DefaultSelector()
        self.ports = []
        self.asked = collections.defaultdict(list)  # Link: times of its requests, s.
        self.value = lambda: 0
        self.ends = False
        for i in range(count):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(4)
            self.ports.append(listener.getsockname()[1])
            self.selector.register(listener, selectors.EVENT_READ, (i, None))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.ends:
            for key, _ in self.selector.select(0.2):
                link, pending = key.data
                if pending is None:
                    peer, _ = key.fileobj.accept()
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(peer, selectors.EVENT_READ, (link, bytearray()))
                else:
                    self._answer(key.fileobj, link, pending)

    def _answer(self, peer, link, pending):
        arrived = time.monotonic()
        try:
            got = peer.recv(4096)
        except OSError:
            got = b""
        if not got:
            self.selector.unregister(peer)
            peer.close()
            return
        pending += got
        while len(pending) >= 12:
            number, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", pending[:12])
            del pending[:12]
            words = struct.pack(">H", self.value()) * count
            peer.sendall(struct.pack(">HHHBBB", number, 0, 3 + len(words), unit, function, len(words)) + words)
            self.asked[link].append(arrived)

    def lateness_ms(self):
        """Of every request, sorted."""
        late = []
        for times in self.asked.values():
            first = min(((t - times[0] + 0.5) % 1.0) - 0.5 for t in times)
            late += [((((t - times[0] + 0.5) % 1.0) - 0.5) - first) * 1000 for t in times]
        return sorted(late)

    def stop(self):
        self.ends = True
        self.thread.join(5)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def prepare(home, ports, tags, period_ms):
    maru("init", home)
    with open(f"{home}/devices.csv", "w") as out:
        out.write("device,driver,address,period_ms,options\n")
        for i, port in enumerate(ports):
            out.write(f"link{i},modbus,127.0.0.1:{port},{period_ms},unit=1 timeout_ms=5000\n")
    with open(f"{home}/tags.csv", "w") as out:
        out.write("tag,device,source,type,unit,kind\n")
        for i in range(len(ports)):
            for k in range(tags):
                out.write(f"link{i}.r{k},link{i},holding:{k},f64,,measurement\n")
    maru("import", home, f"{home}/devices.csv", "--as", "devices")
    maru("import", home, f"{home}/tags.csv", "--as", "tags")
    return maru("token", home, "--role", "viewer").strip()


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_thread(pid):
    """Seconds by kind of thread: `dev` those of the links, else by name."""
    used = collections.Counter()
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as run, open(f"/proc/{pid}/task/{task}/comm") as name:
                used[name.read().strip().split("-")[0]] += int(run.read().split()[0]) / 1e9
        except OSError:
            pass  # It has ended.
    return used


def health(server, token):
    """Samples, overruns, failures and how many links are up."""
    items = get_json(server.address, "/api/v1/plants/main/devices", token)["items"]
    sums = [sum(item["health"][name] for item in items) for name in ("samples", "overruns", "failures")]
    return (*sums, sum(item["health"]["state"] == "up" for item in items))


def links(folder, seconds):
    machines = Machines(LINKS)
    token = prepare(f"{folder}/links", machines.ports, TAGS, 1000)
    server = Server("run", f"{folder}/links", "--listen", "127.0.0.1:0", log=f"{folder}/links.log", wait=60)
    try:
        end = time.monotonic() + 60
        while health(server, token)[3] < LINKS and time.monotonic() < end:
            time.sleep(0.5)
        claim(health(server, token)[3] == LINKS, "not every link came up within 60 s")
        time.sleep(3)
        before, used, begun = health(server, token), cpu_s(server.process.pid), time.monotonic()
        threads = cpu_by_thread(server.process.pid)
        machines.asked.clear()
        time.sleep(seconds)
        used, took = cpu_s(server.process.pid) - used, time.monotonic() - begun
        threads = cpu_by_thread(server.process.pid) - threads
        after = health(server, token)
        late = machines.lateness_ms()
        rss = server.rss_mb()
    finally:
        server.stop(60)
        machines.stop()
    claim(after[3] == LINKS, f"{LINKS - after[3]} links are down")
    result = {"links": LINKS, "seconds": round(took), "links_cpu_pct": round(100 * threads["dev"] / took, 1),
              "whole_cpu_pct": round(100 * used / took, 1),
              "whole_samples_s": round((after[0] - before[0]) / took), "whole_jitter_p50_ms": round(late[len(late) // 2], 2),
              "whole_jitter_p99_ms": round(late[len(late) * 99 // 100], 2), "whole_rss_mb": round(rss, 1),
              "overruns": after[1] - before[1], "failures": after[2] - before[2]}
    print("CPU s by thread: " + ", ".join(f"{name} {used:.1f}" for name, used in threads.most_common(8)), file=sys.stderr)
    claim(result["failures"] == 0, f"polls failed: {result}")
    claim(result["whole_samples_s"] > LINKS * TAGS * 0.97, f"samples are missing: {result}")
    return result


def read_events(address, token, seen, ready):
    """Notes when each value arrived in the stream; as a browser reads it."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/api/v1/plants/main/stream", headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    ready.set()
    while True:
        line = answer.readline()
        if not line:
            return
        if line.startswith(b"data: ") and b'"values"' in line:
            now = time.monotonic()
            for value in json.loads(line[6:])["values"]:
                seen.setdefault(int(value[2]), now)


def latency(folder, changes):
    machines = Machines(1)
    state = {"value": 1}
    machines.value = lambda: state["value"]
    token = prepare(f"{folder}/latency", machines.ports, 1, 100)
    server = Server("run", f"{folder}/latency", "--listen", "127.0.0.1:0", log=f"{folder}/latency.log")
    seen, changed, ready = {}, {}, threading.Event()
    try:
        threading.Thread(target=read_events, args=(server.address, token, seen, ready), daemon=True).start()
        claim(ready.wait(20), "the stream did not open")
        end = time.monotonic() + 20
        while 1 not in seen and time.monotonic() < end:
            time.sleep(0.05)
        random.seed(3)
        for value in range(2, changes + 2):
            changed[value] = time.monotonic()
            state["value"] = value
            time.sleep(random.uniform(0.25, 0.4))
        time.sleep(1)
    finally:
        server.stop()
        machines.stop()
    missing = [value for value in changed if value not in seen]
    claim(not missing, f"{len(missing)} of {changes} changes did not come through the stream")
    took = sorted((seen[value] - changed[value]) * 1000 for value in changed)
    return {"changes": changes, "stream_p50_ms": round(statistics.median(took), 1), "stream_p99_ms": round(took[len(took) * 99 // 100], 1)}


def footprint(folder):
    machines = Machines(10)
    token = prepare(f"{folder}/small", machines.ports, 100, 1000)
    starts = []
    for i in range(5):
        begun = time.monotonic()
        server = Server("run", f"{folder}/small", "--listen", "127.0.0.1:0", log=f"{folder}/small.log")
        try:
            wait_ready(server.address, 10)
            starts.append(time.monotonic() - begun)
            if i == 4:
                time.sleep(10)
                claim(health(server, token)[0] > 0, "nothing was collected")
                rss = server.rss_mb()
        finally:
            server.stop()
    machines.stop()
    return {"rss_1000_tags_mb": round(rss, 1), "ready_s": round(statistics.median(starts), 3), "installed_mb": round(installed_bytes(folder) / 1e6, 1)}


def installed_bytes(folder):
    """The programs as the package installs them: without symbols."""
    program = pathlib.Path(PROGRAM)
    size = 0
    for one in (program, program.with_name("maru-launch")):
        if one.exists():
            bare = pathlib.Path(folder) / f"{one.name}.bare"
            subprocess.run(["strip", "--strip-unneeded", "-o", bare, one], check=True)
            size += bare.stat().st_size
    return size


def run(folder, seconds):
    return {**links(folder, seconds), **latency(folder, 30 if QUICK else 300), **footprint(folder)}


if __name__ == "__main__":
    with home_of("links") as folder:
        result = run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 20 if QUICK else 600)
    print(json.dumps(result))
    if not QUICK:  # A debug build beside other tests proves no speed.
        goals = {"links_cpu_pct": 15, "whole_jitter_p99_ms": 20, "stream_p99_ms": 130, "rss_1000_tags_mb": 60, "ready_s": 1,
                 "installed_mb": 15}
        missed = {name: result[name] for name, most in goals.items() if result[name] > most}
        claim(not missed, f"over the goals: {missed}")
