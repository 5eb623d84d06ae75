#!/usr/bin/env python3
"""Writes the C table of the built-in pages (struct page_asset, src/serve/api_pages.h).

Every file of the UI build becomes bytes in the program by .incbin: compressed where that saves a
tenth, plain where it does not (fonts, pictures). index.html stands in both forms, so that a client
without gzip sees the page. Without --dist one plain page says that the pages were left out.
The output is the same for the same input: no times, no order of the file system.
"""
import argparse
import gzip
import hashlib
import os
import pathlib
import re

MIME = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json; charset=utf-8",
}

PLAIN_PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>Maru</title></head><body>
<p>이 프로그램은 화면 없이 빌드되었습니다. 데이터는 <a href="/api/v1/openapi.json">HTTP 인터페이스</a>로 볼 수 있습니다.</p>
<p lang="en">This program was built without pages. The data is at the
<a href="/api/v1/openapi.json">HTTP interface</a>.</p>
</body></html>
"""

# Vite puts a hash of the content into names: assets/index-4f3a2b1c.js
HASHED = re.compile(r"^/assets/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


def read_files(dist):
    if dist is None:
        return {"/index.html": PLAIN_PAGE.encode()}
    files = {}
    for path in sorted(pathlib.Path(dist).rglob("*")):
        name = "/" + path.relative_to(dist).as_posix()
        if path.is_file() and "/." not in name:
            files[name] = path.read_bytes()
    if "/index.html" not in files:
        raise SystemExit(f"{dist}: there is no index.html")
    return files


def write_if_changed(path, data):
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".new")
        temporary.write_bytes(data)
        os.replace(temporary, path)


def incbin(symbol, path):
    return (
        f'__asm__(".pushsection .rodata\\n.balign 16\\n.global {symbol}\\n.hidden {symbol}\\n"\n'
        f'    "{symbol}:\\n.incbin \\"{path}\\"\\n.byte 0\\n.popsection\\n");\n'
        f"extern const uint8_t {symbol}[];\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    folder = options.out.parent / "pages"
    declarations = []
    rows = []
    for number, (name, data) in enumerate(read_files(options.dist).items()):
        digest = hashlib.sha256(data).hexdigest()
        packed = gzip.compress(data, 9, mtime=0)
        use_gzip = len(packed) < len(data) * 0.9
        use_plain = not use_gzip or name == "/index.html"
        mime = MIME.get(pathlib.PurePosixPath(name).suffix, "application/octet-stream")
        fields = {"plain": ("NULL", 0), "gzip": ("NULL", 0)}
        for form, use, content in (("plain", use_plain, data), ("gzip", use_gzip, packed)):
            if use:
                file = folder / f"{digest[:32]}.{form}"
                write_if_changed(file, content)
                symbol = f"page_{number}_{form}"
                declarations.append(incbin(symbol, file.absolute()))
                fields[form] = (symbol, len(content))
        rows.append(
            f'    {{"{name}", "{mime}", {fields["plain"][0]}, {fields["plain"][1]}, '
            f'{fields["gzip"][0]}, {fields["gzip"][1]}, "\\"{digest[:16]}\\"", '
            f'{"true" if HASHED.match(name) else "false"}}},\n'
        )
    text = (
        "/* Written by tools/embed-pages.py. */\n"
        '#include "serve/api_pages.h"\n\n'
        + "".join(declarations)
        + "\nconst struct page_asset PAGE_ASSETS[] = {\n"
        + "".join(rows)
        + "    {0},\n};\n"
    )
    write_if_changed(options.out, text.encode())
    os.utime(options.out)


main()
