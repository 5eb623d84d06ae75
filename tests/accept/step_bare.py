"""A bare Debian 12 with only git: ./dev demo and ./dev test as the README says, nothing else typed.

debootstrap makes the root in a folder of ours; the project comes in by git clone; both commands run
in it by chroot. The root gets this machine's way to the network (resolver, certificates, npm's
settings) and nothing else. Everything is mounted inside a mount and process namespace of its own, so
that no mount of ours can outlive the run, and the folder is removed only when nothing is mounted
below it. Fails loudly where it may not make a root.

MARU_BARE_BASE names a debootstrapped root made before, which is copied instead of made anew.
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


def mount_inside(root):
    """Only in our own namespaces (main checks). The root has device files of its own."""
    sh("mount", "-t", "proc", "proc", f"{root}/proc")
    for name in ["pts", "shm"]:
        os.makedirs(f"{root}/dev/{name}", exist_ok=True)
    sh("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=666,mode=620", "devpts", f"{root}/dev/pts")
    sh("mount", "-t", "tmpfs", "tmpfs", f"{root}/dev/shm")
    ptmx = f"{root}/dev/ptmx"
    if os.path.lexists(ptmx):
        os.unlink(ptmx)
    os.symlink("pts/ptmx", ptmx)


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


def inner(root):
    mount_inside(root)
    demo_s = demo(root)
    test_s, count = test(root)
    print(json.dumps({"demo_cold_s": demo_s, "test_s": test_s, "tests": count}))


def mounted_below(root):
    with open("/proc/self/mountinfo") as lines:
        return [line for line in lines if line.split()[4].startswith(root)]


def main():
    if os.geteuid() != 0:
        print("only root can make a bare root here", file=sys.stderr)
        raise SystemExit(1)
    root = os.path.realpath(tempfile.mkdtemp(prefix="maru-bare-"))
    try:
        make_root(root)
        sh("git", "clone", "--quiet", str(ROOT), f"{root}/root/maru")
        own = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        done = subprocess.run([*own, sys.executable, __file__, "--inside", root])
        raise SystemExit(done.returncode)
    finally:
        if mounted_below(root):
            print(f"{root} is left: something is still mounted below it", file=sys.stderr)
        else:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--inside":
        inner(sys.argv[2])
    else:
        main()
