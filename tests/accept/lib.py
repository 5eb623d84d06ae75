"""What the acceptance steps share: starting Maru, asking it over HTTP and by command, killing it.

Every server listens on loopback on a port of the system's choosing; only processes started here are
ended, by their own handle. Standard library only, so that Debian's own interpreter runs it.
"""
import csv
import http.client
import io
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("MARU_PROGRAM", str(ROOT / "build" / "maru"))
DATA = ROOT / "tests" / "data"
QUICK = os.environ.get("MARU_QUICK") == "1"  # The short form that the quick tests run.
REAL = ROOT.parent / "shared" / "data" / "real.csv.xz"


def skip(words):
    """For what this machine does not allow; loud, and counted as skipped by the runner."""
    print("SKIPPED: " + words, file=sys.stderr)
    sys.exit(77)


class Failure(Exception):
    """A claim that did not hold."""


def claim(holds, words):
    if not holds:
        raise Failure(words)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def maru(*args, expect=0, text=True, stdin=None):
    """Runs one command to its end and returns stdout."""
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=text, stdin=stdin)
    if expect is not None and done.returncode != expect:
        raise Failure(f"maru {' '.join(map(str, args[:3]))} gave {done.returncode}, expected {expect}: {done.stderr[-2000:]}")
    return done if expect is None else done.stdout


class Server:
    """A serving Maru: `run HOME` or `demo`."""

    def __init__(self, *args, log=None, wait=20, prefix=()):
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen([*prefix, PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL,
                                        text=True)
        self.setup = None
        self.base = None
        self.started = time.monotonic()
        line = self._line(wait)
        claim(line.startswith("ready http"), f"the first line is not `ready ...` but: {line!r}")
        self.base = line.split()[1]
        self.address = self.base.split("//")[1]
        threading.Thread(target=self._drain, daemon=True).start()

    def _line(self, wait):
        result = []
        reader = threading.Thread(target=lambda: result.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(wait)
        claim(result and result[0], f"no line on stdout within {wait} s (exit {self.process.poll()})")
        return result[0].strip()

    def _drain(self):
        for line in self.process.stdout:
            if line.startswith("setup "):
                self.setup = line.split()[1]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, wait=20):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(wait)
        return self.process.returncode

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


def get(address, path, token=None, timeout=10, headers=None):
    """(status, body text)"""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        extra = dict(headers or {})
        if token:
            extra["Authorization"] = "Bearer " + token
        connection.request("GET", path, headers=extra)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def get_json(address, path, token=None):
    status, body = get(address, path, token)
    claim(status == 200, f"GET {path} gave {status}: {body[:500]}")
    return json.loads(body)


def wait_ready(address, seconds):
    """Seconds until /readyz says 200."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        try:
            if get(address, "/readyz", timeout=2)[0] == 200:
                return time.monotonic() - begin
        except OSError:
            pass
        time.sleep(0.05)
    raise Failure(f"/readyz is not 200 within {seconds} s")


def query(home, *args):
    """Rows of `maru query` as dictionaries."""
    return list(csv.DictReader(io.StringIO(maru("query", home, *args))))


def home_of(name):
    """A fresh folder for one step; removed by the caller's context."""
    return tempfile.TemporaryDirectory(prefix=f"maru-accept-{name}-", ignore_cleanup_errors=True)


def time_ns(text):
    """RFC 3339 with any fraction, in Z, to whole nanoseconds."""
    match = re.fullmatch(r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?Z", text)
    claim(match, f"not a UTC time: {text}")
    import calendar
    seconds = calendar.timegm(tuple(int(match[i]) for i in range(1, 7)))
    return seconds * 10**9 + int((match[7] or "0").ljust(9, "0"))
