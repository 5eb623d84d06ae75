"""A press fills its order by itself: 1,000 strokes, 37 rejects, nothing typed.

A simulated press on Modbus TCP strikes while its controller is switched off and on, its counter rolls
over, the link is lost for 90 s and Maru is killed with kill -9, once while the link is there and once
while it is not. The order must show 963 good and 37 bad; OEE must equal what this step reckons from
the cycle and the run alone, and the leaves of the loss tree must sum to the run's time. R-006

usage: step_press.py CYCLE_MS LOSS_S
"""
import http.client
import json
import socket
import socketserver
import struct
import sys
import threading
import time

from lib import QUICK, Server, claim, free_port, get_json, home_of, maru, time_ns

STROKES, BAD_EVERY, COUNTER_MAX, COUNTER_BEGIN = 1000, 27, 999, 900
RESET_AT, LOSS_AT = 300, 500
PAUSE_S = 2.0  # Of the controller, before and behind its restart.


class Press(threading.Thread):
    """The machine: two 32-bit counters in holding registers 0 and 2."""

    def __init__(self, cycle_s):
        super().__init__(daemon=True)
        self.cycle_s, self.strokes, self.counter, self.rejects, self.go = cycle_s, 0, COUNTER_BEGIN, 4, threading.Event()

    def registers(self):
        return struct.pack(">IIQ", self.counter, self.rejects, 0)

    def run(self):
        self.go.wait()
        due = time.monotonic()
        while self.strokes < STROKES:
            due += self.cycle_s
            time.sleep(max(0.0, due - time.monotonic()))
            self.strike()
            if self.strokes == RESET_AT:
                time.sleep(PAUSE_S)
                self.counter = self.rejects = 0
                time.sleep(PAUSE_S)
                due = time.monotonic()

    def strike(self):
        self.strokes += 1
        self.rejects += self.strokes % BAD_EVERY == 0
        self.counter = 0 if self.counter == COUNTER_MAX else self.counter + 1


class Controller(socketserver.ThreadingTCPServer):
    """Answers reads of holding registers (Modbus application protocol V1.1b3, 6.3); `up` is the link."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, press):
        self.press, self.up, self.open = press, True, set()
        super().__init__(("127.0.0.1", 0), Answers)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def cut(self):
        self.up = False
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Answers(socketserver.BaseRequestHandler):
    def handle(self):
        if not self.server.up:
            return
        self.server.open.add(self.request)
        try:
            while self.server.up:
                self.answer(self.read(12))
        except (OSError, EOFError):
            pass
        finally:
            self.server.open.discard(self.request)

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.request.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def answer(self, request):
        number, _, _, unit, function, start, count = struct.unpack(">HHHBBHH", request)
        words = self.server.press.registers()[2 * start : 2 * (start + count)]
        body = struct.pack(">BB", function, len(words)) + words
        if function != 3 or len(words) != 2 * count:
            body = struct.pack(">BB", function | 0x80, 2)
        self.request.sendall(struct.pack(">HHHB", number, 0, len(body) + 1, unit) + body)


def prepare(home, port):
    maru("init", home)
    tables = {
        "devices": f"device,driver,address,period_ms\nplc,modbus,127.0.0.1:{port},100\n",
        "tags": "tag,device,source,type,unit,kind\npress1.count,plc,holding:0 u32,i64,,counter\npress1.rejects,plc,holding:2 u32,i64,,counter\n",
        "equipment": "id,parent,level,display,kind\nhall,,area,Hall,\npress1,hall,equipment,Press 1,\n",
    }
    for name, text in tables.items():
        with open(f"{home}/{name}.csv", "w") as out:
            out.write(text)
        maru("import", home, f"{home}/{name}.csv", "--as", name)


def post(address, token, path, body, key=None):
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept-Language": "en"}
        if key:
            headers["Idempotency-Key"] = key
        connection.request("POST", "/api/v1/plants/main/" + path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        claim(answer.status in (200, 201), f"POST {path} gave {answer.status}: {text[:500]}")
        return json.loads(text)
    finally:
        connection.close()


def order(address, token, cycle_s):
    """What the office enters once: the item, how it is made, and the order."""
    rows = [
        ("processes", {"code": "MOULD", "name": "Moulding"}),
        ("items", {"code": "CASE", "name": "Case", "lots": "0"}),
        ("machines", {"asset": "press1", "counter": "press1.count", "counter_max": str(COUNTER_MAX), "rejects": "press1.rejects"}),
        ("routings", {"item": "CASE", "step": "10", "process": "MOULD", "machine": "press1", "cycle": str(cycle_s)}),
    ]
    for noun, fields in rows:
        post(address, token, "master/" + noun, {"fields": fields})
    post(address, token, "events", {"type": "order.make", "code": "W1", "item": "CASE", "quantity": 1000, "due": "2099-12-31", "release": True}, "1")


def pieces(address, token):
    total = get_json(address, "/api/v1/plants/main/production/kpi?order=W1&from=-1d", token)["total"]
    return total["gq"], total["sq"]


def wait_pieces(address, token, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and sum(pieces(address, token)) < STROKES:
        time.sleep(0.2)
    return pieces(address, token)


def wait_first(address, token, seconds=20):
    """Until the counter was seen: its first value is the mark from which strokes count."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        machines = get_json(address, "/api/v1/plants/main/production/machines", token)["items"]
        if machines and machines[0]["seen"]:
            return
        time.sleep(0.1)
    claim(False, "the press was not seen")


def check_figures(address, token, cycle_s, now):
    """OEE is good pieces at the ideal cycle over the run's time, where nothing was planned away."""
    show = f"?order=W1&from=-1d&to={now}"
    total = get_json(address, "/api/v1/plants/main/production/kpi" + show, token)["total"]
    losses = get_json(address, "/api/v1/plants/main/production/losses" + show, token)
    run_s = losses["minutes"] * 60
    oee = 963 * cycle_s / run_s
    claim(abs(total["oee"] - oee) < 1e-9, f"OEE is {total['oee']}, reckoned {oee}")
    claim(abs(total["pbt_s"] - run_s) < 1e-6, f"planned busy time is {total['pbt_s']} of {run_s}")
    claim(abs(sum(loss["minutes"] for loss in losses["items"]) - losses["minutes"]) < 1e-9, "the leaves do not sum to the time")
    return total, {loss["leaf"]: round(loss["minutes"] * 60, 1) for loss in losses["items"] if loss["minutes"]}


def strike_all(press, controller, loss_s, restart):
    press.go.set()
    killed, cut_at = 0, None
    while press.is_alive():
        time.sleep(0.05)
        if killed == 0 and press.strokes >= 200:
            killed = restart()
        if cut_at is None and press.strokes >= LOSS_AT:
            controller.cut()
            cut_at = time.monotonic()
        if killed == 1 and cut_at is not None and time.monotonic() - cut_at > loss_s / 2:
            killed += restart()
        if cut_at is not None and not controller.up and time.monotonic() - cut_at > loss_s:
            controller.up = True
    claim(killed == 2 and controller.up, "the press was through before the link was back")


def run(folder, cycle_s, loss_s):
    press = Press(cycle_s)
    controller = Controller(press)
    home, listen = f"{folder}/home", f"127.0.0.1:{free_port()}"
    servers = []

    def start():
        servers.append(Server("run", home, "--listen", listen, log=f"{folder}/maru.log"))

    def restart():
        servers[-1].kill()
        start()
        return 1

    try:
        prepare(home, controller.server_address[1])
        token = maru("token", home, "--role", "owner").strip()
        start()
        address = servers[-1].address
        order(address, token, cycle_s)
        wait_first(address, token)
        post(address, token, "events", {"type": "operation.begin", "operation": "W1/10", "machine": "press1"}, "2")
        press.start()
        strike_all(press, controller, loss_s, restart)
        good, bad = wait_pieces(address, token)
        claim((good, bad) == (963, 37), f"the order shows {good} good and {bad} bad, not 963 and 37")
        post(address, token, "events", {"type": "operation.end", "operation": "W1/10"}, "3")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        total, leaves = check_figures(address, token, cycle_s, now)
        return {"good": good, "bad": bad, "kills": 2, "link_loss_s": loss_s, "oee": round(total["oee"], 6), "leaves_s": leaves}
    finally:
        if servers:
            servers[-1].stop()
        controller.shutdown()


if __name__ == "__main__":
    cycle_ms = int(sys.argv[1]) if len(sys.argv) > 1 else 60 if QUICK else 300
    loss_s = int(sys.argv[2]) if len(sys.argv) > 2 else 8 if QUICK else 90
    with home_of("press") as folder:
        print(json.dumps(run(folder, cycle_ms / 1000, loss_s)))
