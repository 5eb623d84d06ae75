#!/usr/bin/env python3
"""The tools that guard the house are tested too: a small tree is made, a fault is planted, and the
tool must name file, line and rule; the tree without the fault must be clean."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPENING = "/*\n * One thing.\n * Why it is so.\n */\n"
FILES = {
    "docs/ARCHITECTURE.md":
        "| Room | May include | Its public headers |\n| --- | --- | --- |\n"
        "| `core` | — | all |\n| `plant` | core | plant.h |\n| `serve` | core, plant | serve.h |\n",
    "docs/DEPENDENCIES.md":
        "| Library | For | Header | The one file |\n| --- | --- | --- | --- |\n"
        "| SQLite | rows | `<sqlite3.h>` | `src/plant/db.c` |\n",
    "docs/ERRORS.md": "# Errors\n<!-- tidy: codes of src/core/err.def -->\n<!-- tidy: end -->\n",
    "docs/THREADS.md": "`flow` is a thread; the lock of `plant/db.c`.\n",
    "CMakeLists.txt": "maru_room(core)\nmaru_room(plant ROOMS core)\n"
                      "maru_room(serve ROOMS core plant)\n",
    "src/core/err.def": 'ERR(IO, "it failed", "실패했습니다")\n',
    "src/core/words/all.def": '#include "core/words/core.def"\n',
    "src/core/words/core.def": 'MSG(FULL, "{0} is full", "{0}이(가) 가득 찼습니다")\n',
    "src/core/buf.h": "#ifndef CORE_BUF_H\n#define CORE_BUF_H\n/* A buffer. */\n"
                      "int buf_size(void);\n#endif\n",
    "src/core/buf.c": OPENING + '#include "core/buf.h"\n\n#include <stdio.h>\n\n'
                      "int buf_size(void) {\n    return MSG_FULL;\n}\n",
    "src/plant/plant.h": "#ifndef PLANT_PLANT_H\n#define PLANT_PLANT_H\n/* A plant. */\n#endif\n",
    "src/plant/db.h": "#ifndef PLANT_DB_H\n#define PLANT_DB_H\n/* Private. */\n#endif\n",
    "src/plant/db.c": OPENING + '#include "plant/db.h"\n\n#include <sqlite3.h>\n\n'
                      '#include "core/buf.h"\n',
    "src/serve/serve.h": "#ifndef SERVE_SERVE_H\n#define SERVE_SERVE_H\n/* Serves. */\n#endif\n",
    "src/serve/serve.c": OPENING + '#include "serve/serve.h"\n\n#include "plant/plant.h"\n',
    "tests/data/requirements.csv":
        "id,group,group_name,hard,text,source\nR-001,A1,Collection,no,It collects.,001 L1\n",
    "docs/traceability.csv": "id,place,state,note\nR-001,page Flow,done,\n",
    "tests/core/test_buf.c": "/* Tests. */\n#include \"core/buf.h\"\n\n/* R-001 */\n"
                             "static void it_collects(void **state) {\n    (void)state;\n}\n",
}
LONG = "int buf_long(void) {\n" + "    (void)0;\n" * 70 + "    return 0;\n}\n"


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="maru-tools-")
        for name, text in FILES.items():
            self.put(name, text)
        self.run_tool("tidy", "--write")

    def tearDown(self):
        shutil.rmtree(self.root)

    def put(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def add(self, name, text):
        with open(os.path.join(self.root, name), "a", encoding="utf-8") as file:
            file.write(text)

    def run_tool(self, tool, *arguments):
        done = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools", tool), "--root", self.root, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode()

    def expect(self, place_and_rule):
        code, out = self.run_tool("tidy")
        self.assertEqual(code, 1, out)
        self.assertTrue(any(line.startswith(place_and_rule) for line in out.split("\n")), out)


class Tidy(Tree):
    def test_a_clean_tree_passes(self):
        self.assertEqual(self.run_tool("tidy"), (0, ""))

    def test_a_room_may_not_include_a_room_that_is_not_listed(self):
        self.add("src/plant/db.c", '#include "serve/serve.h"\n')
        self.expect("src/plant/db.c:10: include: plant may not include serve")

    def test_the_rooms_alone_can_be_checked(self):
        self.add("src/plant/db.c", "int late; \n")
        self.assertEqual(self.run_tool("tidy", "--rooms"), (0, ""))
        self.add("src/plant/db.c", '#include "serve/serve.h"\n')
        self.assertEqual(self.run_tool("tidy", "--rooms")[0], 1)

    def test_a_private_header_is_private(self):
        self.add("src/serve/serve.c", '#include "plant/db.h"\n')
        self.expect("src/serve/serve.c:8: include: plant/db.h is private")

    def test_an_include_inside_a_comment_is_no_include(self):
        self.add("src/plant/db.c", '/*\n#include "serve/serve.h"\n*/\n')
        self.assertEqual(self.run_tool("tidy"), (0, ""))

    def test_the_build_and_the_table_agree(self):
        self.put("CMakeLists.txt", "maru_room(core)\nmaru_room(plant ROOMS core serve)\n"
                                   "maru_room(serve ROOMS core plant)\n")
        self.expect("CMakeLists.txt:2: rooms:")

    def test_a_library_has_one_file(self):
        self.put("src/serve/serve.c", OPENING + "#include <sqlite3.h>\n")
        self.expect("src/serve/serve.c:5: library:")

    def test_includes_stand_in_order(self):
        self.put("src/serve/serve.c",
                 OPENING + '#include "serve/serve.h"\n#include "core/buf.h"\n#include <stdio.h>\n')
        self.expect("src/serve/serve.c:7: order:")

    def test_banned_calls_are_found_in_code_only(self):
        self.add("src/core/buf.c", 'const char *f = "strcpy(";\n/* strcpy() is banned. */\n')
        code, out = self.run_tool("tidy")
        self.assertNotIn("call:", out)
        self.add("src/core/buf.c", "void buf_x(char *a) {\n    strcpy(a, a);\n    free(a);\n}\n")
        self.expect("src/core/buf.c:15: call: strcpy")
        self.expect("src/core/buf.c:16: call: free")

    def test_a_long_function_needs_its_reason(self):
        self.add("src/core/buf.c", LONG)
        self.expect("src/core/buf.c:12: long: buf_long has 73 lines")
        self.put("src/core/buf.c", FILES["src/core/buf.c"]
                 + "/* tidy:long: one flat list of equal steps. */\n" + LONG)
        self.assertEqual(self.run_tool("tidy"), (0, ""))

    def test_an_exception_without_reason_or_need_is_a_fault(self):
        self.add("src/core/buf.c", "/* tidy:long: because */\n")
        self.expect("src/core/buf.c:12: tidy: say why")
        self.expect("src/core/buf.c:12: tidy: nothing here needs tidy:long")

    def test_a_global_variable_is_a_fault_and_a_table_is_not(self):
        self.add("src/core/buf.c", "static const int TABLE[2] = {1, 2};\nstatic int count;\n")
        self.expect("src/core/buf.c:13: global:")
        self.assertNotIn("buf.c:12:", self.run_tool("tidy")[1])

    def test_a_goto_backwards_is_a_fault(self):
        self.add("src/core/buf.c", "int buf_g(int a) {\nagain:\n    a--;\n    if (a > 0) {\n"
                                   "        goto again;\n    }\n    return a;\n}\n")
        self.expect("src/core/buf.c:16: goto:")

    def test_a_header_opens_and_is_guarded(self):
        self.put("src/core/x.h", "#ifndef X\n#define X\n/* A. */\n#endif\n")
        self.expect("src/core/x.h:1: guard:")
        self.put("src/core/x.h", "#ifndef CORE_X_H\n#define CORE_X_H\nint x(void);\n#endif\n")
        self.expect("src/core/x.h:3: opening:")

    def test_words_have_both_languages_and_a_use(self):
        self.add("src/core/words/core.def", 'MSG(LONELY, "a {0}", "가")\n')
        self.expect("src/core/words/core.def:2: words: LONELY: the two languages use different")
        self.expect("src/core/words/core.def:2: words: LONELY is used by nothing")

    def test_blanks_tabs_and_width(self):
        self.add("src/core/buf.c", "int a(void); \n\tint b(void);\n// " + "가" * 50 + "\n")
        self.expect("src/core/buf.c:12: blank:")
        self.expect("src/core/buf.c:13: tab:")
        self.expect("src/core/buf.c:14: wide: 103 columns")

    def test_unfinished_work_and_foreign_places_are_named(self):
        self.add("src/core/buf.c", "// TO" + "DO later\n// see /work" + "/main\n")
        self.expect("src/core/buf.c:12: unfinished:")
        self.expect("src/core/buf.c:13: place:")

    def test_threads_and_locks_stand_on_their_page(self):
        code = "struct db {\n    struct mutex lock;\n};\n" \
            "void db_go(void) {\n    thread_start(\n        0, \"%s\", 0, 0);\n}\n"
        self.add("src/plant/db.c", code % "flow")
        self.assertEqual(self.run_tool("tidy"), (0, ""))
        self.put("src/serve/serve.c", FILES["src/serve/serve.c"] + code % "stream")
        self.expect("src/serve/serve.c:9: threads: its lock")
        self.expect("src/serve/serve.c:12: threads: the thread 'stream'")

    def test_a_document_names_only_what_is_there(self):
        self.put("docs/X.md", "See `src/core/buf.c`, `core/buf.h` and `tests/core/`.\n")
        self.assertEqual(self.run_tool("tidy"), (0, ""))
        self.put("docs/X.md", "See\n`src/core/gone.c` or `core/gone.h`.\n")
        self.expect("docs/X.md:2: document: src/core/gone.c")
        self.expect("docs/X.md:2: document: src/core/gone.h")

    def test_the_page_of_threats_names_only_tests_that_are_there(self):
        self.put("tests/core/test_buf.c", "/* Tests. */\n#include \"core/buf.h\"\n\n"
                 "/* R-001 */\nstatic void it_is_full(void **state) {\n}\n")
        row = "| A | B | `tests/core/test_buf.c` `%s` |\n"
        self.put("docs/SECURITY.md", row % "it_is_full")
        self.assertEqual(self.run_tool("tidy"), (0, ""))
        self.put("docs/SECURITY.md", row % "it_is_empty")
        self.expect("docs/SECURITY.md:1: document: there is no test it_is_empty")

    def test_the_table_of_errors_follows_its_source(self):
        self.add("src/core/err.def", 'ERR(SPACE, "no space", "공간이 없습니다")\n')
        self.expect("docs/ERRORS.md:2: errors:")
        self.run_tool("tidy", "--write")
        self.assertEqual(self.run_tool("tidy"), (0, ""))


class Traceability(Tree):
    def test_written_then_checked_is_clean(self):
        self.assertEqual(self.run_tool("traceability"), (0, ""))
        self.assertEqual(self.run_tool("traceability", "--check"), (0, ""))
        with open(os.path.join(self.root, "docs/TRACEABILITY.md"), encoding="utf-8") as file:
            self.assertIn("tests/core/test_buf.c: `it_collects`", file.read())

    def test_a_new_mark_makes_the_document_stale(self):
        self.run_tool("traceability")
        self.add("src/core/buf.c", "/* R-001 */\n")
        self.assertEqual(self.run_tool("traceability", "--check")[0], 1)

    def test_done_without_a_test_fails(self):
        self.put("tests/core/test_buf.c", "/* Tests. */\n")
        code, out = self.run_tool("traceability", "--check")
        self.assertEqual(code, 1)
        self.assertIn("R-001 says done, but no test", out)

    def test_a_mark_of_no_requirement_fails(self):
        self.add("src/core/buf.c", "/* R-" + "999 */\n")
        code, out = self.run_tool("traceability")
        self.assertEqual(code, 1)
        self.assertIn("src/core/buf.c:12: mark: R-" + "999", out)

    def test_a_mark_of_an_open_requirement_fails(self):
        self.put("docs/traceability.csv", "id,place,state,note\nR-001,,open,\n")
        code, out = self.run_tool("traceability")
        self.assertEqual(code, 1)
        self.assertIn("R-001 says open, but tests/core/test_buf.c carries its mark", out)

    def test_a_requirement_without_a_row_fails(self):
        self.put("docs/traceability.csv", "id,place,state,note\n")
        self.assertEqual(self.run_tool("traceability", "--check")[0], 1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
