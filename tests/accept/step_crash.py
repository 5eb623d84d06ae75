"""Power cuts, kills, faults and damage, in numbers: the programs of tests/crash at full length.

step_crash.py [KILLS]. Each program prints lines `counts NAME NUMBER ...`; they are added up here. A
lost, doubled or wrong batch fails its program, so the zeros are claims that were tried so often.
R-001 R-006
"""
import json
import os
import pathlib
import re
import subprocess
import sys

from lib import ROOT, claim

BUILD = pathlib.Path(os.environ.get("MARU_TESTS", ROOT / "build" / "dev"))
# program: how often, in place of the quick numbers of the ordinary tests.
PROGRAMS = {
    "power": {"MARU_CRASH_SAMPLES": "24", "MARU_CRASH_LIVES": "400"},
    "faults": {"MARU_CRASH_STRIDE": "1", "MARU_CRASH_SAMPLES": "8"},
    "flips": {"MARU_CRASH_STRIDE": "1", "MARU_CRASH_BITS": "8"},
    "kill": {"MARU_CRASH_KILLS": "500", "MARU_CRASH_COPIES": "20"},
}


def main(kills):
    targets = [f"test_crash_{name}" for name in PROGRAMS]
    claim((BUILD / "build.ninja").exists(), f"{BUILD} is not configured: ./dev test makes it")
    subprocess.run(["ninja", "-C", str(BUILD), *targets], check=True, stdout=subprocess.DEVNULL)
    PROGRAMS["kill"]["MARU_CRASH_KILLS"] = kills
    sums = {}
    for name, more in PROGRAMS.items():
        done = subprocess.run([str(BUILD / f"test_crash_{name}")], env=dict(os.environ, **more), capture_output=True,
                              text=True, timeout=1500)
        claim(done.returncode == 0, f"test_crash_{name} failed:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
        for line in re.findall(r"^counts (.*)$", done.stdout, re.M):
            for key, number in re.findall(r"(\w+) (\d+)", line):
                sums[key] = sums.get(key, 0) + int(number)
    claim(sums.get("kills") == int(kills), f"{sums.get('kills')} kills of {kills} were counted")
    claim(all(sums.get(key, 0) > 0 for key in ("prefixes", "states", "faults", "flips", "acknowledged")),
          f"a number is missing: {sums}")
    sums["runs"] = sums.pop("days") + sums["faults"] + sums["recoveries"]
    print(json.dumps(sums))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "500")
