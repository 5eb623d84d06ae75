"""The benchmarks print the keys that docs/PERFORMANCE.md names, and its table is written anew."""
import datetime
import json
import pathlib
import subprocess
import sys

from lib import PROGRAM, ROOT, claim

KEYS = {
    "historian": ["ingest_mpts_s", "scan_mpts_s", "bytes_per_point", "q1_ms", "q2_ms", "q3_ms", "q4_ms",
                  "scan_core_mpts_s", "rss_mb", "open_s", "limits"],
    "http": ["http_mpts_s"],
    "collect": ["modbus_rps", "modbus_pipelined_rps", "links_cpu_pct", "links_jitter_p99_ms"],
}

if __name__ == "__main__":
    results = {}
    for name, keys in KEYS.items():
        done = subprocess.run([PROGRAM, "bench", name, "--json"], capture_output=True, text=True)
        claim(done.returncode == 0, f"bench {name} failed: {done.stderr[-2000:]}")
        results[name] = json.loads(done.stdout)
        for key in keys:
            claim(key in results[name], f"bench {name} does not print {key}")
        print(name, json.dumps(results[name]))
    flat = {k: v for r in results.values() for k, v in r.items() if not isinstance(v, (dict, list))}
    print(json.dumps(flat))
