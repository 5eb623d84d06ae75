"""Audit entries to a syslog receiver over TLS: a receiver of our own (Python's ssl), absent, wrong,
deaf and back again, Maru killed in between. None is lost, and what comes twice is told by chain and
sequence. R-059

usage: step_syslog.py
"""
import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time

from lib import Failure, Server, claim, free_port, get_json, maru
from step_https import Https, make_home, wait_for

HEAD = re.compile(r'^<(\d+)>1 (\S+) (\S+) maru (\d+) (\S+) \[origin [^\]]*\]\[maru@32473 chain="([^"]*)" sequence="(\d+)" '
                  r'actor="((?:[^"\\]|\\.)*)" subject="((?:[^"\\]|\\.)*)"\] \ufeff(.*)$', re.S)


class Receiver:
    """Takes octet-counted messages; `mode` "deaf" shakes hands and never reads."""

    def __init__(self, port, certificate, mode="good"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.mode = mode
        self.entries = {}
        self.order = []
        self.twice = 0
        self.faults = []
        self.connections = 0
        self.open = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, plain):
        try:
            line = self.context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.connections += 1
        self.open.append(line)
        data = b""
        while self.mode == "good":
            try:
                piece = line.recv(65536)
            except (ssl.SSLError, OSError):
                return
            if not piece:
                return
            data = self._take(data + piece)

    def _take(self, data):
        while b" " in data[:8]:
            size, rest = data.split(b" ", 1)
            if len(rest) < int(size):
                break
            self._message(rest[:int(size)].decode("utf-8"))
            data = rest[int(size):]
        return data

    def _message(self, text):
        match = HEAD.match(text)
        if not match or match[1] not in ("108", "109"):
            self.faults.append(f"not as the standard says: {text!r}")
            return
        key = (match[6], int(match[7]))
        content = (match[2], match[5], match[8], match[9], match[10])
        if key in self.entries:
            self.twice += 1
            if self.entries[key] != content:
                self.faults.append(f"{key} came twice and differs")
        self.entries[key] = content
        self.order.append(key)

    def end(self):
        """As when the computer is switched off: what was not read is gone, connections are broken off."""
        self.listener.shutdown(socket.SHUT_RDWR)  # Wakes the thread that accepts.
        self.listener.close()
        for line in self.open:
            try:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.close()
            except OSError:
                pass

    def has_all(self, hub, plant):
        return (all(("hub", i) in self.entries for i in range(1, hub + 1))
                and all(("plant:main", i) in self.entries for i in range(1, plant + 1)))


def make_certificate(folder, name):
    """A certificate with its authority: a Maru of its own makes them."""
    home = make_home(folder, name, 'tls = "on"\n')
    server = Https("run", home)
    (folder / f"{name}.ca").write_bytes(server.plain("GET", "/maru-ca.crt")[1])
    server.stop()
    return str(home / "keys" / "tls.pem"), str(folder / f"{name}.ca")


def newest(server, token):
    hub = get_json(server.address, "/api/v1/audit?limit=1", token)["items"]
    plant = get_json(server.address, "/api/v1/plants/main/audit?limit=1", token)["items"]
    return hub[0]["sequence"], plant[0]["sequence"] if plant else 0


def make_events(home, count):
    for i in range(count):
        maru("token", home, "--role", "viewer", "--name", f'event "{i}" ]')


def health_of(server, token):
    return {one["id"]: one for one in get_json(server.address, "/api/v1/plants/main/health", token)["items"]}


def put_tag(server, token):
    """An entry in the plant's chain."""
    connection = http.client.HTTPConnection(server.address, timeout=10)
    connection.request("PUT", "/api/v1/plants/main/tags/extra.one", json.dumps({"type": "f64"}),
                       {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    answer = connection.getresponse()
    claim(answer.status in (200, 201), f"PUT of a tag gave {answer.status}: {answer.read()}")
    connection.close()


def start(home, servers):
    servers.append(Server("run", home))
    return servers[-1]


def run(folder, servers):
    good, ca = make_certificate(folder, "receiver")
    wrong, _ = make_certificate(folder, "stranger")
    port = free_port()
    home = make_home(folder, "home", f'syslog = "tls://127.0.0.1:{port}"\nsyslog_ca = "{ca}"\nbackup = false\n')
    token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
    make_events(home, 5)
    receiver = Receiver(port, good)
    server = start(home, servers)
    put_tag(server, token)
    hub, plant = newest(server, token)
    claim(hub >= 6, f"the hub's chain has {hub} entries only")
    wait_for(lambda: receiver.has_all(hub, plant), "entries from before the start, and new ones, did not come", 20)
    seen = dict(receiver.entries)
    receiver.end()

    make_events(home, 4)  # Nobody is there.
    stranger = Receiver(port, wrong)
    make_events(home, 2)
    wait_for(lambda: "syslog.down" in health_of(server, token), "health does not tell that the receiver is not trusted", 60)
    claim("trusted" in health_of(server, token)["syslog.down"]["words"] or "신뢰" in health_of(server, token)["syslog.down"]["words"],
          f"health says {health_of(server, token)['syslog.down']}")
    claim(not stranger.entries, "entries went to a receiver whose certificate is not trusted")
    stranger.end()

    deaf = Receiver(port, good, "deaf")
    wait_for(lambda: deaf.connections > 0, "no connection to the deaf receiver", 70)
    make_events(home, 3)
    time.sleep(2)
    deaf.end()  # What it took was never read by anybody.

    back = Receiver(port, good)
    hub, plant = newest(server, token)
    back.entries.update(seen)
    wait_for(lambda: back.has_all(hub, plant), "entries were lost in the outage", 70)
    wait_for(lambda: "syslog.down" not in health_of(server, token), "health still complains", 10)
    make_events(home, 3)
    server.kill()  # Sent or not, taken or not.
    server = start(home, servers)
    make_events(home, 2)
    hub, plant = newest(server, token)
    wait_for(lambda: back.has_all(hub, plant), "entries were lost by a kill", 30)
    hub_order = [sequence for chain, sequence in back.order if chain == "hub"]
    ascending = sum(1 for a, b in zip(hub_order, hub_order[1:]) if b != a + 1)
    claim(ascending <= 2, f"the order broke {ascending} times on two connections")
    claim(not (receiver.faults + stranger.faults + back.faults), f"{(receiver.faults + back.faults)[:2]}")

    time.sleep(24)  # They settle: what came during one wait of ten seconds is in the next.
    server.stop()
    count = len(back.order)
    server = start(home, servers)
    make_events(home, 1)
    hub, plant = newest(server, token)
    wait_for(lambda: back.has_all(hub, plant), "the entry after the restart did not come", 20)
    claim(len(back.order) - count <= 2, f"{len(back.order) - count} entries came after a quiet restart, not one")
    server.stop()
    back.end()
    print(f"syslog: {hub} entries of the hub and {plant} of the plant, none lost, {back.twice} came twice")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="maru-syslog-"))
    servers = []
    try:
        run(folder, servers)
    finally:
        for server in servers:  # Also of a run that failed.
            server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        main()
    except Failure as fault:
        sys.exit(f"FAILED: {fault}")
