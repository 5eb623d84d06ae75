"""A broker of the step's own (Debian's mosquitto) and an MQTT 3.1.1 publisher of forty lines.

The publisher keeps every message until the broker has confirmed it, so what it published is what the
broker has; standard library only.
"""
import os
import pathlib
import select
import socket
import struct
import subprocess
import time

from lib import claim, free_port, skip

MOSQUITTO = "/usr/sbin/mosquitto"


class Broker:
    """mosquitto on a free loopback port; its sessions survive stop and start."""

    def __init__(self, folder, extra=""):
        if not os.access(MOSQUITTO, os.X_OK):
            skip("no mosquitto; install the Debian package mosquitto")
        self.folder, self.port, self.process = pathlib.Path(folder), free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "mosquitto.conf").write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_queued_messages 0\nmax_inflight_messages 1000\n"
            f"log_dest none\n{extra}")

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        claim(False, "the broker did not start")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def packet(first, body):
    size, head = len(body), bytes([first])
    while True:
        head += bytes([size % 128 | (128 if size > 127 else 0)])
        size //= 128
        if size == 0:
            return head + body


def text(value):
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


class Publisher:
    """QoS 1 with up to 500 messages under way. flush() returns when the broker has them all."""

    def __init__(self, port, client="publisher"):
        self.port, self.client, self.waiting, self.number, self.confirmed = port, client, {}, 0, 0
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 2]) + struct.pack(">H", 60) + text(self.client)))
        answer = self.socket.recv(4, socket.MSG_WAITALL)
        claim(answer[:1] == b"\x20" and answer[3] == 0, f"the broker answered {answer!r}")
        self.rest = b""

    def publish(self, topic, payload):
        while len(self.waiting) >= 500:
            self.read(10)
        self.number = self.number % 65535 + 1
        message = packet(0x32, text(topic) + struct.pack(">H", self.number) + payload.encode())
        self.waiting[self.number] = message
        self.socket.sendall(message)
        self.read(0)

    def read(self, seconds):
        if not select.select([self.socket], [], [], seconds)[0]:
            return
        got = self.socket.recv(65536)
        claim(got, "the broker closed the publisher's connection")
        self.rest += got
        while len(self.rest) >= 4:
            claim(self.rest[0] == 0x40, f"not a PUBACK: {self.rest[:4]!r}")
            self.confirmed += self.waiting.pop(struct.unpack(">H", self.rest[2:4])[0], None) is not None
            self.rest = self.rest[4:]

    def flush(self):
        while self.waiting:
            self.read(10)

    def close(self):
        self.flush()
        self.socket.sendall(packet(0xE0, b""))
        self.socket.close()
