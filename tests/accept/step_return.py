"""It comes back by itself: after each fault every device is good again within three periods.

The machines live in a network namespace of the step's own, behind a cable (a pair of virtual
interfaces) that can be pulled: a Modbus server asked over a held connection, one asked with hold=0,
and a broker with a publisher. Faults: the cable is pulled at their side and at ours; the server of the
machine is killed and started; the machine vanishes without a word and another begins at its address
(half-open connection); Maru is killed; the broker is stopped and started; the wall clock jumps.

"Good" is a value that was taken after the cause was gone (return_peer.py), shown by the API. Sessions
are counted on both sides: at ours never more than one to a device that is being made or stands; at the
machine never two open and never a request on an older one, except behind a cable that was pulled: there
the last request and the farewell of the session that was given up are still under way (TCP delivers
them when the cable is back), which is counted. R-001 R-009

The wall clock is not that of this computer: time namespaces have no CLOCK_REALTIME, so the C library's
clock functions are wrapped for Maru alone, which adds an offset that the step sets.

usage: step_return.py      needs root, ip, a C compiler (for the clock), mosquitto; skips in words
"""
import json
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import threading
import time

from lib import QUICK, Server, claim, free_port, get_json, home_of, maru, query, skip
from mqtt_wire import MOSQUITTO

HERE = pathlib.Path(__file__).resolve().parent
PERIOD_S = 1.0
BACK_S = 3 * PERIOD_S
DOWN_S = (4,) if QUICK else (2, 5, 12, 30)  # How long a fault lasts: retries of every age.
HELD, FREE, BROKER = 1502, 1503, 1883
TAGS = {"held": HELD, "free": FREE, "gate": BROKER}

CLOCK_C = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static volatile long *offset_s;
__attribute__((constructor)) static void begin(void) {
    int fd = open(getenv("CLOCK_OFFSET_FILE"), O_RDONLY | O_CLOEXEC);
    void *at = fd >= 0 ? mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    offset_s = at != MAP_FAILED ? at : NULL;
}
int clock_gettime(clockid_t id, struct timespec *ts) {
    int result = (int)syscall(SYS_clock_gettime, id, ts);
    if (result == 0 && id == CLOCK_REALTIME && offset_s != NULL) {
        ts->tv_sec += *offset_s;
    }
    return result;
}
"""


def run(*args):
    subprocess.run(args, check=True, capture_output=True)


class Machine:
    """The namespace, its cable and its processes."""

    def __init__(self, folder):
        self.folder, self.name = folder, f"maru-{os.getpid()}"
        self.near = f"mr{os.getpid()}"[:14]
        third = os.getpid() % 250
        self.us, self.address = f"10.213.{third}.1", f"10.213.{third}.2"
        self.processes = {}

    def build(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.near, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self.us}/30", "dev", self.near)
        run("ip", "link", "set", self.near, "up")
        run("ip", "-n", self.name, "addr", "add", f"{self.address}/30", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")

    def start(self, what):
        commands = {
            "held": [sys.executable, HERE / "return_peer.py", "modbus", str(HELD), f"{self.folder}/held.log"],
            "free": [sys.executable, HERE / "return_peer.py", "modbus", str(FREE), f"{self.folder}/free.log"],
            "gate": [MOSQUITTO, "-c", f"{self.folder}/mosquitto.conf"],
            "publisher": [sys.executable, HERE / "return_peer.py", "publish", str(BROKER)]}
        self.processes[what] = subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, commands[what])],
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_all(self):
        for what in ("held", "free", "gate", "publisher"):
            self.start(what)

    def end(self, what):
        process = self.processes.pop(what, None)
        if process is not None:
            process.kill()
            process.wait()

    def vanish(self):
        """Everything is gone at once: no FIN and no RST can leave, because the cable goes first."""
        run("ip", "link", "del", self.near)
        for what in list(self.processes):
            self.end(what)
        run("ip", "netns", "del", self.name)

    def close(self):
        for what in list(self.processes):
            self.end(what)
        subprocess.run(["ip", "link", "del", self.near], capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class OurSessions(threading.Thread):
    """The most connections to one device at once that are being made or stand (/proc/net/tcp)."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.remote = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
        self.most, self.ended = {port: 0 for port in TAGS.values()}, False

    def run(self):
        while not self.ended:
            # By our own end: the list is read in pieces and may show one line twice.
            ends = {port: set() for port in self.most}
            for line in open("/proc/net/tcp").readlines()[1:]:
                fields = line.split()
                host, port = fields[2].split(":")
                if host == self.remote and int(port, 16) in ends and fields[3] in ("01", "02"):
                    ends[int(port, 16)].add(fields[1])
            for port, now in ends.items():
                self.most[port] = max(self.most[port], len(now))
            time.sleep(0.01)


class Scene:
    def __init__(self, folder):
        self.folder, self.machine, self.server = folder, Machine(folder), None
        self.home, self.listen = f"{folder}/home", f"127.0.0.1:{free_port()}"
        self.offset = open(f"{folder}/offset", "w+b")
        self.offset.write(bytes(8))
        self.offset.flush()
        self.offset_map = mmap.mmap(self.offset.fileno(), 8)
        self.worst, self.faults = {}, 0

    def prepare(self):
        maru("init", self.home)
        at = self.machine.address
        with open(f"{self.folder}/devices.csv", "w") as out:
            out.write("device,driver,address,period_ms,options,enabled\n"
                      f"held,modbus,{at}:{HELD},1000,,true\nfree,modbus,{at}:{FREE},1000,hold=0,true\n"
                      f"gate,mqtt,{at}:{BROKER},1000,,true\noff,modbus,{at}:{HELD},1000,,false\n")
        with open(f"{self.folder}/tags.csv", "w") as out:
            out.write("tag,device,source,type\nheld,held,holding:0 u32,i64\nfree,free,holding:0 u32,i64\n"
                      "gate,gate,machine/clock,i64\noff,off,holding:0 u32,i64\n")
        maru("import", self.home, f"{self.folder}/devices.csv", "--as", "devices")
        maru("import", self.home, f"{self.folder}/tags.csv", "--as", "tags")
        self.token = maru("token", self.home, "--role", "viewer").strip()
        with open(f"{self.folder}/mosquitto.conf", "w") as out:
            out.write(f"user root\nlistener {BROKER}\nallow_anonymous true\nlog_dest none\n"
                      f"persistence true\npersistence_location {self.folder}/\n")
        with open(f"{self.folder}/clock.c", "w") as out:
            out.write(CLOCK_C)
        run("cc", "-shared", "-fPIC", "-O1", "-o", f"{self.folder}/clock.so", f"{self.folder}/clock.c")

    def start_maru(self):
        self.server = Server("run", self.home, "--listen", self.listen, log=f"{self.folder}/maru.log",
                             prefix=("env", f"LD_PRELOAD={self.folder}/clock.so",
                                     f"CLOCK_OFFSET_FILE={self.folder}/offset"))

    def tag(self, name):
        return get_json(self.server.address, f"/api/v1/plants/main/tags/{name}", self.token)

    def wait_good(self, fault, names=tuple(TAGS), limit=None):
        """Seconds from now until each tag shows a value that was taken after now."""
        begin = time.monotonic()
        taken, seconds = int(begin * 10), {}
        while len(seconds) < len(names) and time.monotonic() - begin < 60:
            for name in names:
                tag = self.tag(name) if name not in seconds else None
                if tag and tag["quality"] == "good" and tag["value"] > taken:
                    seconds[name] = round(time.monotonic() - begin, 2)
            time.sleep(0.02)
        missing = set(names) - set(seconds)
        claim(not missing, f"{fault}: {missing} did not come back within a minute")
        self.faults += 1
        for name, value in seconds.items():
            key = f"{fault}_{name}_s"
            self.worst[key] = max(self.worst.get(key, 0), value)
            claim(limit is None or value <= limit,
                  f"{fault}: {name} was good again after {value} s; {limit} s is the limit (all: {seconds})")

    # ---- the faults: each returns when its cause is gone ----

    def cable_at_machine(self, down_s):
        run("ip", "-n", self.machine.name, "link", "set", "eth0", "down")
        time.sleep(down_s)
        run("ip", "-n", self.machine.name, "link", "set", "eth0", "up")

    def cable_at_ours(self, down_s):
        run("ip", "link", "set", self.machine.near, "down")
        time.sleep(down_s)
        run("ip", "link", "set", self.machine.near, "up")

    def device_restart(self, down_s):
        self.machine.end("held")
        self.machine.end("free")
        time.sleep(down_s)
        self.machine.start("held")
        self.machine.start("free")
        time.sleep(0.3)  # The interpreter's own start.

    def half_open(self, down_s):
        self.machine.vanish()
        time.sleep(down_s)
        self.machine.build()
        self.machine.start_all()
        time.sleep(0.3)

    def broker_restart(self, down_s):
        self.machine.end("gate")
        time.sleep(down_s)
        self.machine.start("gate")
        time.sleep(0.3)

    def maru_killed(self, down_s):
        self.server.kill()
        time.sleep(min(down_s, 2))
        self.start_maru()

    def clock_step(self, step_s):
        self.offset_map[:] = struct.pack("q", step_s)

    # ---- what the machine saw ----

    def machine_saw(self, name):
        """(most sessions at once, requests on an older session, longest session in s)"""
        most = crossed = 0
        longest, opened = 0.0, None
        for line in open(f"{self.folder}/{name}.log"):
            when, event, count = line.split()
            most = max(most, int(count))
            crossed += event == "crossed"
            if event == "open":
                opened = float(when)
            elif event == "close" and opened is not None:
                longest = max(longest, float(when) - opened)
        return most, crossed, longest

    def forget_log(self, name):
        os.truncate(f"{self.folder}/{name}.log", 0)


def check_sessions(scene, fault, pulled):
    for name in ("held", "free"):
        most, crossed, longest = scene.machine_saw(name)
        claim(pulled or crossed == 0, f"{fault}: {name} used two sessions in turn ({crossed} times)")
        claim(pulled or most <= 1, f"{fault}: {name} had {most} sessions at once at the machine")
        claim(name != "free" or pulled or longest < 0.5 * PERIOD_S, f"{fault}: hold=0 held its session for {longest:.2f} s")
        key = f"machine_sessions_max_{'pulled' if pulled else 'else'}"
        scene.worst[key] = max(scene.worst.get(key, 0), most)
        if pulled:
            scene.worst["late_requests_behind_a_cable"] = scene.worst.get("late_requests_behind_a_cable", 0) + crossed
        scene.forget_log(name)


def play(scene):
    ours = OurSessions(scene.machine.address)
    ours.start()
    scene.wait_good("start")
    check_sessions(scene, "start", False)
    faults = [(scene.cable_at_machine, True, tuple(TAGS)), (scene.cable_at_ours, True, tuple(TAGS)),
              (scene.device_restart, False, ("held", "free")), (scene.half_open, False, tuple(TAGS)),
              (scene.broker_restart, False, ("gate",)), (scene.maru_killed, False, tuple(TAGS))]
    for fault, pulled, names in faults:
        for down_s in DOWN_S:
            fault(down_s)
            scene.wait_good(fault.__name__, names, BACK_S)
            time.sleep(1.5)
            check_sessions(scene, fault.__name__, pulled)
    scene.clock_step(3600)  # An hour ahead.
    scene.wait_good("clock_ahead", limit=BACK_S)
    check_sessions(scene, "clock_ahead", False)
    scene.clock_step(0)  # And right again: pages show what comes now, not what has the latest time; all is stored.
    scene.wait_good("clock_back", limit=BACK_S)
    before = len(query(scene.home, "held"))
    time.sleep(5 * PERIOD_S)
    scene.worst["stored_in_5_periods_after_clock_back"] = stored = len(query(scene.home, "held")) - before
    claim(stored >= 4, f"only {stored} samples were stored in five periods after the clock was set back")
    check_sessions(scene, "clock_back", False)
    ours.ended = True
    ours.join()
    claim(max(ours.most.values()) == 1, f"we had more than one session to a device: {ours.most}")
    off = get_json(scene.server.address, "/api/v1/plants/main/devices/off", scene.token)
    claim(not off["enabled"] and off["health"]["polls"] == 0, "a device that is switched off was asked after a restart")


def main():
    if os.geteuid() != 0:
        skip("network namespaces need root")
    for tool in ("ip", "cc"):
        if shutil.which(tool) is None:
            skip(f"no {tool}")
    if not os.access(MOSQUITTO, os.X_OK):
        skip("no mosquitto; install the Debian package mosquitto")
    if os.environ.get("MARU_SANITIZED"):
        skip("a sanitized program does not stand a wrapped clock")
    with home_of("return") as folder:
        scene = Scene(folder)
        try:
            scene.machine.build()
        except subprocess.CalledProcessError as error:
            scene.machine.close()
            skip("no network namespaces here: " + error.stderr.decode().strip())
        try:
            scene.prepare()
            scene.machine.start_all()
            scene.start_maru()
            play(scene)
            print(json.dumps({"faults": scene.faults, "period_s": PERIOD_S, **scene.worst}))
        finally:
            if scene.server is not None:
                scene.server.stop()
            scene.machine.close()


if __name__ == "__main__":
    main()
