#!/usr/bin/env python3
"""Each rule of tools/tidy finds its mutant, and a clean tree passes."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

TIDY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tidy")

CLEAN = {
    "base/BUILD": '"check.h", "check.cc", name + ".cc" "check_test"',
    "base/check.h":
        "// Says // nothing.\n#ifndef HOLDFAST_BASE_CHECK_H_\n",
    "base/check.cc": '// std::mutex here\n#include "base/check.h"\n',
    "base/check_test.cc":
        '#include "base/check.h"\n\n#include <pthread.h>\n#include <thread>\n'
        'std::thread t;\n'
        'TEST_F(Check, Dies) { Say("std::mutex"); }\n',
    "include/holdfast/BUILD": '"db.h", "env/sync.h"',
    "include/holdfast/db.h": "#ifndef HOLDFAST_DB_H_\n",
    "include/holdfast/env/sync.h": "#ifndef HOLDFAST_ENV_SYNC_H_\n",
    "base/golden/BUILD":
        'cc_library(\n    name = "page",\n    testonly = True,\n'
        '    srcs = ["page.cc"],\n)\n',
    "base/golden/page.cc": "std::ifstream in;\n",
    "env/posix/BUILD": '"disk.cc"',
    "env/posix/disk.cc":
        "#include <unistd.h>\n#include \"holdfast/env/sync.h\"\n",
    "env/sim/BUILD": '"fake.h"',
    "env/sim/fake.h": "#ifndef HOLDFAST_ENV_SIM_FAKE_H_\n",
    "engine/wal/BUILD": 'glob(["*.h", "*.cc"])',
    "engine/wal/log.h": "#ifndef HOLDFAST_ENGINE_WAL_LOG_H_\n",
    "engine/wal/log_test.cc":
        '#include "engine/wal/log.h"\n#include "env/sim/fake.h"\n',
    "engine/table/BUILD": '"block.h"',
    "engine/table/block.h": "#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_H_\n",
    "engine/db/BUILD": '"db.cc"',
    "engine/db/db.cc":
        '#include "engine/wal/log.h"\n#include "base/check.h"\n',
    "docs/guide.md":
        "[a](../README.md#top) [b](https://x.org) [c](#d) `[e](f)`\n"
        "```\n[g](h)\n```\n[i](/docs/) TO" "DO(#7) x/work/y\n",
    "docs/fuzzing.md": "Say `no_fuzz`.\n\n| `x_fuzz` | its property |\n",
    "fuzz/BUILD": '"x_fuzz.cc", "y_fuzz.cc"',
    "fuzz/x_fuzz.cc": "int x;\n",
    "README.md": "[docs](docs)\n",
}

# Rule, file, its text, the line where the finding must be, and other files.
MUTANTS = [
    ("system-header", "engine/wal/log.cc",
     '#include "engine/wal/log.h"\n#include <unistd.h>\n', 2),
    ("system-header", "env/sim/fake.h",
     "#ifndef HOLDFAST_ENV_SIM_FAKE_H_\n#include <sys/stat.h>\n", 2),
    ("system-header", "engine/db/db.cc", "#include <pthread.h>\n", 1),
    ("system-header", "engine/wal/log_test.cc",
     '#include "engine/wal/log.h"\n#include <fcntl.h>\n', 2),
    ("banned-name", "engine/db/db.cc", "x;\nstd::mutex mu;\n", 2),
    ("banned-name", "engine/db/db.cc",
     "auto t = std::chrono::steady_clock::now();\n", 1),
    ("banned-name", "base/check.cc",
     '#include "base/check.h"\nstd::random_device d;\n', 2),
    ("banned-name", "base/golden/page.cc", "std::jthread t;\n", 1, {
        "base/golden/BUILD": 'cc_library(\n    srcs = ["page.cc"],\n)\n'}),
    ("floor", "base/check.cc",
     '#include "base/check.h"\n#include "base/golden_file.h"\n', 2, {
         "base/golden_file.h": "#ifndef HOLDFAST_BASE_GOLDEN_FILE_H_\n",
         "base/BUILD": CLEAN["base/BUILD"] +
                       '\ncc_library(\n    testonly = True,\n'
                       '    hdrs = ["golden_file.h"],\n)\n'}),
    ("floor", "base/check.cc",
     '#include "base/check.h"\n#include "holdfast/db.h"\n', 2),
    ("floor", "engine/wal/log.cc",
     '#include "engine/wal/log.h"\n#include "engine/table/block.h"\n', 2),
    ("floor", "engine/table/block.h",
     '#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_H_\n#include "env/sim/fake.h"\n', 2),
    ("floor", "env/posix/disk.cc", '#include "env/sim/fake.h"\n', 1),
    ("floor", "env/posix/disk.cc", '#include "engine/wal/log.h"\n', 1),
    ("floor", "include/holdfast/db.h",
     '#ifndef HOLDFAST_DB_H_\n#include "base/check.h"\n', 2),
    ("floor", "engine/attic/x.cc", '#include "engine/wal/log.h"\n', 1, {
        "engine/attic/BUILD": '"x.cc"'}),
    ("own-header", "base/check.cc",
     '#include <string>\n#include "base/check.h"\n', 1),
    ("own-header", "base/check_test.cc", '#include "other.h"\n', 1),
    ("header-guard", "base/check.h", "// Words.\n\n#pragma once\n", 3),
    ("dead-file", "base/lost.cc", "\n", 1),
    ("test-hook", "engine/db/db.cc", "void TEST_Flush();\n", 1),
    ("test-hook", "engine/db/db.cc", "#if 0\n#endif\n", 1),
    ("task-mark", "docs/guide.md", "TO" "DO: more\n", 1),
    ("private-words", "README.md", "see /" "work/notes\n", 1),
    ("private-words", "base/BUILD",
     CLEAN["base/BUILD"] + "\n# /ro" "ot/.cache\n", 2),
    ("dead-link", "README.md", "\n[x](docs/missing.md)\n", 2),
    ("dead-link", "README.md", "[x]: gone.md\n", 1),
    ("fuzz-page", "fuzz/y_fuzz.cc", "int y;\n", 1),
    ("fuzz-page", "docs/fuzzing.md",
     "| `z_fuzz` | what? |\n| `x_fuzz` | its property |\n", 1),
]


def run_tidy(files):
    """Returns the exit code of tidy over `files`, and its output."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        # No repository may be found above the folder.
        env = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(root))
        done = subprocess.run([sys.executable, TIDY, "--root=" + root],
                              env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class TidyTest(unittest.TestCase):

    def test_clean_tree_passes(self):
        code, out = run_tidy(CLEAN)
        self.assertEqual(code, 0, out)

    def test_each_mutant_is_found_alone(self):
        for rule, path, text, line, *others in MUTANTS:
            with self.subTest(rule=rule, path=path, text=text):
                files = {**CLEAN, path: text}
                for other in others:
                    files.update(other)
                code, out = run_tidy(files)
                found = re.findall(r"^(.*?):(\d+): \[(.*?)\]", out, re.M)
                self.assertEqual(found, [(path, str(line), rule)], out)
                self.assertEqual(code, 1)

    def test_each_rule_has_a_mutant(self):
        with open(TIDY, encoding="utf-8") as file:
            rules = re.findall(r"^def rule_(\w+)", file.read(), re.M)
        self.assertEqual({rule.replace("_", "-") for rule in rules},
                         {mutant[0] for mutant in MUTANTS})

    def test_long_files_are_reported_not_refused(self):
        code, out = run_tidy(
            {**CLEAN, "base/check.h": CLEAN["base/check.h"] + "\n" * 299})
        self.assertEqual(code, 0)
        self.assertIn("base/check.h: report: 301 lines (aim 300)", out)


if __name__ == "__main__":
    unittest.main()
