#!/usr/bin/env python3
"""bench/growth keeps what was measured, merges it, and says what it is."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

GROWTH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "growth")

# Stands for db_bench: a line for each engine and workload, then the end that
# $END wants of the size.
DB_BENCH = """#!/usr/bin/env python3
import json, os, sys
flags = dict(a[2:].split("=", 1) for a in sys.argv[1:])
keys = int(flags["keys"])
with open(flags["json"], "w") as out:
    for engine in flags.get("engines", "holdfast,leveldb").split(","):
        for workload in flags["workloads"].split(","):
            out.write(json.dumps({
                "engine": engine, "version": "of " + engine,
                "workload": workload, "round": 0, "keys": keys,
                "key_bytes": 16, "value_bytes": int(
                    flags.get("value-bytes", "100")),
                "ops_per_second": keys / 2, "cpu_micros_per_op": 1.0,
                "written_bytes": 300.0, "user_bytes": 100.0, "max_micros": 9.0,
                "space_bytes": keys * 116 * 3, "peak_memory_bytes": 1e6,
            }) + "\\n")
    end = json.loads(os.environ.get("END", "{}")).get(str(keys), 0)
    if end == "cut off":
        out.write('{"engine": "hold')
        end = 1
sys.exit(end)
"""


class GrowthTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.db_bench = os.path.join(self.folder, "db_bench")
        with open(self.db_bench, "w", encoding="utf-8") as out:
            out.write(DB_BENCH)
        os.chmod(self.db_bench, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_growth(self, *flags, out="out", ends=None):
        result = subprocess.run(
            [sys.executable, GROWTH, f"--db_bench={self.db_bench}",
             f"--out={self.path(out)}", *flags],
            env={**os.environ, "END": json.dumps(ends or {})},
            capture_output=True, text=True, check=False)
        self.said = result.stderr
        return result.returncode

    def measured(self, out="out"):
        """(engine, keys) in the order of the file."""
        found = []
        with open(self.path(out) + "/growth.jsonl", encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                if "run" not in line:
                    found.append((line["engine"], line["keys"]))
        return list(dict.fromkeys(found))

    def page(self, out="out"):
        with open(self.path(out) + "/growth.html", encoding="utf-8") as page:
            return page.read()

    def test_page_says_what_was_run_where(self):
        self.assertEqual(self.run_growth("--millions=0.02,0.05", "--",
                                         "--peers=some"), 0)
        page = self.page()
        self.assertIn("--keys=20000", page)
        self.assertIn("--keys=50000", page)
        self.assertIn("--peers=some", page)
        self.assertIn(" cores of ", page)
        self.assertIn("<li>leveldb: of leveldb</li>", page)
        self.assertIn("<li>rocksdb: not measured</li>", page)
        self.assertIn("keys of 16 B, values of 100 B", page)
        self.assertIn("<figcaption>opening and closing", page)
        self.assertNotIn("http", page)
        self.assertNotIn("--json", page)

    def test_space_is_that_of_keys_that_are_there(self):
        self.assertEqual(self.run_growth("--millions=0.02"), 0)
        # 3 bytes for each of all that were put, of which 86.5 % are there.
        self.assertIn("<td>3.47</td>", self.page())

    def test_engines_and_workloads_are_passed_on(self):
        self.assertEqual(self.run_growth("--millions=0.02", "--engines=lmdb",
                                         "--workloads=open"), 0)
        self.assertEqual(self.measured(), [("lmdb", 20000)])
        self.assertIn("<figcaption>opening", self.page())
        self.assertNotIn("<figcaption>random puts", self.page())

    def test_runs_are_merged(self):
        self.assertEqual(self.run_growth("--millions=0.02", out="a"), 0)
        self.assertEqual(self.run_growth("--millions=0.05", "--engines=lmdb",
                                         out="b"), 0)
        self.assertEqual(self.run_growth(
            "--from=" + self.path("a/growth.jsonl") + ","
            + self.path("b/growth.jsonl")), 0)
        self.assertIn("<li>lmdb: of lmdb</li>", self.page())
        self.assertIn("<li>leveldb: of leveldb</li>", self.page())
        self.assertFalse(os.path.exists(self.path("out/growth.jsonl")))

    def test_other_machines_are_pointed_at(self):
        self.assertEqual(self.run_growth("--millions=0.02", out="a"), 0)
        self.assertNotIn("Not all on the same machine", self.page("a"))
        with open(self.path("a/growth.jsonl"), encoding="utf-8") as lines:
            text = lines.read()
        with open(self.path("b.jsonl"), "w", encoding="utf-8") as out:
            out.write(text.replace(" cores of ", "0 cores of "))
        self.run_growth("--from=" + self.path("a/growth.jsonl") + ","
                        + self.path("b.jsonl"))
        self.assertIn("Not all on the same machine", self.page())

    def test_other_sizes_are_not_mixed(self):
        self.assertEqual(self.run_growth("--millions=0.02"), 0)
        self.assertEqual(self.run_growth("--millions=0.05", "--add", "--",
                                         "--value-bytes=9"), 2)
        self.assertIn("different sizes of key and value", self.said)

    def test_nothing_is_replaced_in_silence(self):
        self.assertEqual(self.run_growth("--millions=0.02"), 0)
        self.assertEqual(self.run_growth("--millions=0.05"), 2)
        self.assertIn("is there already", self.said)
        self.assertEqual(self.run_growth("--millions=0.05", "--add"), 0)
        self.assertEqual([k for e, k in self.measured() if e == "holdfast"],
                         [20000, 50000])
        self.assertEqual(self.run_growth("--millions=0.05", "--replace"), 0)
        self.assertEqual([k for e, k in self.measured() if e == "holdfast"],
                         [50000])

    def test_what_was_measured_outlives_a_failure(self):
        self.assertEqual(self.run_growth(
            "--millions=0.02,0.05,0.1", ends={"50000": "cut off"}), 1)
        self.assertIn("with 50000 keys db_bench ended with exit code 1",
                      self.said)
        self.assertIn("cut off", self.said)
        self.assertEqual([k for e, k in self.measured() if e == "holdfast"],
                         [20000, 50000, 100000])
        self.assertIn("--keys=100000", self.page())

    def test_an_interrupted_run_ends_and_is_kept(self):
        self.assertEqual(self.run_growth(
            "--millions=0.02,0.05,0.1", ends={"50000": 130}), 130)
        self.assertEqual([k for e, k in self.measured() if e == "holdfast"],
                         [20000, 50000])
        self.assertIn("--keys=50000", self.page())

    def test_what_a_killed_run_left_is_added(self):
        self.assertEqual(self.run_growth("--millions=0.02"), 0)
        os.rename(self.path("out/growth.jsonl"),
                  self.path("out/growth.jsonl.part"))
        self.assertEqual(self.run_growth("--millions=0.05"), 0)
        self.assertEqual([k for e, k in self.measured() if e == "holdfast"],
                         [20000, 50000])

    def test_wrong_flags_are_named(self):
        for flags, message in (
                (["--millions=many"], "--millions=many: wants numbers"),
                (["--millions=0.0001"], "0.001 is the least"),
                (["--frobnicate"], "--frobnicate"),
                (["--add", "--replace"], "one of them"),
                (["--from=/nowhere"], "there is no file /nowhere"),
                (["--db_bench=/nowhere"], "/nowhere: No such file")):
            self.assertEqual(self.run_growth(*flags), 2, flags)
            self.assertIn(message, self.said)


if __name__ == "__main__":
    unittest.main()
