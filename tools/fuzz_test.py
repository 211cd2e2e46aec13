#!/usr/bin/env python3
"""tools/fuzz and tools/fuzz_coverage, with a bazel and targets that are fake:
what they run, what they say of it, and when they fail."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
FUZZ = os.path.join(TOOLS, "fuzz")

BAZEL = """\
#!/bin/sh
echo "$*" >> "$FAKE/bazel.log"
case "$1" in
  query) ls "$FAKE/bin/fuzz/room" | sed 's,^,//fuzz/room:,' ;;
  build) [ ! -e "$FAKE/broken" ] ;;
  info) echo "$FAKE/bin" ;;
esac
"""

# A target behaves as its name says.
TARGET = """\
#!/usr/bin/env python3
import os, signal, sys, time

name = os.path.basename(sys.argv[0])
mutant = os.environ.get("HOLDFAST_MUTANT", "")
flags = dict(a[1:].split("=", 1) for a in sys.argv[1:] if a.startswith("-"))
inputs = [a for a in sys.argv[1:] if not a.startswith("-")]
with open(os.environ["FAKE"] + "/" + name + ".argv", "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
with open(os.environ["FAKE"] + "/" + name + ".asan", "w") as log:
    log.write(os.environ.get("ASAN_OPTIONS", "none"))


def end(executions, code):
    print("stat::number_of_executed_units: %d" % executions)
    print("stat::average_exec_per_sec:     1234")
    print("stat::new_units_added:          3")
    print("stat::slowest_unit_time_sec:    2")
    print("stat::peak_rss_mb:              45")
    sys.stdout.flush()
    os._exit(code)


def find(kind="crash"):
    path = flags["artifact_prefix"] + kind + "-1"
    with open(path, "wb") as file:
        file.write(b"12345")
    print("base/x.cc:7: CHECK failed: a == b")
    print("==99== ERROR: libFuzzer: deadly signal")
    print("    #0 0x5 in __sanitizer_print_stack_trace x.cpp:1:2")
    print("    #1 0x5 in fuzzer::PrintStackTrace() x.cpp:1:2")
    print("    #2 0x5 in abort stdlib/abort.c:79:7")
    print("    #3 0x5 in holdfast::CheckFailed(char const*) base/check.cc:12:3")
    print("    #4 0x5 in holdfast::Guilty() base/x.cc:7:3")
    print()
    print("artifact_prefix='%s'; Test unit written to %s"
          % (flags["artifact_prefix"], path))
    end(500, 77)


if "merge" in flags:
    with open(inputs[0] + "/one", "w") as file:
        file.write("1")
    sys.exit(0)
if len(inputs) == 1 and os.path.isfile(inputs[0]):
    fails = {"canary_fuzz": mutant == "planted", "always_fuzz": True,
             "hangs_fuzz": True}
    sys.exit(77 if fails.get(name) else 0)
print("#7 INITED cov: 1 ft: 2 corp: 1/1b exec/s: 0 rss: 30Mb")
print("#9 DONE   cov: 56 ft: 396 corp: 1/1b exec/s: 0 rss: 30Mb", flush=True)
if name in ("finds_fuzz", "always_fuzz"):
    find()
if name in ("canary_fuzz", "forgets_fuzz") and mutant == "planted":
    find()
if name == "hangs_fuzz":
    find("timeout")
if name == "stalls_fuzz":
    with open(os.environ["FAKE"] + "/" + name + ".argv") as log:
        if log.read().count("max_total_time") <= 2:
            find("timeout")
if name == "sits_fuzz":
    signal.signal(signal.SIGINT, lambda *_: end(77, 72))
    time.sleep(60)
if name == "dies_fuzz":
    print("cannot start", flush=True)
    os._exit(1)
if name == "grows_fuzz":
    for i in range(500):
        open(inputs[0] + "/%d" % i, "w").close()
end(0 if name == "empty_fuzz" else 1000, 0)
"""


class FuzzTest(unittest.TestCase):

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.cache = os.path.join(self.root, "cache")
        self.write("bazel", BAZEL, run=True)
        self.env = dict(os.environ, FAKE=self.root, HOLDFAST_CACHE=self.cache,
                        BAZEL=os.path.join(self.root, "bazel"))
        self.env.pop("HOLDFAST_MUTANT", None)
        self.env.pop("ASAN_OPTIONS", None)

    def write(self, path, text, run=False):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if run:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def add(self, *names):
        for name in names:
            self.write(f"bin/fuzz/room/{name}", TARGET, run=True)

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def run_fuzz(self, *words):
        """Returns the exit code of tools/fuzz, and its output."""
        done = subprocess.run(
            [sys.executable, FUZZ, "--root=" + self.root, *words],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)
        return done.returncode, done.stdout

    def test_runs_each_target_and_prints_what_it_did(self):
        self.add("good_fuzz", "other_fuzz")
        self.write("fuzz/room/good_fuzz.dict", "")
        self.write("fuzz/room/good_fuzz.options",
                   "[libfuzzer]\nmax_len = 4096\ndict = elsewhere\n")
        self.write("fuzz/room/corpus/good_fuzz/bad-length", "x")
        code, out = self.run_fuzz("--time=7")
        self.assertEqual(code, 0, out)
        row = next(line for line in out.split("\n")
                   if re.match("good_fuzz  ", line))
        self.assertEqual(row.split(), [
            "good_fuzz", "1,000", row.split()[2], "3", "0", "56/396", "2", "s",
            "45", "MB", "0"])
        # A second of CPU holds many of them, and this was much less.
        self.assertGreater(int(row.split()[2].replace(",", "")), 1000)
        self.assertTrue(out.endswith("2 targets, 0 findings\n"), out)
        self.assertIn("2,000 executions in ", out)
        words = self.read("good_fuzz.argv").split()
        for word in ["-max_total_time=7", "-max_len=4096", "-timeout=10",
                     f"-dict={self.root}/fuzz/room/good_fuzz.dict"]:
            self.assertIn(word, words)
        self.assertEqual(words[-3:], [
            f"{self.cache}/fuzz/good_fuzz",
            f"{self.root}/bin/fuzz/seeds/seeds/good_fuzz",
            f"{self.root}/fuzz/room/corpus/good_fuzz"])
        self.assertIn("build --config=fuzz", self.read("bazel.log"))

    def test_runs_only_what_is_named(self):
        self.add("good_fuzz", "finds_fuzz")
        code, out = self.run_fuzz("good_fuzz")
        self.assertEqual(code, 0, out)
        self.assertIn("1 targets, 0 findings", out)
        code, out = self.run_fuzz("missing_fuzz")
        self.assertNotEqual(code, 0)
        self.assertIn("no target missing_fuzz; there are: finds_fuzz good_fuzz",
                      out)

    def test_shares_the_time_of_a_soak(self):
        self.add("a_fuzz", "b_fuzz", "c_fuzz")
        self.run_fuzz("--seconds-total=30", "--jobs=2")
        self.assertIn("-max_total_time=20", self.read("b_fuzz.argv"))

    def test_a_finding_fails_and_is_shown(self):
        self.add("finds_fuzz", "good_fuzz")
        code, out = self.run_fuzz()
        self.assertEqual(code, 1, out)
        path = "out/fuzz/findings/finds_fuzz/crash-1"
        self.assertIn(f"finds_fuzz FOUND {path} (5 bytes)\n"
                      "    base/x.cc:7: CHECK failed: a == b\n"
                      "      in holdfast::Guilty() base/x.cc:7:3\n"
                      f"  again:   tools/fuzz --show={path} finds_fuzz\n", out)
        self.assertTrue(out.endswith("2 targets, 1 findings\n"), out)

    def test_a_timeout_counts_when_it_comes_again(self):
        self.add("hangs_fuzz")
        code, out = self.run_fuzz()
        self.assertEqual(code, 1, out)
        self.assertIn("1 targets, 1 findings", out)
        self.assertEqual(self.read("hangs_fuzz.argv").count("max_total_time"),
                         1)

    def test_a_target_that_stalled_goes_on_for_the_time_that_is_left(self):
        self.add("stalls_fuzz")
        code, out = self.run_fuzz("--time=60")
        self.assertEqual(code, 0, out)
        self.assertEqual(out.count("timeout-1 took too long once, and not again"),
                         2)
        times = re.findall(r"-max_total_time=(\d+)",
                           self.read("stalls_fuzz.argv"))
        self.assertEqual(times, ["60", "50", "40"])
        # Twice 500 to the stall, 1,000 to the end.
        self.assertRegex(out, r"(?m)^stalls_fuzz +2,000 ")
        self.assertIn("stalls_fuzz: 2,000 executions in ", out)
        self.assertIn("1 targets, 0 findings", out)

    def test_a_target_that_stalled_does_not_go_on_without_time(self):
        self.add("stalls_fuzz")
        code, out = self.run_fuzz("--time=10")
        self.assertEqual(code, 0, out)
        self.assertEqual(self.read("stalls_fuzz.argv").count("max_total_time"),
                         1)
        self.assertIn("1 targets, 0 findings", out)

    def test_a_target_that_stalled_goes_on_with_the_inputs_that_are_left(self):
        self.add("stalls_fuzz")
        code, out = self.run_fuzz("--runs=1200")
        self.assertEqual(code, 0, out)
        words = self.read("stalls_fuzz.argv")
        self.assertEqual(re.findall(r"-runs=(\d+)", words),
                         ["1200", "700", "200"])
        self.assertEqual(re.findall(r"-seed=(\d+)", words), ["1", "2", "3"])

    def test_what_runs_nothing_fails(self):
        for name, why in (("empty_fuzz", "ran nothing"),
                          ("dies_fuzz", "ended with code 1 and no input")):
            with self.subTest(name):
                self.add(name)
                code, out = self.run_fuzz(name)
                self.assertEqual(code, 1, out)
                self.assertIn(f"{name}: {why}; see out/fuzz/logs/{name}.log",
                              out)
                self.assertIn("did not run", out)

    def test_what_does_not_build_fails(self):
        self.add("good_fuzz")
        self.write("broken", "")
        code, out = self.run_fuzz()
        self.assertEqual(code, 1, out)
        self.assertIn("do not build", out)

    def test_no_targets_is_a_failure(self):
        os.makedirs(os.path.join(self.root, "bin/fuzz/room"))
        code, out = self.run_fuzz()
        self.assertEqual(code, 1, out)
        self.assertIn("there are no fuzz targets", out)

    def test_an_interrupt_still_prints_the_table(self):
        self.add("sits_fuzz", "waits_fuzz")
        with subprocess.Popen(
                [sys.executable, FUZZ, "--root=" + self.root, "--jobs=1"],
                env=self.env, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True) as process:
            log = os.path.join(self.root, "out/fuzz/logs/sits_fuzz.log")
            for _ in range(600):
                if os.path.exists(log) and "DONE" in self.read(log):
                    break
                time.sleep(0.1)
            time.sleep(0.2)  # It prints before it minds the signal.
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, out)
        self.assertRegex(out, r"sits_fuzz +77 ")
        self.assertTrue(out.endswith("1 of 2 targets, 0 findings\n"), out)

    def test_a_corpus_that_has_grown_is_minimised(self):
        self.add("grows_fuzz")
        code, out = self.run_fuzz()
        self.assertEqual(code, 0, out)
        self.assertIn("corpus minimised from 500 files to 1", out)
        self.assertEqual(os.listdir(self.cache + "/fuzz/grows_fuzz"), ["one"])

    def test_show_runs_one_input(self):
        self.add("always_fuzz")
        self.write("input", "x")
        path = os.path.join(self.root, "input")
        code, out = self.run_fuzz("--show=" + path, "always_fuzz")
        self.assertEqual(code, 77, out)
        self.assertEqual(self.read("always_fuzz.argv").split()[-1], path)

    def test_stacks_are_short_while_it_looks_and_whole_when_it_shows(self):
        self.add("good_fuzz")
        self.run_fuzz()
        self.assertIn("malloc_context_size=2", self.read("good_fuzz.asan"))
        self.write("input", "x")
        self.run_fuzz("--show=" + os.path.join(self.root, "input"), "good_fuzz")
        self.assertEqual(self.read("good_fuzz.asan"), "none")
        self.env["ASAN_OPTIONS"] = "verbosity=1"
        self.run_fuzz()
        self.assertEqual(self.read("good_fuzz.asan"), "verbosity=1")

    def test_canaries_are_found_and_others_are_told(self):
        for name, verdict in (("canary", "found"), ("good", "SURVIVED"),
                              ("dies", "no input kept"),
                              ("always", "FAILS WITHOUT IT"),
                              ("forgets", "not found again")):
            with self.subTest(name):
                self.add(name + "_fuzz")
                self.write("fuzz/canaries.txt",
                           f"# Words.\n\n{name}_fuzz planted  # Why.\n")
                code, out = self.run_fuzz("--canaries")
                self.assertEqual(code, 0 if verdict == "found" else 1, out)
                self.assertRegex(
                    out, rf"(?m)^{name}_fuzz +planted +[\d.]+ s +\d[\d,]* +"
                    rf"{verdict}$")
                # No corpus, and no folder for one.
                first = self.read(name + "_fuzz.argv").split("\n")[0].split()
                self.assertTrue(all(word[0] == "-" for word in first), first)


class CoverageTest(unittest.TestCase):

    def setUp(self):
        sys.path.insert(0, TOOLS)
        self.addCleanup(sys.path.remove, TOOLS)
        path = os.path.join(TOOLS, "fuzz_coverage")
        loader = importlib.machinery.SourceFileLoader("fuzz_coverage", path)
        spec = importlib.util.spec_from_loader("fuzz_coverage", loader)
        sys.dont_write_bytecode = True
        self.tool = importlib.util.module_from_spec(spec)
        loader.exec_module(self.tool)

    def judge(self, missed, exceptions=()):
        """Returns what is under the limit of two files of 100 lines each."""
        with tempfile.TemporaryDirectory() as root:
            text = ""
            for path, count in missed.items():
                with open(f"{root}/{path}", "w", encoding="utf-8") as file:
                    file.write("code\n" * 100)
                text += f"SF:{root}/{path}\n" + "".join(
                    f"DA:{i},{int(i > count)}\n" for i in range(1, 101))
            self.tool.DECODERS = ["a.cc", "b.cc"]
            self.tool.EXCEPTIONS = dict(exceptions)
            return self.tool.judge(self.tool.read_lcov(text, root), root)

    def test_each_file_and_all_together_must_reach_the_limit(self):
        self.assertEqual(self.judge({"a.cc": 5, "b.cc": 5}), [])
        self.assertEqual(self.judge({"a.cc": 6, "b.cc": 0}), ["a.cc"])
        self.assertEqual(self.judge({"a.cc": 6, "b.cc": 5}),
                         ["a.cc", "all together"])
        self.assertEqual(self.judge({"a.cc": 6, "b.cc": 0}, {"a.cc": "why"}),
                         [])

    def test_a_file_that_nothing_reaches_is_under_the_limit(self):
        self.assertEqual(self.judge({"a.cc": 0}), ["b.cc"])

    def test_ranges_join_neighbours(self):
        self.assertEqual(self.tool.ranges([1, 2, 3, 7]), [(1, 3), (7, 7)])


if __name__ == "__main__":
    unittest.main()
