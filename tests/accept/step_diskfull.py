"""A full disk: writes are refused in clear words, queries go on, and it recovers by itself when there
is room again. Runs on a small file system of its own (tmpfs) in a mount namespace. R-009
"""
import http.client
import json
import os
import subprocess
import sys
import time

from lib import Failure, Server, claim, get_json, home_of, maru, skip

SIZE_MB = 96


def write(address, token, body):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/write?plant=main&precision=ms", body=body, headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def lines(begin, count):
    return "\n".join(f"noise value={(begin + i) * 0.37 % 1:.9f}{i % 7} {begin + i}" for i in range(count))


def fill(folder):
    """Takes all the room that is left."""
    with open(f"{folder}/ballast", "wb", buffering=0) as ballast:
        block = b"\0" * 65536
        while len(block) > 512:
            try:
                while ballast.write(block) == len(block):
                    pass
                block = block[:len(block) // 2]
            except OSError:
                block = block[:len(block) // 2]


def run(folder):
    home = f"{folder}/home"
    maru("init", home)
    token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
    server = Server("run", home, "--listen", "127.0.0.1:0")
    acknowledged = 0
    try:
        claim(write(server.address, token, lines(0, 1000))[0] == 204, "the first write was refused")
        acknowledged = 1000
        fill(folder)
        refused = None
        for _ in range(400):
            status, words = write(server.address, token, lines(acknowledged, 5000))
            if status != 204:
                refused = status, json.loads(words)
                break
            acknowledged += 5000
        claim(refused is not None, "writes were never refused although the disk is full")
        claim(refused[0] == 507 and len(refused[1]["detail"]) > 20, f"refused with {refused}")
        rows = get_json(server.address, "/api/v1/plants/main/samples?tag=noise&every=365d&agg=count", token)["items"]
        count = sum(r["count"] for r in rows)
        claim(count == acknowledged, f"{acknowledged} acknowledged, {count} answered on the full disk")
        flow = get_json(server.address, "/api/v1/plants/main/flow", token)
        claim(flow["store"]["disk_full"] is True, "the flow does not say that the disk is full")
        os.unlink(f"{folder}/ballast")
        begin = time.monotonic()
        while write(server.address, token, lines(acknowledged, 1))[0] != 204:
            claim(time.monotonic() - begin < 15, "writes are still refused 15 s after there is room")
            time.sleep(0.2)
        acknowledged += 1
        recovered_s = round(time.monotonic() - begin, 1)
    finally:
        server.stop()
    count = sum(1 for _ in maru("query", home, "noise").splitlines()) - 1
    claim(count == acknowledged, f"{acknowledged} acknowledged, {count} stored")
    maru("verify", home)
    return {"acknowledged": acknowledged, "stored": count, "refused_with": refused[0], "recovered_s": recovered_s}


def main():
    if os.environ.get("MARU_SMALL_DISK") is None:
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            skip("this user may not make a small file system")
        with home_of("diskfull") as folder:
            env = dict(os.environ, MARU_SMALL_DISK=folder)
            script = f'mount -t tmpfs -o size={SIZE_MB}m tmpfs "$0" && exec "$@"'
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script, folder, sys.executable, __file__], env=env,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise Failure(done.stderr[-3000:])
            print(done.stdout.strip())
            return
    print(json.dumps(run(os.environ["MARU_SMALL_DISK"])))


if __name__ == "__main__":
    main()
