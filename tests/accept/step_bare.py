"""A bare Debian 12 with only git: ./dev demo and ./dev test as the README says, nothing else typed.

debootstrap makes the root in a folder of ours; the project comes in by git clone; both commands run
in it by chroot. The root gets this machine's way to the network (resolver, certificates, package
sources, npm's settings) and nothing else. Skips loudly where it may not make a root.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from lib import ROOT, claim

SUITE = "bookworm"


def sh(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more)


def mirror():
    for path in ["/etc/apt/sources.list", *map(str, pathlib.Path("/etc/apt/sources.list.d").glob("*"))]:
        if os.path.exists(path):
            match = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S*debian\S*?)/?(?:\s|$)", open(path).read(), re.M)
            if match:
                return match[1]
    raise SystemExit("no Debian package source is configured on this machine")


def make_root(root):
    base = os.environ.get("MARU_BARE_BASE")  # A debootstrapped root made before, to be copied.
    if base:
        sh("cp", "-a", base + "/.", root)
    else:
        sh("debootstrap", "--variant=minbase", "--include=git,ca-certificates", SUITE, root, mirror())
    for path in ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", "/usr/etc/npmrc", "/root/.npmrc"]:
        if os.path.exists(path):
            target = root + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
    for name in ["proc", "sys", "dev"]:
        sh("mount", "--rbind", f"/{name}", f"{root}/{name}")


def unmount(root):
    for name in ["proc", "sys", "dev"]:
        subprocess.run(["umount", "-R", "-l", f"{root}/{name}"], capture_output=True)


def inside(root, command):
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    return subprocess.Popen(["chroot", root, "sh", "-c", f"cd /root/maru && exec {command}"], env=env, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def demo(root):
    begin = time.monotonic()
    process = inside(root, "./dev demo --listen 127.0.0.1:0")
    output = []
    try:
        for line in process.stdout:
            output.append(line)
            if line.startswith("ready "):
                break
        claim(output and output[-1].startswith("ready "), "the demo did not start: " + "".join(output[-30:]))
        address = output[-1].split()[1]
        while True:
            try:
                if urllib.request.urlopen(address + "/readyz", timeout=5).status == 200:
                    break
            except OSError:
                pass
            claim(time.monotonic() - begin < 1200, "never ready")
            time.sleep(0.2)
        page = urllib.request.urlopen(address + "/", timeout=5).read().decode()
        claim("<script" in page, "the pages are not built in")
        return round(time.monotonic() - begin)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test(root):
    begin = time.monotonic()
    process = inside(root, "./dev test")
    output = process.communicate()[0]
    claim(process.returncode == 0, "./dev test failed: " + output[-6000:])
    counts = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
    claim(counts, "no count of tests was printed")
    return round(time.monotonic() - begin), int(counts[-1][0])


def main():
    if os.geteuid() != 0:
        print("SKIPPED: only root can make a bare root here", file=sys.stderr)
        raise SystemExit(1)
    root = tempfile.mkdtemp(prefix="maru-bare-")
    try:
        make_root(root)
        sh("git", "clone", "--quiet", str(ROOT), f"{root}/root/maru")
        demo_s = demo(root)
        test_s, count = test(root)
        print(json.dumps({"demo_cold_s": demo_s, "test_s": test_s, "tests": count}))
    finally:
        unmount(root)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
