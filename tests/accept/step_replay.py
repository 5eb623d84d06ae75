"""Collection through kill -9, against a Modbus server that is not ours.

Each stored value must equal one served between its request and its reply; nothing that any answer
or stream showed may be lost; nothing may stand twice; the stroke counter must count each increment
once. R-001 R-006 R-009
"""
import bisect
import csv
import http.client
import json
import math
import struct
import subprocess
import sys
import threading
import time

from lib import DATA, Server, claim, free_port, get, home_of, maru, query, time_ns

PERIOD_MS = 100
STEP_MS = 20  # The registers change five times a poll, so a value of another poll would show.


class Watcher(threading.Thread):
    """Reads the live stream and the tag list and remembers every value they showed."""

    def __init__(self, address, token):
        super().__init__(daemon=True)
        self.address, self.token, self.shown, self.stopping = address, token, set(), False

    def run(self):
        while not self.stopping:
            try:
                self.stream()
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)

    def stream(self):
        connection = http.client.HTTPConnection(self.address, timeout=3)
        connection.request("GET", "/api/v1/plants/main/stream", headers={"Authorization": "Bearer " + self.token})
        answer = connection.getresponse()
        while not self.stopping:
            line = answer.readline()
            if not line:
                return
            if line.startswith(b"data:") and b'"values"' in line:
                for tag, ms, value, status, *_ in json.loads(line[5:])["values"]:
                    if status == 0:
                        self.shown.add((tag, ms, value))


class Asker(threading.Thread):
    """Asks the tag list over and over and remembers every value it showed."""

    def __init__(self, address, token):
        super().__init__(daemon=True)
        self.address, self.token, self.shown, self.stopping = address, token, set(), False

    def run(self):
        while not self.stopping:
            try:
                status, body = get(self.address, "/api/v1/plants/main/tags", self.token, timeout=3)
                if status == 200:
                    for item in json.loads(body)["items"]:
                        if item["value"] is not None and item["status"] == 0:
                            self.shown.add((item["name"], time_ns(item["time"]), float(item["value"])))
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.2)


def served(log_path):
    """Per register: times of answers and the value (f64) each held."""
    answers = {}
    with open(log_path) as lines:
        for line in lines:
            stamp, start, count, words = line.rstrip("\n").split(",")
            raw = bytes.fromhex(words)
            for register in range(int(start), int(start) + int(count) - 3):
                if register % 4 == 0:
                    at = (register - int(start)) * 2
                    times, values = answers.setdefault(register, ([], []))
                    times.append(int(stamp))
                    values.append(struct.unpack(">d", raw[at:at + 8])[0])
    return answers


def check_stored(rows, answers, registers):
    last = None
    for row in rows:
        if row["quality"] != "good":
            continue
        at = time_ns(row["time"])
        claim((row["tag"], at) != last, f"{row['tag']} stands twice at {row['time']}")
        last = (row["tag"], at)
        times, values = answers[registers[row["tag"]]]
        i = bisect.bisect_right(times, at) - 1
        claim(i >= 0 and at - times[i] < 2 * 10**9, f"{row['tag']} at {row['time']}: nothing was served shortly before")
        claim(values[i] == float(row["value"]),
              f"{row['tag']} at {row['time']}: stored {row['value']}, served {values[i]!r} {at - times[i]} ns before")


def prepare(home, port):
    with open(DATA / "cnc-mill.csv") as lines:
        names = next(csv.reader(lines))[1:]
    maru("init", home)
    with open(f"{home}/devices.csv", "w") as out:
        out.write(f"device,driver,address,period_ms,options\nmill,modbus,127.0.0.1:{port},{PERIOD_MS},unit=1\n")
    with open(f"{home}/tags.csv", "w") as out:
        out.write("tag,device,source,type,unit,kind\n")
        for i, name in enumerate(names):
            out.write(f"mill.{name},mill,holding:{4 * i} f64 ABCD,f64,,{'counter' if 'sequence' in name else 'measurement'}\n")
    maru("import", home, f"{home}/devices.csv", "--as", "devices")
    maru("import", home, f"{home}/tags.csv", "--as", "tags")
    return {f"mill.{name}": 4 * i for i, name in enumerate(names)}


def expected_count(rows):
    """Whole units from the first value to the last, and from zero after every fall."""
    values = [float(row["value"]) for row in rows if row["quality"] != "bad"]
    values = [v for v in values if 0 <= v <= 2**53]
    total = 0
    for before, after in zip(values, values[1:]):
        total += math.floor(after) - (math.floor(before) if after >= before else 0)
    return total


def run(home, seconds, kill_every):
    port, http_port = free_port(), free_port()
    log_path = f"{home}/served.log"
    device = subprocess.Popen(["/usr/bin/python3", __file__.replace("step_replay", "modbus_server"), str(port),
                               str(DATA / "cnc-mill.csv"), log_path, str(STEP_MS)], stdout=subprocess.PIPE, text=True)
    try:
        claim(device.stdout.readline().strip() == "ready", "the pymodbus server did not start")
        base = f"{home}/home"
        registers = prepare(base, port)
        token = maru("token", base, "--role", "viewer").strip()
        watcher, asker = Watcher(f"127.0.0.1:{http_port}", token), Asker(f"127.0.0.1:{http_port}", token)
        watcher.start()
        asker.start()
        kills, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            server = Server("run", base, "--listen", f"127.0.0.1:{http_port}", log=f"{home}/maru.log")
            time.sleep(min(kill_every, max(0.0, end - time.monotonic())))
            server.kill()
            kills += 1
        watcher.stopping = asker.stopping = True
        device.kill()  # From here on nothing new may come: what is compared must stand still.
        rows = query(base, "mill.*", "--versions")
        winners = query(base, "mill.*")
        claim(len(rows) == len(winners), f"{len(rows) - len(winners)} samples stand twice")
        claim(len(rows) > len(registers) * seconds * 1000 / PERIOD_MS * 0.5, f"only {len(rows)} samples were stored")
        check_stored(rows, served(log_path), registers)
        check_shown(base, rows, watcher.shown, asker.shown, token, http_port)
        return {"samples": len(rows), "kills": kills, "shown_by_stream": len(watcher.shown),
                "shown_by_answers": len(asker.shown), "lost": 0, "twice": 0, "wrong": 0}
    finally:
        device.kill()
        device.wait()


def check_shown(base, rows, streamed, asked, token, http_port):
    stored_ns = {(r["tag"], time_ns(r["time"]), float(r["value"])) for r in rows if r["quality"] == "good"}
    claim(asked, "no answer showed anything")
    lost = asked - stored_ns
    claim(not lost, f"{len(lost)} values that an answer showed are lost, such as {sorted(lost)[:1]}")
    server = Server("run", base, "--listen", f"127.0.0.1:{http_port}")
    try:
        items = json.loads(get(server.address, "/api/v1/plants/main/tags", token)[1])["items"]
        time.sleep(2)  # The stroke counter takes at most one round to catch up.
        counts = json.loads(get(server.address, "/api/v1/plants/main/counts", token)[1])["items"]
    finally:
        server.stop()
    numbers = {item["name"]: item["number"] for item in items}
    stored_ms = {(numbers[tag], ns // 10**6, value) for tag, ns, value in stored_ns}
    claim(streamed, "the stream showed nothing")
    lost = streamed - stored_ms
    claim(not lost, f"{len(lost)} values that the stream showed are lost, such as {sorted(lost)[:1]}")
    for count in counts:
        expected = expected_count(query(base, count["tag"]))
        claim(count["total"] == expected, f"{count['tag']} was counted {count['total']}, its samples say {expected}")
    claim(counts, "nothing was counted")


if __name__ == "__main__":
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with home_of("replay") as folder:
        print(json.dumps(run(folder, seconds, 5 if seconds >= 30 else 3)))
