"""Thirteen hours without broker and network, two hundred times as fast: gaps 0, duplicates 0.

Machines publish one sample a second and keep what they could not send (store and forward). Maru
collects; then it loses the network, later the broker itself goes away and comes back, twice, and the
machines deliver what they kept. The clock of the samples runs 200 times as fast as ours, so that
thirteen hours of samples pass in four minutes. Afterwards every second of every machine must stand in
the store, once. R-009

usage: step_outage.py HOURS SPEED
"""
import json
import socket
import sys
import threading
import time

from lib import QUICK, Failure, Server, claim, free_port, home_of, maru, query, time_ns
from mqtt_wire import Broker, Publisher
from step_mqtt import wait_stored, wait_up

MACHINES = 5
BASE_MS = 1700000000000


class Relay(threading.Thread):
    """The network between Maru and the broker: passes bytes on while `up`, else cuts and refuses."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.port, self.up, self.pairs = target, free_port(), True, []
        self.listener = socket.create_server(("127.0.0.1", self.port))

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.up:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.up = False
        for near, far in self.pairs:
            for s in (near, far):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()


class Machines(threading.Thread):
    """All machines in one: one sample a second of their own time each; unsent ones are kept."""

    def __init__(self, port, seconds, speed):
        super().__init__(daemon=True)
        self.port, self.seconds, self.speed, self.kept, self.kept_max, self.failed = port, seconds, speed, [], 0, None

    def run(self):
        try:
            self.live()
        except Exception as error:  # Told by the step.
            self.failed = error

    def deliver(self, publisher):
        """Sends what is kept; keeps what the broker did not confirm. None: no broker now."""
        try:
            publisher = publisher or Publisher(self.port, "machines")
            for topic, payload in self.kept:
                publisher.publish(topic, payload)
            publisher.flush()
            self.kept.clear()
            return publisher
        except (OSError, Failure):
            return None  # Nothing is taken for sent: all of it is sent again.

    def live(self):
        begin, made, publisher = time.monotonic(), 0, None
        while made < self.seconds or self.kept:
            now = min(self.seconds, int((time.monotonic() - begin) * self.speed))
            for second in range(made, now):
                for m in range(MACHINES):
                    self.kept.append((f"plant/m{m}", json.dumps({"v": second, "ts": BASE_MS + second * 1000 + m})))
            made = max(made, now)
            self.kept_max = max(self.kept_max, len(self.kept))
            if self.kept:
                publisher = self.deliver(publisher)
            time.sleep(0.05)
        publisher.close()


def prepare(home, port):
    maru("init", home)
    with open(f"{home}/devices.csv", "w") as out:
        out.write(f"device,driver,address,period_ms,options\ngate,mqtt,127.0.0.1:{port},1000,client_id=maru-outage\n")
    with open(f"{home}/tags.csv", "w") as out:
        out.write("tag,device,source,type,unit,kind\n")
        for m in range(MACHINES):
            out.write(f"line.m{m}.v,gate,plant/m{m} $.v time=$.ts ms,f64,,measurement\n")
    maru("import", home, f"{home}/devices.csv", "--as", "devices")
    maru("import", home, f"{home}/tags.csv", "--as", "tags")


def check(home, seconds):
    gaps = twice = 0
    rows = [row for row in query(home, "line.*") if row["quality"] == "good"]
    versions = [row for row in query(home, "line.*", "--versions") if row["quality"] == "good"]
    twice += len(versions) - len(rows)
    for m in range(MACHINES):
        seen = [(time_ns(row["time"]), float(row["value"])) for row in rows if row["tag"] == f"line.m{m}.v"]
        expected = [((BASE_MS + s * 1000 + m) * 10**6, float(s)) for s in range(seconds)]
        gaps += len(set(expected) - set(seen))
        twice += len(seen) - len(set(seen))
        claim(not set(seen) - set(expected), f"machine {m} has samples that nobody sent")
    return len(rows), gaps, twice


def run(folder, hours, speed):
    seconds = int(hours * 3600)
    last = seconds / speed
    broker = Broker(f"{folder}/broker").start()
    relay = Relay(broker.port)
    relay.start()
    home = f"{folder}/home"
    server = None
    try:
        prepare(home, relay.port)
        token = maru("token", home, "--role", "viewer").strip()
        server = Server("run", home, "--listen", f"127.0.0.1:{free_port()}", log=f"{folder}/maru.log")
        wait_up(server.address, token)
        machines = Machines(broker.port, seconds, speed)
        begin = time.monotonic()
        machines.start()
        time.sleep(last * 0.02)
        relay.cut()  # The network is gone; the broker collects for us.
        time.sleep(last * 0.40)
        broker.stop()  # Now the broker too; the machines keep what they make.
        time.sleep(last * 0.30)
        broker.start()
        time.sleep(last * 0.10)
        broker.stop()
        time.sleep(last * 0.10)
        broker.start()
        machines.join(last + 120)
        claim(machines.failed is None and not machines.is_alive(), f"the machines stopped: {machines.failed}")
        relay.up = True  # The network is back, after everything.
        elapsed = time.monotonic() - begin
        wait_stored(server, token, 300)
        server.stop()
        stored, gaps, twice = check(home, seconds)
        claim(gaps == 0 and twice == 0, f"gaps {gaps}, duplicates {twice} of {seconds * MACHINES}")
        claim(machines.kept_max > seconds * MACHINES * 0.2, "the machines hardly had to keep anything: the outage was none")
        return {"hours": hours, "speed": speed, "samples": stored, "kept_by_machines": machines.kept_max, "gaps": gaps,
                "duplicates": twice, "seconds": round(elapsed, 1)}
    finally:
        if server is not None:
            server.stop()
        broker.stop()


if __name__ == "__main__":
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 13
    speed = float(sys.argv[2]) if len(sys.argv) > 2 else 3600 if QUICK else 200
    with home_of("outage") as folder:
        print(json.dumps(run(folder, hours, speed)))
