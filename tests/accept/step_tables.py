"""One table of ten thousand rows as every encoding, separator and packing and as XLSX gives one identical result;
what is exported and imported again is what was there; a large CSV comes in with bounded memory while its progress
moves. R-003 R-004

usage: step_tables.py [MEGABYTES]   how large the large CSV is
"""
import datetime
import gzip
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile

from lib import Server, claim, home_of, maru

ROWS = 10000
PART = 32 << 20
MEMORY_CEILING_KIB = 256 << 10  # Of the serving process, whatever the size of the file; measured: 56 MiB.
MEMORY_CEILING_SANITIZED_KIB = 3 << 20
ENCODINGS = ("utf-8", "utf-8-sig", "cp949", "utf-16le", "utf-16be")
BEGIN = datetime.datetime(2025, 3, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
TAGS = 'tag,type,unit,display\nline1.oven.temp,f64,°C,온도\nline1.oven.count,i64,,"수량, 누적"\nline1.oven.code,text,,코드\n'


def rows():
    """tag, time, value: numbers, whole numbers, and codes and Korean texts."""
    made = []
    for i in range(ROWS):
        tag = ("line1.oven.temp", "line1.oven.count", "line1.oven.code")[i % 3]
        value = (f"{20 + i / 64}", str(8801234560000 + i), f"{i:06d} 불량, \"기포\"")[i % 3]
        made.append((tag, BEGIN + datetime.timedelta(seconds=i), value))
    return made


def quoted(text, separator):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in separator + '"\n') else text


def as_csv(table, separator):
    lines = [separator.join(("tag", "time", "value"))]
    lines += [separator.join((tag, at.isoformat(), quoted(value, separator))) for tag, at, value in table]
    return "\r\n".join(lines) + "\r\n"


def as_xlsx(path, table):
    """By hand: shared texts, numbers as numbers, times as serials with a format of their own."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    texts, order = {}, []

    def shared(text):
        if text not in texts:
            texts[text] = len(order)
            order.append(text.replace("&", "&amp;").replace("<", "&lt;"))
        return f'<c t="s"><v>{texts[text]}</v></c>'

    sheet = ["<row>" + shared("tag") + shared("time") + shared("value") + "</row>"]
    epoch = datetime.datetime(1899, 12, 30, tzinfo=BEGIN.tzinfo)
    for tag, at, value in table:
        serial = (at - epoch).total_seconds() / 86400
        cell = shared(value) if tag.endswith("code") else f"<c><v>{value}</v></c>"
        sheet.append(f'<row>{shared(tag)}<c s="1"><v>{serial!r}</v></c>{cell}</row>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{relation}"><sheets><sheet name="값" sheetId="1" r:id="rId1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", "<Relationships>" + "".join(
            f'<Relationship Id="rId{i}" Type="{relation}/{kind}" Target="{part}"/>' for i, (kind, part) in
            enumerate((("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")), 1))
            + "</Relationships>")
        book.writestr("xl/styles.xml", f'<styleSheet {main}><numFmts><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"/></numFmts>'
                      '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>')
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{''.join(sheet)}</sheetData></worksheet>")
        book.writestr("xl/sharedStrings.xml", f"<sst {main}>" + "".join(f"<si><t>{t}</t></si>" for t in order) + "</sst>")


def new_home(folder, name):
    home = f"{folder}/{name}"
    maru("init", home)
    path = f"{folder}/tags.csv"
    with open(path, "w") as out:
        out.write(TAGS)
    maru("import", home, path, "--as", "tags")
    return home


def fingerprint(home):
    return hashlib.sha256(maru("export", home, "--as", "samples", "--encoding", "utf-8").encode()).hexdigest()


def variants(folder, table):
    """(what, path) of each form of the table."""
    for encoding in ENCODINGS:
        for separator in ",;\t":
            path = f"{folder}/{encoding}-{ord(separator)}.csv"
            with open(path, "wb") as out:
                out.write(as_csv(table, separator).encode(encoding))
            yield f"{encoding} {separator!r}", path
    data = as_csv(table, ",").encode("cp949")
    for name, packed in (("gz", gzip.compress(data)), ("xz", lzma.compress(data)), ("zst", None)):
        path = f"{folder}/packed.{name}"
        if packed is None:
            if not shutil.which("zstd"):
                continue
            packed = subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
        with open(path, "wb") as out:
            out.write(packed)
        yield name, path
    as_xlsx(f"{folder}/table.xlsx", table)
    yield "xlsx", f"{folder}/table.xlsx"


def check_variants(folder):
    table = rows()
    home = new_home(folder, "first")
    seen, count = None, 0
    for what, path in variants(folder, table):
        done = json.loads(maru("import", home, path, "--as", "samples", "--json"))
        claim(done["rejected"] == 0 and done["rows"] == ROWS, f"{what}: {done}")
        claim(done["stored"] == (ROWS if seen is None else 0), f"{what}: {done['stored']} new values")
        now = fingerprint(home)
        claim(seen in (None, now), f"{what}: the values differ from those of the first form")
        seen = now
        count += 1
    return home, seen, count


def check_identity(folder, home, seen):
    """Out as CSV and XLSX, into empty plants: the same again."""
    for i, options in enumerate((["--encoding", "cp949"], ["--format", "xlsx"], ["--pack", "xz", "--separator", "tab"])):
        path = f"{folder}/out{i}"
        maru("export", home, "--as", "samples", "-o", path, *options)
        other = new_home(folder, f"again{i}")
        maru("import", other, path, "--as", "samples")
        claim(fingerprint(other) == seen, f"export {options} and import again give other values")


def check_refusal(folder, home, seen):
    """One bad row among ten thousand: nothing of the file is stored."""
    path = f"{folder}/bad.csv"
    text = as_csv([(t, at + datetime.timedelta(days=1), v) for t, at, v in rows()], ",")
    with open(path, "w", newline="") as out:
        out.write(text + "line1.oven.temp,2025-03-03T00:00:00+09:00,hot\r\n")
    done = maru("import", home, path, "--as", "samples", expect=None)
    claim(done.returncode == 1 and str(ROWS + 2) in done.stderr, f"a bad row gave {done.returncode}: {done.stderr[-300:]}")
    claim(fingerprint(home) == seen, "something of a refused file was stored")


def ask(base, token, method, path, body=None):
    request = urllib.request.Request(base + path, data=body, method=method,
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def large_parts(megabytes):
    """A CSV of so many megabytes, in parts; never whole in memory."""
    text, left, i = ["tag,ts_ms,value\n"], megabytes << 20, 0
    size = len(text[0])
    while left > 0:
        line = f"big.m{i % 40},{1700000000000 + i * 25},{(i * 7919 % 100003) / 64}\n"
        text.append(line)
        size += len(line)
        i += 1
        if size >= min(PART, left):
            yield "".join(text).encode(), i
            left -= size
            text, size = [], 0


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def check_large(folder, megabytes):
    home = new_home(folder, "large")
    token = maru("token", home, "--role", "owner").strip()
    server = Server("run", home, "--listen", "127.0.0.1:0")
    try:
        base = server.base.rstrip("/") + "/api/v1/plants/main/import"
        job, offset, count = None, 0, 0
        for part, count in large_parts(megabytes):
            path = "?as=samples&more=1" if job is None else f"?job={job}&offset={offset}&more=1"
            job = ask(base, token, "POST", path, part)["id"]
            offset += len(part)
        begin = time.monotonic()
        ask(base, token, "POST", f"?job={job}&offset={offset}", b"")
        moves, before = 0, -1
        while True:
            now = ask(base, token, "GET", f"/{job}")
            claim(now["progress_bytes"] >= before, "progress went back")
            moves += now["progress_bytes"] > before
            before = now["progress_bytes"]
            if now["state"] != "running":
                break
            time.sleep(0.01 if megabytes < 64 else 0.1)
        seconds = time.monotonic() - begin
        claim(now["state"] == "done" and now["rejected"] == 0, f"the large import: {now}")
        claim(now["rows"] == count and now["stored"] == count, f"{now['stored']} of {count} rows were stored")
        claim(moves >= (2 if megabytes < 64 else 20), f"progress moved only {moves} times")
        used = memory_kib(server.process.pid)
        ceiling = MEMORY_CEILING_SANITIZED_KIB if os.environ.get("MARU_SANITIZED") else MEMORY_CEILING_KIB
        claim(used <= ceiling, f"{used} KiB of memory for a file of {megabytes} MB")
        return {"large_mb": megabytes, "large_rows": count, "large_rows_per_s": round(count / seconds),
                "large_memory_mib": used >> 10, "progress_moves": moves}
    finally:
        server.stop()


def run(folder, megabytes):
    home, seen, count = check_variants(folder)
    check_identity(folder, home, seen)
    check_refusal(folder, home, seen)
    return {"forms": count, "rows": ROWS, **check_large(folder, megabytes)}


if __name__ == "__main__":
    with home_of("tables") as folder:
        print(json.dumps(run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 1024)))
