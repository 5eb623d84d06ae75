"""The benchmarks print the keys that docs/PERFORMANCE.md names, and its table is written anew.

usage: step_bench.py [--write]
"""
import datetime
import json
import lzma
import subprocess
import sys
import tempfile

from lib import PROGRAM, REAL, ROOT, claim

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
    ("real", "bytes_per_point", "bytes a point, real data", "at most 1.20", lambda v: v <= 1.20),
    ("real", "scan_core_mpts_s", "raw scan, real data", "at least 200", lambda v: v >= 200),
    ("http", "http_mpts_s", "line protocol over HTTP, durable when answered, million points/s", "at least 6", lambda v: v >= 6),
    ("collect", "modbus_rps", "Modbus, 100 registers, one in flight, requests/s", "see peers", None),
    ("collect", "modbus_pipelined_rps", "Modbus, pipelined, requests/s", "see peers", None),
    ("collect", "links_cpu_pct", "500 links x 100 tags x 1 Hz, % of a core", "at most 15", lambda v: v <= 15),
    ("collect", "links_jitter_p99_ms", "period jitter p99, ms", "under 20", lambda v: v < 20),
]


def bench(name, *more):
    done = subprocess.run([PROGRAM, "bench", name, "--json", *more], capture_output=True, text=True)
    claim(done.returncode == 0, f"bench {name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def real():
    with tempfile.NamedTemporaryFile(suffix=".csv") as out:
        with lzma.open(REAL) as packed:
            out.write(packed.read())
        out.flush()
        return bench("historian", "--data", out.name)


def table(results):
    limits = results["historian"]["limits"]
    lines = [f"Measured {datetime.date.today().isoformat()}; this machine: memcpy {limits['memcpy_gb_s']:.1f} GB/s, sequential write "
             f"{limits['seq_write_gb_s']:.2f} GB/s, fdatasync {limits['fdatasync_ms']:.3f} ms.", "",
             "| key | what | figure | goal | |", "| --- | --- | --- | --- | --- |"]
    for name, key, what, goal, holds in ROWS:
        if name not in results:
            lines.append(f"| `{key}` | {what} | not run | {goal} | |")
            continue
        value = results[name][key]
        if key == "scan_mpts_s":
            share = value / (1000 / limits["fdatasync_ms"] / 1000)
            verdict = f"{share * 100:.0f} %: " + ("met" if share >= 0.65 else "missed")
        else:
            verdict = "" if holds is None else "met" if holds(value) else "missed"
        lines.append(f"| `{key}` | {what} | {value:,.4g} | {goal} | {verdict} |")
    return "\n".join(lines)


def main():
    results = {name: bench(name) for name in ("historian", "http", "collect")}
    if REAL.exists():
        results["real"] = real()
    else:
        print(f"SKIPPED the real data: {REAL.name} is not beside the project", file=sys.stderr)
    for name, key, *_ in ROWS:
        claim(name == "real" or key in results[name], f"bench {name} does not print {key}")
    claim("limits" in results["historian"], "bench historian prints no limits")
    page = ROOT / "docs" / "PERFORMANCE.md"
    begin, end = "<!-- bench:begin -->", "<!-- bench:end -->"
    if "--write" in sys.argv[1:]:
        head, rest = page.read_text().split(begin)
        page.write_text(head + begin + "\n" + table(results) + "\n" + end + rest.split(end)[1])
    flat = {f"{name}.{key}": results[name][key] for name, key, *_ in ROWS if name in results}
    print(json.dumps(flat))


if __name__ == "__main__":
    main()
