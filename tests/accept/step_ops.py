"""Keeping running: backup under full write load and restore to the same logical content; kills in the middle of backup,
restore and optimize; erasures repeated; damaged backups refused; a broken upgrade that returns by itself. R-067 R-068 R-071
"""
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

from lib import PROGRAM, QUICK, ROOT, Failure, Server, claim, get, home_of, maru

LAUNCHER = os.environ.get("MARU_LAUNCHER", str(pathlib.Path(PROGRAM).parent / "maru-launch"))


class Writers:
    """Sends line protocol as fast as it is acknowledged, from several threads, until stopped."""

    def __init__(self, address, token, threads=2, rows=2000):
        self.address, self.token, self.rows = address, token, rows
        self.stop_flag = threading.Event()
        self.acknowledged = 0
        self.slowest_s = 0.0
        self.failure = None
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, index):
        at = 1_700_000_000_000 + index
        connection = http.client.HTTPConnection(self.address, timeout=60)
        while not self.stop_flag.is_set():
            body = "\n".join(f"load,w=t{i % 20} value={(at + i) % 1000 / 7:.4f} {at + i * 2}" for i in range(self.rows))
            at += self.rows * 2
            begin = time.monotonic()
            try:
                connection.request("POST", "/write?plant=main&precision=ms", body=body,
                                   headers={"Authorization": "Bearer " + self.token})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as failure:
                self.failure = self.failure or repr(failure)
                return
            if answer.status != 204:
                self.failure = self.failure or f"a write gave {answer.status}"
                return
            with self.lock:
                self.acknowledged += self.rows
                self.slowest_s = max(self.slowest_s, time.monotonic() - begin)

    def stop(self):
        self.stop_flag.set()
        for thread in self.threads:
            thread.join(60)
        claim(self.failure is None, f"writing failed: {self.failure}")
        return self.acknowledged


def serving(folder):
    home = f"{folder}/home"
    maru("init", home)
    with open(f"{home}/maru.conf", "a") as conf:
        conf.write("requests_per_s = 100000\n")
    token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
    return home, token, Server("run", home, "--listen", "127.0.0.1:0", log=f"{folder}/server.log")


def digest_of(home):
    return json.loads(maru("verify", home, "--digest", "--json"))["digest"]


def count_of(home, at=None):
    return sum(int(line.split(",")[-1]) for line in
               maru("query", home, "load.*", "--agg", "count").splitlines()[1:])


def load_and_restore(folder, seconds):
    """The digest that the running home had at the moment of the backup is the restored home's."""
    home, token, server = serving(folder)
    figures = {}
    try:
        writers = Writers(server.address, token)
        time.sleep(seconds)
        before = writers.acknowledged
        claim(before > 0, "nothing was written before the backup")
        begin = time.monotonic()
        backup = json.loads(maru("backup", home, f"{folder}/one.backup", "--json"))
        took = time.monotonic() - begin
        during = writers.acknowledged - before
        time.sleep(0.5)
        total = writers.stop()
        figures.update(rows_before=before, rows_while_backed_up=during, backup_s=round(took, 2), backup_mb=round(backup["bytes"] / 1e6, 1),
                       slowest_write_s=round(writers.slowest_s, 2), rows_in_backup=backup["rows"])
        claim(during > 0, "no write was acknowledged while the backup ran: it stopped the writers")
        claim(before <= backup["rows"] <= total, f"{before} acknowledged before, but {backup['rows']} rows in the backup")
        checked = json.loads(maru("verify", f"{folder}/one.backup", "--json"))
        claim(checked["digest"] == backup["digest"], "verify FILE names another digest")
        restored = json.loads(maru("restore", f"{folder}/one.backup", f"{folder}/restored", "--json"))
        claim(restored["digest"] == backup["digest"], "restore names another digest")
        claim(digest_of(f"{folder}/restored") == backup["digest"], "the restored home has another digest")
        claim(count_of(f"{folder}/restored") == backup["rows"], "the restored home answers another count")
        done = maru("restore", f"{folder}/one.backup", f"{folder}/restored", expect=None)
        claim(done.returncode == 1 and "already" in done.stderr, "a restore over a home was not refused")
        # A quiet home: hot and cold digest agree, and so does a backup of it.
        hot = json.loads(maru("verify", home, "--digest", "--json"))["digest"]
        order = json.loads(maru("optimize", home, "--json"))
        again = json.loads(maru("verify", home, "--digest", "--json"))["digest"]
        figures["optimize_bytes"] = [order["bytes_before"], order["bytes_after"]]
        claim(hot == again, "optimize changed what the home says")
    finally:
        server.stop()
    return figures


def flips(folder, count):
    """A flipped byte anywhere in a backup is found, and nothing is put in place."""
    data = bytearray(pathlib.Path(f"{folder}/one.backup").read_bytes())
    chance = random.Random(7)
    for _ in range(count):
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        bad = pathlib.Path(f"{folder}/bad.backup")
        bad.write_bytes(data)
        data[at] = pathlib.Path(f"{folder}/one.backup").read_bytes()[at]
        done = maru("restore", bad, f"{folder}/never", expect=None)
        claim(done.returncode == 1, f"a backup with byte {at} flipped was restored")
        claim(not os.path.exists(f"{folder}/never"), f"byte {at}: something was put in place")
    for size in (0, 10, len(data) // 2, len(data) - 1):
        bad.write_bytes(bytes(data[:size]))
        claim(maru("verify", bad, expect=None).returncode == 1, f"a backup cut to {size} bytes was accepted")
    return {"flips_found": count}


def kills(folder, rounds):
    """kill -9 of the server or the command in the middle of each; everything acknowledged is there."""
    chance = random.Random(11)
    killed = 0
    for turn in range(rounds):
        sub = f"{folder}/kill{turn}"
        os.mkdir(sub)
        home, token, server = serving(sub)
        writers = Writers(server.address, token, threads=1)
        time.sleep(0.5)
        command = [["backup", home, f"{sub}/k.backup"], ["optimize", home]][turn % 2]
        process = subprocess.Popen([PROGRAM, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.0, 0.25))
        (server if turn % 4 < 2 else process).kill()
        killed += 1
        process.wait(60)
        writers.stop_flag.set()
        for thread in writers.threads:
            thread.join(60)
        server.kill() if server.process.poll() is None else None
        maru("verify", home)
        claim(count_of(home) >= writers.acknowledged, "acknowledged rows are gone after the kill")
        if os.path.exists(f"{sub}/k.backup"):
            maru("verify", f"{sub}/k.backup")  # It is there as a whole or not at all.
        maru("backup", home, f"{sub}/after.backup")
        target = f"{sub}/restored"
        process = subprocess.Popen([PROGRAM, "restore", f"{sub}/after.backup", target], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.wait()
        if not os.path.exists(target):
            maru("restore", f"{sub}/after.backup", target)
        maru("verify", target)
        claim(digest_of(target) == json.loads(maru("verify", f"{sub}/after.backup", "--json"))["digest"],
              "a restore after a killed restore has another digest")
        shutil.rmtree(sub)
    return {"kills": killed}


def keys(folder):
    home = f"{folder}/keyhome"
    maru("init", home)
    pathlib.Path(f"{home}/keys/plant.key").write_bytes(b"secret of the plant" * 10)
    plain = maru("backup", home, f"{folder}/plain.backup")
    claim(b"secret of the plant" not in pathlib.Path(f"{folder}/plain.backup").read_bytes(), "a plain backup holds keys")
    phrase = json.loads(maru("backup", home, f"{folder}/keys.backup", "--with-keys", "--json"))["phrase"]
    claim(b"secret of the plant" not in pathlib.Path(f"{folder}/keys.backup").read_bytes(), "keys lie open in the backup")
    pathlib.Path(f"{folder}/phrase").write_text(phrase.lower().replace("-", " ") + "\n")
    pathlib.Path(f"{folder}/wrong").write_text(phrase[:-1] + ("0" if phrase[-1] != "0" else "1"))
    done = maru("restore", f"{folder}/keys.backup", f"{folder}/k1", "--phrase-file", f"{folder}/wrong", expect=None)
    claim(done.returncode == 1 and not os.path.exists(f"{folder}/k1"), "a wrong phrase restored something")
    maru("restore", f"{folder}/keys.backup", f"{folder}/k1", "--phrase-file", f"{folder}/phrase")
    claim(pathlib.Path(f"{folder}/k1/keys/plant.key").read_bytes() == b"secret of the plant" * 10, "the key came back changed")
    return {}


BAD_PROGRAMS = {
    # What a version does after `maru --version` looked right.
    "exits": 'exit 3',
    "hangs": 'exec tail -f /dev/null',
    "migrates": 'HOME_DIR="$2"; echo "listen = \\"nonsense" > "$HOME_DIR/maru.conf"; echo garbage > "$HOME_DIR/hub.db"; '
                'for f in "$HOME_DIR"/plants/*/history/manifest; do echo later > "$f"; done; kill -9 $$',
    "serves_then_crashes": '"{program}" run "$2" --listen 127.0.0.1:0 --for 2s; exit 9',
}


class Launcher:
    """maru-launch on its folder; the programs it runs listen on a port of the system's choosing."""

    def __init__(self, state, ready_s=15 if os.environ.get("MARU_SANITIZED") else 4, trial_s=7):
        self.lines = []
        self.process = subprocess.Popen([LAUNCHER, state, "--ready-wait", f"{ready_s}s", "--trial", f"{trial_s}s", "--",
                                         "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=open(f"{state}/launch.log", "ab"), text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def ready(self, count, wait=40):
        """The address of the count-th `ready` line."""
        end = time.monotonic() + wait
        while time.monotonic() < end:
            found = [line.split()[1] for line in self.lines if line.startswith("ready ")]
            if len(found) >= count:
                return found[count - 1].split("//")[1]
            claim(self.process.poll() is None, "the launcher ended")
            time.sleep(0.05)
        raise Failure(f"no {count} ready lines within {wait} s")

    def count(self):
        return sum(line.startswith("ready ") for line in self.lines)

    def stop(self):
        self.process.terminate()
        self.process.wait(90)


def bad_program(folder, name):
    path = pathlib.Path(f"{folder}/bad-{name}/maru")
    path.parent.mkdir()
    body = BAD_PROGRAMS[name].replace("{program}", PROGRAM)
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "maru 9.9.9"; exit 0; fi\n{body}\n')
    path.chmod(0o755)
    return path.parent


def upgrades(folder):
    """A bad version returns by itself to the old program and the old home; a good one stays."""
    state = f"{folder}/launch"
    os.mkdir(state)
    maru("upgrade", PROGRAM, "--state", state)
    launcher = Launcher(state)
    seconds = {}
    try:
        launcher.ready(1)
        home = f"{state}/home"
        with open(f"{home}/maru.conf", "a") as conf:
            conf.write("requests_per_s = 100000\n")
        launcher.stop()
        launcher = Launcher(state)
        launcher.ready(1)
        token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
        for name in BAD_PROGRAMS:
            address = launcher.ready(launcher.count())
            writers = Writers(address, token, threads=1, rows=200)
            time.sleep(0.3)
            rows = writers.stop()
            before = count_of(home)
            claim(before >= rows > 0, "rows are missing before the upgrade")
            ready = launcher.count()
            begin = time.monotonic()
            done = maru("upgrade", bad_program(folder, name), "--state", state, "--wait", "90s", expect=None)
            seconds[name] = round(time.monotonic() - begin, 1)
            claim(done.returncode == 1, f"{name}: upgrade gave {done.returncode}: {done.stderr}")
            outcome = pathlib.Path(f"{state}/outcome").read_text().split()
            claim(outcome[0] == "returned", f"{name}: {outcome}")
            launcher.ready(ready + (4 if name == "serves_then_crashes" else 1))
            claim(count_of(home) == before, f"{name}: {count_of(home)} rows after the return instead of {before}")
            claim(os.path.isdir(outcome[4]), f"{name}: the failed version's home is not kept")
            claim(os.readlink(f"{state}/current") == "versions/1", f"{name}: the link was not put back")
            shutil.rmtree(outcome[4])
        # A good version stays.
        good = pathlib.Path(f"{folder}/good")
        good.mkdir()
        shutil.copy2(PROGRAM, good / "maru")
        maru("upgrade", good, "--state", state, "--wait", "60s")
        claim(not os.path.exists(f"{state}/before"), "the copy of the home was not removed")
        # A package is a version, too.
        package = subprocess.run(["bash", str(ROOT / "packaging/package.sh"), PROGRAM, str(LAUNCHER), folder],
                                 capture_output=True, text=True, env=dict(os.environ, MARU_KEEP_SYMBOLS="1"))
        claim(package.returncode == 0, f"no package was built: {package.stderr[-1000:]}")
        fields = subprocess.run(["dpkg-deb", "-f", package.stdout.strip(), "Package", "Depends"], capture_output=True, text=True).stdout
        claim("libsqlite3-0" in fields and "libc6" in fields, f"the package does not say what it needs: {fields}")
        maru("upgrade", package.stdout.strip(), "--state", state, "--wait", "60s")
        # A launcher that is killed in a trial goes on, and a bad version still returns.
        current = os.readlink(f"{state}/current")
        maru("upgrade", bad_program(folder + "/launch", "hangs"), "--state", state)
        end = time.monotonic() + 20
        while not os.path.exists(f"{state}/trial") or os.readlink(f"{state}/current") == current:
            claim(time.monotonic() < end, "the trial did not begin")
            time.sleep(0.02)
        launcher.process.kill()
        launcher.process.wait()
        launcher = Launcher(state)
        launcher.ready(1)
        claim(os.readlink(f"{state}/current") == current, "the version before the trial is not back")
        maru("verify", home)
        # Not Maru at all: refused before anything happens.
        claim(maru("upgrade", "/bin/true", "--state", state, expect=None).returncode == 1, "/bin/true was taken for Maru")
    finally:
        launcher.stop()
    return {"returned_s": seconds}


def owner_and_tokens(folder):
    """A token that was withdrawn opens nothing; a reset link sets the password once."""
    home, token, server = serving(folder)

    def post(path, body):
        connection = http.client.HTTPConnection(server.address, timeout=10)
        connection.request("POST", path, body=json.dumps(body), headers={"Content-Type": "application/json"})
        return connection.getresponse().status

    try:
        claim(get(server.address, "/api/v1/plants", token)[0] == 200, "the token does not work")
        items = json.loads(maru("token", home, "--list", "--json"))["items"]
        maru("token", home, "--revoke", items[0]["id"])
        claim(get(server.address, "/api/v1/plants", token)[0] == 401, "a withdrawn token still works")
        claim(maru("token", home, "--revoke", items[0]["id"], expect=None).returncode == 1, "withdrawn twice")
        secret = server.setup.split("#")[1]
        claim(post("/api/v1/setup", {"secret": secret, "login": "kim", "password": "first-password-1"}) == 200, "no owner")
        link = json.loads(maru("owner", home, "--reset", "--json"))["secret"]
        new = {"secret": link, "login": "kim", "password": "second-password-2"}
        claim(post("/api/v1/setup", new) == 200, "the reset link was refused")
        claim(post("/api/v1/setup", new) == 403, "the reset link worked twice")
        claim(post("/api/v1/session", {"login": "kim", "password": "first-password-1"}) == 401, "the old password works")
        claim(post("/api/v1/session", {"login": "kim", "password": "second-password-2"}) == 200, "the new one does not")
    finally:
        server.stop()
    return {}


def main():
    figures = {}
    with home_of("ops-owner") as folder:
        figures.update(owner_and_tokens(folder))
    with home_of("ops-upgrade") as folder:
        figures.update(upgrades(folder))
    with home_of("ops") as folder:
        figures.update(load_and_restore(folder, 1.5 if QUICK else 15))
        figures.update(flips(folder, 6 if QUICK else 200))
        figures.update(keys(folder))
        figures.update(kills(folder, 2 if QUICK else 40))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
