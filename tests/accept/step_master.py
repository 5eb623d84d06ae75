"""One table of ten thousand items as UTF-8 with and without a mark, CP949, UTF-16 and XLSX gives one identical result;
what is exported and imported again is what was there; a row at fault stops all. R-004 R-026

usage: step_master.py [ROWS]
"""
import hashlib
import json
import sys
import zipfile

from lib import claim, home_of, maru

ENCODINGS = ("utf-8", "utf-8-sig", "cp949", "utf-16")
HEADER = ("코드", "이름", "구분", "단위", "규격", "바코드(GTIN)", "안전 재고", "표준 원가(원)", "비고")


def gtin(i):
    digits = f"880{i:09d}"
    total = sum(int(d) * (3 if at % 2 == 0 else 1) for at, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def table(count):
    kinds = ("제품", "반제품", "원자재", "부자재", "예비품")
    for i in range(count):
        yield (f"{i:06d}", f"사출 부품 {i}, \"흑색\"", kinds[i % 5], "kg" if i % 5 == 2 else "EA", f"ABS {i % 7}.0 t",
               gtin(i) if i % 3 else "", f"{i},000" if 0 < i < 1000 else str(i), f"{i}.{i % 1000000:06d}", f"=1+{i}")


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def as_xlsx(path, rows):
    """By hand: codes as text, costs as numbers."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    def cell(column, text):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        if column in (6, 7) and "," not in text and text:
            return f"<c><v>{text}</v></c>"
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{relation}"><sheets><sheet name="품목" sheetId="1" r:id="rId1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels",
                      f'<Relationships><Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        lines = "".join("<row>" + "".join(cell(at, text) for at, text in enumerate(row)) + "</row>" for row in (HEADER, *rows))
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{lines}</sheetData></worksheet>")


def new_home(folder, name):
    home = f"{folder}/{name}"
    maru("init", home)
    return home


def fingerprint(home):
    return hashlib.sha256(maru("export", home, "--as", "items", "--encoding", "utf-8").encode()).hexdigest()


def take(home, path, *more, expect=0):
    done = maru("import", home, path, "--as", "items", "--json", *more, expect=None)
    claim(done.returncode == expect, f"{path}: {done.returncode} {done.stderr[-500:]}")
    return json.loads(done.stdout)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    rows = list(table(count))
    text = "\r\n".join(",".join(quoted(one) for one in row) for row in (HEADER, *rows)) + "\r\n"
    with home_of("master") as folder:
        files = []
        for encoding in ENCODINGS:
            files.append(f"{folder}/items-{encoding}.csv")
            with open(files[-1], "wb") as out:
                out.write(text.encode(encoding))
        files.append(f"{folder}/items.xlsx")
        as_xlsx(files[-1], rows)
        first, seen = new_home(folder, "first"), None
        for number, path in enumerate(files):
            home = new_home(folder, f"home{number}")
            done = take(home, path)
            claim(done["stored"] == count and done["rejected"] == 0, f"{path}: {done}")
            claim(seen in (None, fingerprint(home)), f"{path}: another result than the first form's")
            seen = fingerprint(home)
            claim(take(first, path)["stored"] == (count if number == 0 else 0), f"{path} changes what stands")
        claim(fingerprint(first) == seen, "the same table again changed something")
        out = maru("export", first, "--as", "items", "--encoding", "utf-8").splitlines()
        claim(out[8].startswith('000007,"사출 부품 7, ""흑색""",material,kg,') and gtin(7) in out[8], f"row 7: {out[8]}")
        for number, options in enumerate((["--encoding", "cp949", "--words"], ["--format", "xlsx"], ["--encoding", "utf-16le", "--separator", "tab"])):
            path = f"{folder}/out{number}"
            maru("export", first, "--as", "items", "-o", path, *options)
            claim(take(first, path)["stored"] == 0, f"export {options} and import again changes something")
            home = new_home(folder, f"again{number}")
            take(home, path)
            claim(fingerprint(home) == seen, f"export {options} gives other items elsewhere")
        bad = f"{folder}/bad.csv"
        with open(bad, "w") as file:
            file.write("code,name,cost\nNEW-1,x,1\nNEW-2,x,-1\n")
        done = take(first, bad, expect=1)
        claim(done["stored"] == 0 and done["errors"][0]["line"] == 3, f"a row at fault: {done}")
        claim(fingerprint(first) == seen, "a refused table left something")
        maru("verify", first)
    print(f"master: {count} items in {len(files)} forms, one result; out and in again unchanged")


main()
