"""The demo in a network namespace without a route: ready within 10 s, at least 60 fresh tags, under
100 MB, counters that count; where mosquitto is installed, a compressor that publishes through a broker
which ends with the demo, also when that is killed. R-001 R-006 R-021 R-022 R-023

usage: step_demo.py [SECONDS]
"""
import json
import os
import shutil
import subprocess
import sys
import time

from lib import PROGRAM, Failure, Server, claim, get, get_json, home_of, maru, wait_ready


def isolated():
    """The command prefix for a namespace that has nothing but loopback, where we may make one."""
    probe = ["unshare", "--net", "sh", "-c", "ip link set lo up && ip route show"]
    done = subprocess.run(probe, capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == ""


def broker_installed():
    return shutil.which("mosquitto", path="/usr/sbin:" + os.environ.get("PATH", "")) is not None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as listing:
        return [int(one) for one in listing.read().split()]


def is_gone(pid, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True  # Whoever inherited it has not looked yet.
        except OSError:
            return True
        time.sleep(0.05)
    return False


def killed(folder):
    """kill -9 takes the broker along; a broker that cannot start is told in words and costs one machine."""
    if broker_installed():
        server = Server("demo", f"{folder}/killed", "--listen", "127.0.0.1:0", log=f"{folder}/killed.log")
        broker = children(server.process.pid)
        claim(len(broker) == 1, f"the demo has the children {broker}")
        server.kill()
        claim(is_gone(broker[0], 5), "the broker outlived the demo")
    server = Server("demo", f"{folder}/without", "--listen", "127.0.0.1:0", "--broker", f"{folder}/nothing", "--lang", "en",
                    log=f"{folder}/without.log")
    claim(server.stop() == 0, "the demo without a broker did not end well")
    with open(f"{folder}/without.log") as log:
        words = log.read()
    claim(words.count("runs without its compressor") == 1, "the missing broker is not told once: " + words[-500:])


def run(folder, seconds):
    seconds = max(seconds, 45) if os.environ.get("MARU_SANITIZED") else seconds  # It takes that long to get going.
    home = f"{folder}/home"
    if isolated() and os.environ.get("MARU_ISOLATED") != "1":
        env = dict(os.environ, MARU_ISOLATED="1")
        inner = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, __file__, str(seconds)]
        done = subprocess.run(inner, env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(done.stderr[-3000:])
        return json.loads(done.stdout)
    server = Server("demo", home, "--listen", "127.0.0.1:0", "--for", f"{seconds}s", log=f"{folder}/log")
    begin = server.started
    wait_ready(server.address, 10)
    ready_s = time.monotonic() - begin
    token = maru("token", home, "--role", "viewer").strip()
    claim(server.setup and server.setup.startswith("http"), "no sign-in link was printed")
    time.sleep(5)
    fresh = get_json(server.address, "/api/v1/plants/demo/tags?fresh=5s", token)["items"]
    claim(len(fresh) >= 60, f"only {len(fresh)} tags are fresh")
    told = get_json(server.address, "/api/v1/plants/demo/tags?fresh=60s", token)["items"]  # It reports changes only.
    machine = [t["name"] for t in told if t["name"].startswith("util.comp1.")]
    brokers = children(server.process.pid)
    claim(len(machine) >= 5 if broker_installed() else not machine, f"of the compressor there are {machine}")
    first = {c["tag"]: c["total"] for c in get_json(server.address, "/api/v1/plants/demo/counts", token)["items"]}
    peak, changed = 0.0, set()
    start_values = {t["name"]: t["value"] for t in fresh}
    while server.process.poll() is None and time.monotonic() - begin < seconds - 3:
        peak = max(peak, server.rss_mb())
        for t in get_json(server.address, "/api/v1/plants/demo/tags", token)["items"]:
            if t["value"] != start_values.get(t["name"]):
                changed.add(t["name"])
        time.sleep(1)
    second = {c["tag"]: c["total"] for c in get_json(server.address, "/api/v1/plants/demo/counts", token)["items"]}
    claim(any(second[t] > first.get(t, 0) for t in second), "no counter moved")
    claim(len(changed) >= 30, f"only {len(changed)} tags changed")
    claim(os.environ.get("MARU_SANITIZED") or peak < 100, f"{peak:.0f} MB of memory")
    server.process.wait(30)
    claim(server.process.returncode == 0, f"the demo ended with {server.process.returncode}")
    claim(all(is_gone(one, 1) for one in brokers), "the broker outlived the demo")
    killed(folder)
    return {"ready_s": round(ready_s, 2), "fresh_tags": len(fresh), "changed_tags": len(changed), "rss_peak_mb": round(peak, 1),
            "counters": len(second), "published_tags": len(machine), "namespace": os.environ.get("MARU_ISOLATED") == "1"}


if __name__ == "__main__":
    with home_of("demo") as folder:
        print(json.dumps(run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 60)))
