"""The connection doctor names what was done to the connection: one injected cause a case, the real
program, machines of our own in loopback or in a network namespace. R-001 R-011

usage: step_doctor.py
"""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from lib import PROGRAM, Failure, claim, free_port, maru


class Listener:
    """A TCP server: `serve(connection, number)` in a thread for each connection."""

    def __init__(self, serve, backlog=16):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(backlog)
        self.port = self.socket.getsockname()[1]
        self.count = 0
        self.serve = serve
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._one, args=(connection, self.count), daemon=True).start()

    def _one(self, connection, number):
        try:
            self.serve(connection, number)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def modbus(unit, words, silent=True):
    """A Modbus unit with holding registers; other units get no answer."""

    def serve(connection, _):
        while True:
            head = connection.recv(12, socket.MSG_WAITALL)
            if len(head) < 12:
                return
            transaction, _, _, asked, function, start, count = struct.unpack(">HHHBBHH", head)
            if asked != unit:
                if not silent:
                    return
                continue
            if function != 3 or start + count > len(words):
                pdu = bytes([function | 0x80, 2])
            else:
                pdu = struct.pack(f">BB{count}H", 3, 2 * count, *words[start:start + count])
            connection.sendall(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, asked) + pdu)

    return serve


def http(connection, _):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def hang_up(connection, _):
    return


def examine(home, driver, address, source="", options="", prefix=()):
    command = [*prefix, PROGRAM, "doctor", home, "--driver", driver, "--address", address, "--json", "--lang", "en"]
    if source:
        command += ["--source", source]
    if options:
        command += ["--options", options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    claim(done.returncode in (0, 1), f"{driver} {address}: exit {done.returncode}: {done.stderr[-500:]}")
    return json.loads(done.stdout)["devices"][0]


def expect(name, report, step, words):
    """The first bad finding is the cause, and it says `words`."""
    bad = [f for f in report["findings"] if f["verdict"] == "bad"]
    claim(bad, f"{name}: nothing bad was found: {report['findings']}")
    claim(bad[0]["step"] == step and any(words in f["words"] for f in report["findings"]),
          f"{name}: expected {step} with \"{words}\", got {json.dumps(report['findings'], ensure_ascii=False)}")


def cases_on_loopback(home, folder):
    local = "127.0.0.1"
    yield "address without a port", examine(home, "modbus", local), "line", "needs a port"
    yield "wrong option", examine(home, "modbus", local + ":502", options="unti=1"), "line", "unti"
    yield "wrong source", examine(home, "modbus", local + ":502", "holdin:0"), "line", "holdin"
    yield "unknown name", examine(home, "modbus", "no-such-machine.invalid:502"), "name", "cannot be found"
    yield "closed port", examine(home, "modbus", f"{local}:{free_port()}", "holding:0"), "port", "refuses port"

    full = socket.socket()
    full.bind((local, 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    yield "firewall that drops", examine(home, "modbus", f"{local}:{full.getsockname()[1]}", "holding:0"), "port", "firewall"
    for filler in fillers:
        filler.close()
    full.close()

    fast = "timeout_ms=300"
    server = Listener(modbus(7, [0, 0x41C8, 215]))
    at = f"{local}:{server.port}"
    yield "wrong unit", examine(home, "modbus", at, "holding:0 f32", f"unit=1 {fast}"), "protocol", "set unit=7"
    yield "wrong address", examine(home, "modbus", at, "holding:500 u16", f"unit=7 {fast}"), "reading", "500"
    report = examine(home, "modbus", at, "holding:0 f32 CDAB", f"unit=7 {fast}")
    claim(report["good"] and any("25" in f["words"] for f in report["findings"]), f"a good device is not good: {report}")
    server.close()

    server = Listener(http)
    report = examine(home, "modbus", f"{local}:{server.port}", "holding:0", fast)
    yield "another protocol", report, "protocol", "another protocol"
    server.close()
    for driver, source in (("s7", "DB1.DBW0"), ("fins", "D100")):
        server = Listener(hang_up)
        yield f"{driver} hangs up at once", examine(home, driver, f"{local}:{server.port}", source, fast), "greeting", "connection"
        server.close()
    yield "folder that is not there", examine(home, "folder", f"{folder}/nowhere", "x"), "reading", "is not there"
    yield "serial port that is not there", examine(home, "modbus", "/dev/ttyUSB77", "holding:0"), "greeting", "does not exist"


def certificate_case(home, folder):
    if not shutil.which("openssl"):
        print("SKIPPED: no openssl command, so no certificate of our own", file=sys.stderr)
        return
    import ssl
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key", "-out", f"{folder}/cert",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert", f"{folder}/key")

    def serve(connection, _):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            body = b'{"temp": 21.5}'
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server = Listener(serve)
    url = f"https://127.0.0.1:{server.port}/v"
    yield "certificate of an unknown authority", examine(home, "http", url, "$.temp"), "reading", "certificate"
    report = examine(home, "http", url, "$.temp", f"ca_file={folder}/cert")
    claim(report["good"], f"with ca_file it must be good: {report}")
    server.close()


def broker_case(home, folder):
    mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not os.path.exists(mosquitto) or not shutil.which("mosquitto_passwd"):
        print("SKIPPED: no mosquitto, so no broker that refuses", file=sys.stderr)
        return
    port = free_port()
    subprocess.run(["mosquitto_passwd", "-b", "-c", f"{folder}/users", "maru", "right"], check=True, capture_output=True)
    os.chmod(f"{folder}/users", 0o644)
    os.chmod(folder, 0o755)
    with open(f"{folder}/broker.conf", "w") as config:
        config.write(f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/users\n")
    broker = subprocess.Popen([mosquitto, "-c", f"{folder}/broker.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            except OSError:
                time.sleep(0.05)
        report = examine(home, "mqtt", f"127.0.0.1:{port}", "line/temp $.t", "user=maru password=wrong")
        yield "wrong password at a broker", report, "greeting", "password"
    finally:
        broker.terminate()
        broker.wait()


def cases_in_a_namespace(home):
    """No route, and a network in which nobody has the address."""
    def allowed(*command):
        return subprocess.run(["unshare", "--net", *command], capture_output=True).returncode == 0

    if not allowed("ip", "link", "set", "lo", "up"):
        print("SKIPPED: this machine lets us make no network namespace", file=sys.stderr)
        return
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    yield "no route", examine(home, "modbus", "192.168.77.9:502", "holding:0", prefix=alone), "route", "no way to"
    if not allowed("ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0"):
        print("SKIPPED: no virtual network cards here, so no network without the machine", file=sys.stderr)
        return
    hall = ["unshare", "--net", "sh", "-c",
            'ip link set lo up && ip link add a0 type veth peer name b0 && ip addr add 192.168.77.1/24 dev a0 && ip link set a0 up'
            ' && ip link set b0 up && exec "$@"', "sh"]
    yield "nobody has the address", examine(home, "modbus", "192.168.77.9:502", "holding:0", prefix=hall), "host", "nobody has the address"


def run(folder):
    home = f"{folder}/home"
    maru("init", home)
    named = []
    for cases in (cases_on_loopback(home, folder), certificate_case(home, folder), broker_case(home, folder), cases_in_a_namespace(home)):
        for name, report, step, words in cases:
            expect(name, report, step, words)
            named.append(name)
    claim(len(named) >= 14, f"only {len(named)} cases could be tried")
    return {"causes_named": len(named), "causes": named}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="maru-doctor-") as place:
        try:
            print(json.dumps(run(place)))
        except Failure as failure:
            sys.exit(f"doctor: {failure}")
