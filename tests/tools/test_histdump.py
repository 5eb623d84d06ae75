#!/usr/bin/env python3
"""histdump as a program: its JSON is JSON, says what the text says, and no file makes it fall over.

usage: test_histdump.py HISTDUMP"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests/data/golden/v1")
PROGRAM = os.path.abspath(sys.argv.pop(1))


def dump(*arguments):
    return subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def items(inside):
    for item in inside:
        yield item
        yield from items(item.get("inside", []))


class Histdump(unittest.TestCase):
    def test_json_says_what_the_text_says(self):
        for name in ("forms", "draft", "lived", "logs", "torn"):
            folder = os.path.join(GOLDEN, name)
            code = 1 if name == "torn" else 0
            text, done = dump(folder), dump("--json", folder)
            self.assertEqual((text.returncode, done.returncode), (code, code), name)
            lines = [line.split()[0] for line in text.stdout.decode().splitlines()]
            self.assertEqual(lines, [item["what"] for item in items(json.loads(done.stdout))], name)

    def test_rows_of_blocks_are_rows_of_the_tail(self):
        for item in json.loads(dump("--json", os.path.join(GOLDEN, "forms")).stdout):
            if item["what"] == "segment":
                rows = sum(i["rows"] for i in item["inside"] if i["what"] == "block")
                tail = [i for i in item["inside"] if i["what"] == "tail"]
                self.assertEqual([i["rows"] for i in tail], [rows])
                self.assertGreater(rows, 8000)

    def test_no_file_makes_it_fall_over(self):
        seen = 0
        for path in glob.glob(os.path.join(ROOT, "fuzz/corpus/historian_*/*")):
            with open(path, "rb") as file:
                data = file.read()
            for name in ("seg-00000000000000ff.seg", "wal-0000000000000001.log", "manifest", os.path.basename(path)):
                with tempfile.TemporaryDirectory(prefix="maru-histdump-") as folder:
                    with open(os.path.join(folder, name), "wb") as file:
                        file.write(data)
                    done = dump("--json", folder)
                    self.assertIn(done.returncode, (0, 1), (path, name, done.stderr))
                    json.loads(done.stdout)
                    seen += 1
        self.assertGreater(seen, 100)

    def test_what_it_cannot_read_is_said(self):
        self.assertEqual(dump().returncode, 2)
        done = dump(os.path.join(GOLDEN, "forms.txt"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no file of a history", done.stderr)


if __name__ == "__main__":
    unittest.main()
