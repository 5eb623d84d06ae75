"""`maru soak` as a user runs it: cuts and kills at random moments, and nothing is missing or doubled.

usage: step_soak.py SECONDS
R-009
"""
import json
import os
import sys

from lib import claim, home_of, maru


def run(folder, kind, seconds):
    found = json.loads(maru("soak", kind, "--seconds", seconds, "--dir", folder, "--json"))
    claim(found["gaps"] == 0 and found["duplicates"] == 0 and found["wrong"] == 0, f"{kind}: {found}")
    claim(found["stored"] == found["produced"] >= 90 * seconds, f"{kind}: too little was collected: {found}")
    claim(found["cuts"] >= seconds / 4, f"{kind}: it was hardly disturbed: {found}")
    claim(not os.listdir(folder), f"{kind}: left behind: {os.listdir(folder)}")
    return found


def main(seconds):
    with home_of("soak") as folder:
        outage, kill = run(folder, "outage", seconds), run(folder, "kill", seconds)
        text = maru("soak", "kill", "--seconds", 2, "--dir", folder, "--lang", "ko")
        claim(text.endswith("\ngaps 0 duplicates 0\n"), f"it ended with {text!r}")
        refused = maru("soak", "flood", expect=None)
        claim(refused.returncode == 2 and "flood" in refused.stderr, f"an unknown trial gave {refused.returncode}")
    print(json.dumps({"cuts": outage["cuts"], "kills": kill["cuts"], "samples": outage["stored"] + kill["stored"],
                      "gaps": 0, "duplicates": 0}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
