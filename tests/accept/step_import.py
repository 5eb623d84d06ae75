"""A million real samples in, and the same statistics out; a second import changes nothing; every
flipped byte of a segment is found and named while the rest answers. R-003 R-009

usage: step_import.py [FLIPS]   FLIPS: how many bytes of each segment file are flipped (0: all)
"""
import collections
import json
import lzma
import math
import pathlib
import random
import sys
import time

from lib import DATA, QUICK, REAL, claim, home_of, maru, query


def source(folder):
    """The real data where it lies beside the project, else the carried sample; as tag,ts_ms,value."""
    path = f"{folder}/real.csv"
    if REAL.exists() and not QUICK:
        with lzma.open(REAL) as packed, open(path, "wb") as out:
            out.write(packed.read())
        return path, "real"
    if not QUICK:
        print(f"SKIPPED the large run: {REAL.name} is not beside the project; the carried sample is used", file=sys.stderr)
    with open(DATA / "cnc-mill.csv") as lines, open(path, "w") as out:
        names = next(lines).strip().split(",")[1:]
        for line in lines:
            stamp, *values = line.strip().split(",")
            for name, value in zip(names, values):
                out.write(f"{name},{stamp},{value}\n")
    return path, "sample"


def statistics(path):
    values = collections.defaultdict(list)
    with open(path) as lines:
        for line in lines:
            tag, _, value = line.rstrip("\n").split(",")
            values[tag].append(float(value))
    return {tag: (len(v), min(v), max(v), math.fsum(v)) for tag, v in values.items()}


def answers(home):
    return {row["tag"]: (int(row["count"]), float(row["min"]), float(row["max"]), float(row["sum"]))
            for row in query(home, "*", "--agg", "count,min,max,sum")}


def compare(expected, got, when):
    claim(set(expected) == set(got), f"{when}: tags differ")
    for tag in expected:
        claim(expected[tag] == got[tag], f"{when}: tag {tag}: the file says {expected[tag]}, Maru {got[tag]}")


def flip(home, expected, count):
    """Each flipped byte must be named, and the tags of the other blocks must still answer."""
    files = sorted(pathlib.Path(home, "plants/main/history").glob("**/*.seg"))
    claim(files, "there is no segment file")
    rng = random.Random(7)
    flipped = 0
    for path in files:
        size = path.stat().st_size
        places = range(size) if count == 0 else sorted({0, size - 1, *(rng.randrange(size) for _ in range(count))})
        for place in places:
            with open(path, "r+b") as f:
                f.seek(place)
                byte = f.read(1)[0]
                f.seek(place)
                f.write(bytes([byte ^ (1 << rng.randrange(8))]))
            done = maru("verify", home, "--json", expect=None)
            report = json.loads(done.stdout)
            claim(done.returncode == 1, f"byte {place} of {path.name} is flipped and verify gave {done.returncode}")
            claim(any(path.name in fault for fault in report["faults"]), f"byte {place}: no fault names {path.name}")
            if flipped % 16 == 0 or place in (0, size - 1):
                rest = answers(home)
                good = sum(rest.get(tag) == expected[tag] for tag in expected)
                claim(good >= len(expected) - 1, f"byte {place}: only {good} of {len(expected)} tags still answer in full")
            with open(path, "r+b") as f:
                f.seek(place)
                f.write(bytes([byte]))
            flipped += 1
    maru("verify", home)
    return flipped


def run(folder, flips):
    path, name = source(folder)
    home = f"{folder}/home"
    maru("init", home)
    begin = time.monotonic()
    first = json.loads(maru("import", home, path, "--as", "samples", "--json"))
    seconds = time.monotonic() - begin
    expected = statistics(path)
    compare(expected, answers(home), "after the import")
    before = maru("query", home, "*", "--versions").count("\n")
    second = json.loads(maru("import", home, path, "--as", "samples", "--json"))
    claim(second["stored"] == 0 and second["omitted"] == first["stored"], f"the second import stored {second['stored']}")
    compare(expected, answers(home), "after the second import")
    claim(before == maru("query", home, "*", "--versions").count("\n"), "versions were added")
    maru("verify", home)
    flipped = flip(home, expected, flips)
    return {"data": name, "rows": first["rows"], "import_rows_per_s": round(first["rows"] / seconds),
            "tags": len(expected), "second_import_stored": second["stored"], "flipped_bytes": flipped,
            "flips_not_found": 0}


if __name__ == "__main__":
    with home_of("import") as folder:
        print(json.dumps(run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 60)))
