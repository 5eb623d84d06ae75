#!/usr/bin/env python3
"""Writes the C tables of what ships in share/ (src/programme/share.h): each programme's JSON and the
scales of levels by .incbin, the public holidays as days since 1970. Stops the build where a file's name is not its id,
a date is none, or dates are not ascending. The same input gives the same output.
"""
import argparse
import datetime
import json
import os
import pathlib


def incbin(symbol, path):
    return (
        f'__asm__(".pushsection .rodata\\n.balign 16\\n.global {symbol}\\n.hidden {symbol}\\n"\n'
        f'    "{symbol}:\\n.incbin \\"{path}\\"\\n.byte 0\\n.popsection\\n");\n'
        f"extern const char {symbol}[];\n"
    )


def programmes(folder):
    declarations, rows = [], []
    for number, path in enumerate(sorted(folder.glob("*.json"))):
        if json.loads(path.read_text(encoding="utf-8"))["id"] != path.stem:
            raise SystemExit(f"{path}: the file's name is not the programme's id")
        declarations.append(incbin(f"share_programme_{number}", path.absolute()))
        rows.append(f'    {{"{path.stem}", share_programme_{number}, {path.stat().st_size}}},\n')
    return declarations, rows


def holidays(path):
    days = []
    for date, _ in json.loads(path.read_text(encoding="utf-8"))["days"]:
        days.append((datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days)
    if days != sorted(set(days)):
        raise SystemExit(f"{path}: the dates must ascend, each once")
    return days


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    declarations, rows = programmes(options.share / "programmes")
    days = holidays(options.share / "holidays.json")
    levels = options.share / "levels.json"
    json.loads(levels.read_text(encoding="utf-8"))
    text = (
        "/* Written by tools/embed-share.py. */\n"
        '#include "programme/share.h"\n\n'
        + "".join(declarations)
        + incbin("share_levels", levels.absolute())
        + f'\nconst struct share_file SHARE_LEVELS = {{"levels", share_levels, {levels.stat().st_size}}};\n'
        + "\nconst struct share_file SHARE_PROGRAMMES[] = {\n" + "".join(rows) + "    {0},\n};\n"
        + "\nconst int32_t SHARE_HOLIDAYS[] = {" + ", ".join(map(str, days)) + "};\n"
        + f"const size_t SHARE_HOLIDAY_COUNT = {len(days)};\n"
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not options.out.exists() or options.out.read_text() != text:
        options.out.write_text(text)
    os.utime(options.out)


main()
