"""The benchmarks print the keys that docs/PERFORMANCE.md names, and its table is written anew.

Beside `maru bench` stand strangers (libmodbus, pymodbus, a plain MQTT subscriber), where they are
installed, and the whole program seen from outside (step_links.py, for 20 s). With `--only A,B` just
these are measured and the other rows keep their figure and its date.

usage: step_bench.py [--write] [--only historian,real,growth,http,collect,modbus,mqtt,whole]
"""
import datetime
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile

import step_links
from lib import PROGRAM, REAL, ROOT, claim, home_of

# benchmark, key, what it is, goal (words), test of the goal
ROWS = [
    ("historian", "ingest_mpts_s", "durable bulk ingest, million points/s", "at least 30", lambda v: v >= 30),
    ("historian", "scan_mpts_s", "one durable commit per 1,000 points, million points/s", "65 % of the fdatasync limit", None),
    ("historian", "bytes_per_point", "bytes a point, everything on disk", "at most 1.05", lambda v: v <= 1.05),
    ("historian", "q1_ms", "one tag, one hour, raw", "at most 0.04", lambda v: v <= 0.04),
    ("historian", "q2_ms", "one tag, per minute, all its data", "at most 0.02", lambda v: v <= 0.02),
    ("historian", "q3_ms", "all tags, average per 10 min, everything", "at most 2", lambda v: v <= 2),
    ("historian", "q4_ms", "latest value of every tag", "at most 0.05", lambda v: v <= 0.05),
    ("historian", "scan_core_mpts_s", "raw scan with a filter, million points/s a core", "at least 500", lambda v: v >= 500),
    ("historian", "rss_mb", "peak memory, MB", "at most 100", lambda v: v <= 100),
    ("historian", "open_s", "open after kill -9, s", "at most 2", lambda v: v <= 2),
    ("real", "ingest_mpts_s", "durable bulk ingest, real data, million points/s", "at least 30", lambda v: v >= 30),
    ("real", "q1_ms", "one tag, one hour, raw, real data", "at most 0.04", lambda v: v <= 0.04),
    ("real", "q2_ms", "one tag, per minute, all its data, real data", "at most 0.02", lambda v: v <= 0.02),
    ("real", "q3_ms", "all tags, average per 10 min, everything, real data", "at most 2", lambda v: v <= 2),
    ("real", "q4_ms", "latest value of every tag, real data", "at most 0.05", lambda v: v <= 0.05),
    ("real", "bytes_per_point", "bytes a point, real data", "at most 1.20", lambda v: v <= 1.20),
    ("real", "scan_core_mpts_s", "raw scan, real data", "at least 200", lambda v: v >= 200),
    ("growth", "ingest_ratio", "fastest / slowest ingest of 100, 10,000 and 100,000 tags", "at most 2", lambda v: v <= 2),
    ("growth", "query_ratio", "one tag's newest 200 rows, among 100,000 tags / among 100", "at most 2", lambda v: v <= 2),
    ("growth", "rss_100k_mb", "peak memory of the ingest of 100,000 tags, MB", "told", None),
    ("growth", "open_s", "open after kill -9 with 10 GB of history, s", "at most 2", lambda v: v <= 2),
    ("http", "http_mpts_s", "line protocol over HTTP, durable when answered, million points/s", "at least 6", lambda v: v >= 6),
    ("refine", "refine_plain_mrows_s", "refining without rules, million rows/s a core", "told", None),
    ("refine", "refine_rules_mrows_s", "refining with spike, rate, stuck, gap on every tag", "told", None),
    ("refine", "refine_derived_mrows_s", "refining with 16 computed tags beside 64", "told", None),
    ("collect", "modbus_rps", "Modbus, 100 registers, one in flight, requests/s", "see peers", None),
    ("collect", "modbus_pipelined_rps", "Modbus, pipelined, requests/s", "see peers", None),
    ("collect", "links_cpu_pct", "500 links x 100 tags x 1 Hz, % of a core", "at most 15", lambda v: v <= 15),
    ("collect", "links_jitter_p99_ms", "period jitter p99, ms", "under 20", lambda v: v < 20),
    ("modbus", "modbus_ratio", "Modbus, one in flight, our client / libmodbus's, on a libmodbus server", "at least 1.0", lambda v: v >= 1),
    ("modbus", "modbus_pipelined_ratio", "the same, ours pipelined", "at least 1.5", lambda v: v >= 1.5),
    ("modbus", "pymodbus_ratio", "one in flight, on a pymodbus server", "at least 1.0", lambda v: v >= 1),
    ("mqtt", "mqtt_qos0_ratio", "MQTT QoS 0, stored, / a plain subscriber that keeps nothing", "at least 0.9", lambda v: v >= 0.9),
    ("mqtt", "mqtt_qos1_ratio", "MQTT QoS 1, durable, / the same", "at least 0.9", lambda v: v >= 0.9),
    ("whole", "links_cpu_pct", "whole program, 500 links x 100 tags x 1 Hz: its collecting threads, % of a core", "at most 15", lambda v: v <= 15),
    ("whole", "whole_cpu_pct", "the same: everything, 50,000 samples/s refined and stored, % of a core", "at most 15", lambda v: v <= 15),
    ("whole", "whole_jitter_p99_ms", "the same: lateness of requests where they arrive, p99, ms", "under 20", lambda v: v < 20),
    ("whole", "stream_p99_ms", "register change to the browser's stream, 100 ms poll, p99, ms", "under 130", lambda v: v < 130),
    ("whole", "rss_1000_tags_mb", "memory of the whole program, 1,000 tags, MB", "at most 60", lambda v: v <= 60),
    ("whole", "ready_s", "start to `/readyz`, s", "under 1", lambda v: v < 1),
    ("whole", "installed_mb", "programs as installed, MB", "at most 15", lambda v: v <= 15),
]
NAMES = ("historian", "real", "growth", "http", "refine", "collect", "modbus", "mqtt", "whole")
HEAD = ["| key | what | figure | goal | | measured |", "| --- | --- | --- | --- | --- | --- |"]


def bench(name, *more):
    done = subprocess.run([PROGRAM, "bench", name, "--json", *more], capture_output=True, text=True)
    claim(done.returncode == 0, f"bench {name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def median_of(runs):
    """Key by key, also inside objects."""
    first = runs[0]
    if isinstance(first, dict):
        return {key: median_of([run[key] for run in runs]) for key in first}
    return statistics.median(runs) if isinstance(first, (int, float)) else first


def bench_thrice(name, *more):
    return median_of([bench(name, *more) for _ in range(3)])


def real():
    with tempfile.NamedTemporaryFile(suffix=".csv") as out:
        with lzma.open(REAL) as packed:
            out.write(packed.read())
        out.flush()
        return bench_thrice("historian", "--data", out.name)


def growth():
    """The ratios that say how cost grows; the figures of each size stand beside them."""
    found = bench("growth")
    sizes = [found[f"tags_{n}"] for n in (100, 10000, 100000)]
    ingest, query = ([size[key] for size in sizes] for key in ("ingest_mpts_s", "query_ms"))
    return dict(found, ingest_ratio=round(max(ingest) / min(ingest), 2), query_ratio=round(query[-1] / query[0], 2),
                rss_100k_mb=sizes[-1]["rss_mb"])


def peer(*command):
    """The JSON of a comparison with a stranger; None where the stranger is not installed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode == 77:
        print(f"SKIPPED {command[1]}: {done.stderr.strip()[-200:]}", file=sys.stderr)
        return None
    claim(done.returncode == 0, f"{command[1]} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def build_of_peers():
    """The release build, with the programs of the peers in it."""
    build = str(ROOT / "build" / "release")
    subprocess.run(["ninja", "-C", build, "maru", "modbus-client", "modbus-peer", "mqtt-plain"], capture_output=True, check=False)
    return build


def whole():
    with home_of("whole") as folder:
        os.environ["MARU_QUICK"] = "0"
        return step_links.run(folder, 20)


MEASURE = {
    "historian": lambda: bench_thrice("historian"),
    "http": lambda: bench_thrice("http"),
    "refine": lambda: bench("refine"),
    "collect": lambda: bench("collect"),
    "growth": growth,
    "real": lambda: real() if REAL.exists() else None,
    "modbus": lambda: peer("sh", "bench/collect-peers.sh", build_of_peers()),
    "mqtt": lambda: peer("/usr/bin/python3", "bench/mqtt-peers.py", build_of_peers()),
    "whole": whole,
}


def verdict_of(key, value, holds, results):
    if key == "scan_mpts_s":
        share = value / (1000 / results["historian"]["limits"]["fdatasync_ms"] / 1000)
        return f"{share * 100:.0f} %: " + ("met" if share >= 0.65 else "missed")
    return "" if holds is None else "met" if holds(value) else "missed"


def old_rows(text):
    """What stands in the page: (key, what) -> line; and the line about the machine."""
    lines = text.strip().splitlines()
    machine = lines[0] if lines and lines[0].startswith("Measured") else ""
    day = machine.split()[1].rstrip(";") if machine else ""
    rows = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 5:
            rows[cells[0].strip("`"), cells[1]] = "| " + " | ".join([*cells[:5], cells[5] if len(cells) > 5 else day]) + " |"
    return rows, machine


def table(results, before):
    old, machine = old_rows(before)
    today = datetime.date.today().isoformat()
    if "historian" in results:
        limits = results["historian"]["limits"]
        machine = (f"Measured {today}; this machine: memcpy {limits['memcpy_gb_s']:.1f} GB/s, sequential write "
                   f"{limits['seq_write_gb_s']:.2f} GB/s, fdatasync {limits['fdatasync_ms']:.3f} ms.")
    lines = [machine, "", *HEAD]
    for name, key, what, goal, holds in ROWS:
        value = results.get(name, {}).get(key)
        if value is None:
            lines.append(old.get((key, what), f"| `{key}` | {what} | not run | {goal} | | |"))
        else:
            lines.append(f"| `{key}` | {what} | {value:,.4g} | {goal} | {verdict_of(key, value, holds, results)} | {today} |")
    return "\n".join(lines)


def main():
    arguments = sys.argv[1:]
    wanted = arguments[arguments.index("--only") + 1].split(",") if "--only" in arguments else NAMES
    results = {}
    for name in wanted:
        measured = MEASURE[name]()
        if measured is None:
            print(f"SKIPPED {name}: what it needs is not here", file=sys.stderr)
            continue
        results[name] = measured
    for name, key, *_ in ROWS:
        claim(name not in results or key in results[name] or key == "pymodbus_ratio", f"bench {name} does not print {key}")
    page = ROOT / "docs" / "PERFORMANCE.md"
    begin, end = "<!-- bench:begin -->", "<!-- bench:end -->"
    if "--write" in arguments:
        head, rest = page.read_text().split(begin)
        before, tail = rest.split(end)
        page.write_text(head + begin + "\n" + table(results, before) + "\n" + end + tail)
    flat = {f"{name}.{key}": results[name][key] for name, key, *_ in ROWS if key in results.get(name, {})}
    print(json.dumps(flat))


if __name__ == "__main__":
    main()
