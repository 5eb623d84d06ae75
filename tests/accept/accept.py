"""Everything that must hold before the work is called done. ./dev accept [step...]

Each step is a command with a time limit. A step that passed on exactly this tree (git's tree id and
a clean work tree) is not run again, so an interrupted run is resumed by the same command. Figures go
to docs/RELIABILITY.md between its markers. Exit 0 only when every step passed.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = ROOT / "build" / "accept"
PYTHON = "/usr/bin/python3"
HERE = "tests/accept"

# name, what it proves, command, time limit in seconds
STEPS = [
    ("release", "the release program builds", ["./dev", "build"], 1200),
    ("test", "the quick tests pass", ["./dev", "test"], 1200),
    ("asan", "all tests under the address and undefined-behaviour sanitizers", ["./dev", "asan"], 2400),
    ("tsan", "all tests under the thread sanitizer", ["./dev", "tsan"], 2400),
    ("interop", "drivers and simulators against clients and servers that are not ours", ["./dev", "interop"], 1200),
    ("fuzz", "each fuzz target for 60 s", ["./dev", "fuzz", "60"], 3600),
    ("demo", "the demo for 60 s without a network", [PYTHON, f"{HERE}/step_demo.py", "60"], 120),
    ("doctor", "the connection doctor names each injected cause", [PYTHON, f"{HERE}/step_doctor.py"], 600),
    ("crash", "every disk a power cut can leave of recorded runs, each fault and flipped bit, 500 kills under load: nothing acknowledged lost or doubled", [PYTHON, f"{HERE}/step_crash.py", "500"], 3600),
    ("replay", "collection from pymodbus for 60 s, killed every 5 s", [PYTHON, f"{HERE}/step_replay.py", "60"], 300),
    ("mqtt", "100,000 QoS 1 messages while Maru is killed five times: each stored once", [PYTHON, f"{HERE}/step_mqtt.py", "100000", "5"], 600),
    ("outage", "13 hours without broker and network at 200 times the speed: no gap, no duplicate", [PYTHON, f"{HERE}/step_outage.py", "13", "200"], 900),
    ("soak", "the program's own trial: the line cut, and the collecting process killed, at random moments for five minutes each", [PYTHON, f"{HERE}/step_soak.py", "300"], 900),
    ("links", "500 links x 100 tags x 1 Hz for ten minutes; change to browser; memory, start, size", [PYTHON, f"{HERE}/step_links.py", "600"], 1200),
    ("crowd", "200 live streams and 50 busy users beside the collection of 5,000 tags: no sample lost, pages quick, memory bounded, a stuck reader dropped", [PYTHON, f"{HERE}/step_crowd.py", "120"], 600),
    ("return", "after each of six faults and a clock that jumps every device is good within three periods", [PYTHON, f"{HERE}/step_return.py"], 1200),
    ("press", "1,000 strokes with 37 rejects through a restarted controller, a roll-over, 90 s without a link and two kills: the order shows 963 good, 37 bad, OEE as reckoned", [PYTHON, f"{HERE}/step_press.py", "300", "90"], 900),
    ("terminals", "20 terminals tell two events a second each for five minutes beside the collection of 5,000 tags, with three kills: each done once, in order, answers within 100 ms", [PYTHON, f"{HERE}/step_terminals.py", "300"], 900),
    ("programme", "every worked result of the support programmes by command; a new announcement written as data", [PYTHON, f"{HERE}/step_programme.py"], 300),
    ("import", "a million real samples in and out, twice; flipped bytes found", [PYTHON, f"{HERE}/step_import.py", "200"], 1800),
    ("master", "ten thousand items in every encoding and as XLSX give one result; out and in again unchanged", [PYTHON, f"{HERE}/step_master.py"], 900),
    ("tables", "one table in every encoding, packing and as XLSX gives one result; 1 GB with bounded memory", [PYTHON, f"{HERE}/step_tables.py", "1024"], 3600),
    ("diskfull", "a full disk refuses writes in words, answers queries, recovers by itself", [PYTHON, f"{HERE}/step_diskfull.py"], 300),
    ("https", "own certificate, files changed under way, no TLS told apart", [PYTHON, f"{HERE}/step_https.py"], 300),
    ("syslog", "audit entries to a receiver over TLS: absent, wrong, deaf, back", [PYTHON, f"{HERE}/step_syslog.py"], 300),
    ("mail", "mail with STARTTLS, what is refused, a fault told through an outage", [PYTHON, f"{HERE}/step_mail.py"], 600),
    ("ops", "backup under load, restore to the same content, kills in the middle", [PYTHON, f"{HERE}/step_ops.py"], 1200),
    ("pictures", "each page as a picture at four sizes, light and dark, Korean and English", ["./dev", "e2e"], 3600),
    ("bench", "the benchmarks print their keys", [PYTHON, f"{HERE}/step_bench.py", "--write"], 1800),
    ("bare", "./dev demo and ./dev test in a bare Debian 12", [PYTHON, f"{HERE}/step_bare.py"], 5400),
]




def code_tree():
    """Like tree(), but without documents: a figure written down must not make the run stale."""
    listing = subprocess.run(["git", "ls-files", "-s", "--", ".", ":!docs", ":!README.md", ":!CHANGELOG.md"], cwd=ROOT,
                             capture_output=True).stdout
    diff = subprocess.run(["git", "diff", "--", ".", ":!docs", ":!README.md", ":!CHANGELOG.md"], cwd=ROOT, capture_output=True).stdout
    return hashlib.sha256(listing + diff).hexdigest()[:16]


def figures_of(text):
    """The last JSON object a step printed, or the counts of a test run."""
    for line in reversed(text.strip().splitlines()):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                pass
        match = re.fullmatch(r"(\d+) passed, (\d+) failed", line.strip())
        if match:
            return {"passed": int(match[1]), "failed": int(match[2])}
    clean = re.findall(r"^(fuzz_\w+)\s+clean, (\d+) runs", text, re.M)
    return {"targets": len(clean), "runs": sum(int(n) for _, n in clean)} if clean else {}


def run_step(name, command, limit, stamp):
    begin = time.monotonic()
    env = dict(os.environ, MARU_PICTURES="all") if name == "pictures" else dict(os.environ)
    log = STATE / f"{name}.log"
    with open(log, "w") as out:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=limit, env=env).returncode
        except subprocess.TimeoutExpired:
            code = f"no end within {limit} s"
    seconds = round(time.monotonic() - begin)
    result = {"code": code, "seconds": seconds, "tree": stamp, "date": datetime.date.today().isoformat(),
              "figures": figures_of(log.read_text(errors="replace"))}
    (STATE / f"{name}.json").write_text(json.dumps(result))
    return result


def write_page(results, stamp):
    """Each row names the code it ran on; a row of other code than the newest says so."""
    rows = [f"Newest code: `{stamp}`.", "", "| step | proves | result | seconds | figures | date | code |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, proves, *_ in STEPS:
        r = results.get(name)
        if r is None:
            rows.append(f"| {name} | {proves} | not run | | | | |")
            continue
        figures = ", ".join(f"{k} {v}" for k, v in r["figures"].items() if not isinstance(v, (dict, list)))
        rows.append(f"| {name} | {proves} | {'held' if r['code'] == 0 else 'did not hold: ' + str(r['code'])} | {r['seconds']} | {figures} | {r['date']} | {'newest' if r['tree'] == stamp else 'earlier: `' + r['tree'] + '`'} |")
    page = ROOT / "docs" / "RELIABILITY.md"
    text = page.read_text()
    begin, end = "<!-- accept:begin -->", "<!-- accept:end -->"
    head, rest = text.split(begin)
    page.write_text(head + begin + "\n" + "\n".join(rows) + "\n" + end + rest.split(end)[1])


def main(wanted):
    STATE.mkdir(parents=True, exist_ok=True)
    unknown = set(wanted) - {step[0] for step in STEPS}
    if unknown:
        print(f"there is no step {', '.join(sorted(unknown))}; the steps are {' '.join(s[0] for s in STEPS)}", file=sys.stderr)
        return 2
    stamp, results, bad = code_tree(), {}, 0
    for name, proves, command, limit in STEPS:
        state = STATE / f"{name}.json"
        old = json.loads(state.read_text()) if state.exists() else None
        if wanted and name not in wanted:
            if old:
                results[name] = old
            continue
        if old and old["tree"] == stamp and old["code"] == 0:
            print(f"{name:10} held before on this tree", flush=True)
        else:
            print(f"{name:10} {proves} ...", flush=True)
            old = run_step(name, command, limit, stamp)
            print(f"{name:10} {'held' if old['code'] == 0 else 'DID NOT HOLD, see build/accept/' + name + '.log'} ({old['seconds']} s) {json.dumps(old['figures'])}", flush=True)
        results[name] = old
        bad += old["code"] != 0
    write_page(results, stamp)
    print(f"{sum(r['code'] == 0 for r in results.values())} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
