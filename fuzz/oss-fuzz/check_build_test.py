#!/usr/bin/env python3
"""check_build passes a good folder, and finds each thing that can be wrong.

The folders hold one toy target, toy_fuzz, linked in each of the wrong ways.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHECK_BUILD = os.path.join(HERE, "check_build")

# Enough functions with enough to check, in the namespace SPACE.
PIECE = r"""
#include <cstddef>
#include <cstdint>
#include <utility>
namespace SPACE {
template <int N>
[[gnu::noinline]] int Piece(const uint8_t* data, size_t size, int* table) {
  if (size > N) table[data[N] % 64] += table[N];
  return table[63 - N];
}
template <int... N>
int Sum(const uint8_t* data, size_t size, int* table,
        std::integer_sequence<int, N...>) {
  return (Piece<N>(data, size, table) + ...);
}
int FUNCTION(const uint8_t* data, size_t size, int* table) {
  return Sum(data, size, table, std::make_integer_sequence<int, 64>());
}
}  // namespace SPACE
"""
TARGET = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
namespace holdfast { int Engine(const uint8_t*, size_t, int*); }
extern "C" int LLVMFuzzerInitialize(int*, char***) {
#ifdef READS
  if (std::fopen(READS, "r") == nullptr) std::exit(1);
#endif
  return 0;
}
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size >= 5 && std::memcmp(data, "crash", 5) == 0) std::abort();
  static int table[64];
  static volatile int sum;
  sum = holdfast::Engine(data, size, table) + toy::Own(data, size, table);
  return 0;
}
"""
SANITIZE = ["-fsanitize=address,fuzzer-no-link"]
LINK = ["-fsanitize=address,fuzzer", "-static-libstdc++"]


def compile_toys(folder):
    """Makes a program of each kind; returns their folder."""
    def path(name):
        return os.path.join(folder, name)

    def clang(*arguments):
        subprocess.run(["clang++-19", "-O1", "-std=c++20", *arguments],
                       check=True)

    with open(path("engine.cc"), "w") as file:
        file.write(PIECE)
    with open(path("target.cc"), "w") as file:
        file.write(PIECE + TARGET)
    with open(path("main.cc"), "w") as file:
        file.write("int main() {}")
    engine = ["-DSPACE=holdfast", "-DFUNCTION=Engine", "-c", path("engine.cc")]
    target = ["-DSPACE=toy", "-DFUNCTION=Own", "-c", path("target.cc")]
    reads = f'-DREADS="{path("reads")}/toy_fuzz"'
    objects = [
        [*SANITIZE, *engine, "-o", path("engine.o")],
        [*engine, "-o", path("bare_engine.o")],
        [*SANITIZE, *target, "-o", path("target.o")],
        [*target, "-o", path("bare_target.o")],
        [*SANITIZE, reads, *target, "-o", path("reads_target.o")],
    ]
    kinds = {
        "good": ["target.o", "engine.o", *LINK],
        "bare": ["bare_target.o", "bare_engine.o", *LINK],
        "half": ["target.o", "bare_engine.o", *LINK],
        "none": ["bare_target.o", "bare_engine.o", "-fsanitize=fuzzer",
                 "-static-libstdc++"],
        "dynamic": ["target.o", "engine.o", LINK[0]],
        "shared": ["target.o", "engine.o", *LINK, "-Wl,--no-as-needed",
                   "-lzstd"],
        "path": ["target.o", "engine.o", *LINK, "-Wl,-rpath,/opt/lib"],
        "reads": ["reads_target.o", "engine.o", *LINK],
        "main": ["main.cc"],
    }
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda arguments: clang(*arguments), objects))
        programs = []
        for kind, arguments in kinds.items():
            os.mkdir(path(kind))
            programs.append([path(a) if a.endswith((".o", ".cc")) else a
                             for a in arguments]
                            + ["-o", os.path.join(path(kind), "toy_fuzz")])
        list(pool.map(lambda arguments: clang(*arguments), programs))


class CheckBuildTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        compile_toys(cls.scratch)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def setUp(self):
        self.use("good")

    def use(self, kind):
        """Starts with a folder that is fine but for the program."""
        self.folder = os.path.join(self.scratch, kind)
        for name in os.listdir(self.folder):
            if name != "toy_fuzz":
                os.remove(os.path.join(self.folder, name))
        self.seeds({"one": b"some input", "two": b""})
        self.write("toy_fuzz.dict", '# Comment.\n\nkey="a\\x00\\\\"\n"b"\n')
        self.write("toy_fuzz.options", "[libfuzzer]\nmax_len = 100\n")
        self.write("llvm-symbolizer", "")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def change(self, name, old, new):
        """Replaces bytes of a program in a folder of its own."""
        changed = tempfile.mkdtemp(dir=self.scratch)
        shutil.copytree(self.folder, changed, dirs_exist_ok=True)
        self.folder = changed
        with open(os.path.join(changed, name), "rb") as file:
            content = file.read()
        self.assertIn(old, content)
        with open(os.path.join(changed, name), "wb") as file:
            file.write(content.replace(old, new))

    def seeds(self, inputs):
        path = os.path.join(self.folder, "toy_fuzz_seed_corpus.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in inputs.items():
                archive.writestr(name, content)

    def check(self, *arguments):
        """Returns (exit code, what it said)."""
        done = subprocess.run(
            [sys.executable, CHECK_BUILD, *arguments, self.folder],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        self.assertTrue(os.path.isdir(self.folder), "left the folder renamed")
        return done.returncode, done.stdout

    def expect(self, finding, *arguments):
        code, said = self.check(*arguments)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, finding)
        self.assertRegex(said, r": 1 findings\n$")

    def test_passes_what_is_good(self):
        code, said = self.check("--targets=toy_fuzz")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"^toy_fuzz: ok, \d+ counters, \d+ checks of "
                         r"asan, 1 seeds\n")

    def test_needs_neither_dictionary_nor_options(self):
        os.remove(os.path.join(self.folder, "toy_fuzz.dict"))
        os.remove(os.path.join(self.folder, "toy_fuzz.options"))
        self.assertEqual(self.check()[0], 0)

    def test_misses_a_target(self):
        self.expect("other_fuzz: is missing",
                    "--targets=toy_fuzz other_fuzz")

    def test_refuses_a_folder_without_targets(self):
        self.folder = tempfile.mkdtemp(dir=self.scratch)
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertIn("no targets", said)

    def test_finds_files_that_belong_to_no_target(self):
        self.write("notes.txt", "")
        self.expect("notes.txt: belongs to no target")

    def test_refuses_a_name_with_other_letters(self):
        self.expect("toy_fuzz!: has a name", "--targets=toy_fuzz toy_fuzz!")

    # The program.

    def test_refuses_what_cannot_be_executed(self):
        self.change("toy_fuzz", b"LLVMFuzzer", b"LLVMFuzzer")
        os.chmod(os.path.join(self.folder, "toy_fuzz"), 0o644)
        self.expect("is not executable")

    def test_refuses_scripts(self):
        self.change("toy_fuzz", b"\x7fELF", b"#!sh")
        self.expect("is not an ELF file")

    def test_refuses_other_processors(self):
        # Type (position-independent), then machine: 0xb7 is AArch64.
        self.change("toy_fuzz", b"\3\0\x3e\0\1\0\0\0", b"\3\0\xb7\0\1\0\0\0")
        self.expect("is not for x86-64")

    def test_refuses_programs_that_are_no_targets(self):
        self.use("main")
        self.expect("has no LLVMFuzzerTestOneInput")

    def test_refuses_a_shared_library(self):
        self.use("shared")
        self.expect("needs libzstd.so.1")

    def test_refuses_a_shared_cxx_library(self):
        self.use("dynamic")
        self.expect(r"needs libstdc\+\+.so.6")

    def test_refuses_a_path_to_libraries(self):
        self.use("path")
        self.expect("looks for libraries in a path of its own")

    # Instrumentation.

    def test_refuses_a_program_without_sanitizer(self):
        self.use("none")
        self.expect("is not compiled with the sanitizer: 0 calls of asan")

    def test_refuses_a_program_with_nothing_but_the_runtime(self):
        self.use("bare")
        self.expect("0 calls of asan by checks")

    def test_refuses_a_piece_without_sanitizer(self):
        self.use("half")
        self.expect("holdfast is not compiled with the sanitizer: 0 of 6")

    def test_refuses_another_sanitizer(self):
        self.expect(r"\d+ calls of asan in a build for undefined",
                    "--sanitizer=undefined")

    def test_refuses_a_program_without_counters(self):
        self.use("none")
        self.expect("is not instrumented for coverage", "--sanitizer=none")

    # What lies beside it.

    def test_refuses_a_target_without_seeds(self):
        os.remove(os.path.join(self.folder, "toy_fuzz_seed_corpus.zip"))
        self.expect("has no toy_fuzz_seed_corpus.zip")

    def test_refuses_bad_archives_of_seeds(self):
        for inputs, finding in [
                ({}, "has an empty seed corpus"),
                ({"one": b""}, "has nothing but empty inputs"),
                ({"a/b": b"x"}, "has a folder in its seed corpus: a/b")]:
            with self.subTest(finding):
                self.seeds(inputs)
                self.expect(finding)
        with self.subTest("cut"):
            self.write("toy_fuzz_seed_corpus.zip", "PK")
            self.expect("toy_fuzz_seed_corpus.zip cannot be unpacked")

    def test_refuses_bad_dictionaries(self):
        for text, finding in [
                ('key="a"\nkey=a\n', "dict:2 is no entry: key=a"),
                ('"\\n"\n', "dict:1 is no entry"),
                ('""\n', "dict:1 is no entry"),
                ("# Nothing.\n", "dict has no entries")]:
            with self.subTest(finding):
                self.write("toy_fuzz.dict", text)
                self.expect(finding)

    def test_refuses_bad_options(self):
        for text, finding in [
                ("max_len = 4\n", "toy_fuzz.options: File contains no section"),
                ("", "options has no section"),
                ("[fuzzer]\nmax_len = 4\n", "options for fuzzer, which nobody"),
                ("[libfuzzer]\nmax_length = 4\n", "that libFuzzer does not")]:
            with self.subTest(finding):
                self.write("toy_fuzz.options", text)
                self.expect(finding)

    # Running.

    def test_finds_a_seed_that_crashes(self):
        self.seeds({"one": b"crash"})
        self.expect(r"exit code \d+ of .*-runs=0(.|\n)*AddressSanitizer: ABRT")

    def test_finds_a_target_that_needs_the_path_it_was_built_in(self):
        self.use("reads")
        self.expect(r"exit code 1 of .*-runs=4")

    def test_looks_only_when_told_so(self):
        self.use("reads")
        self.assertEqual(self.check("--no-run")[0], 0)


class PinsTest(unittest.TestCase):
    """The Dockerfile fetches the versions that tools/setup unpacks."""

    def test_versions_are_those_of_the_everyday_build(self):
        with open(os.path.join(HERE, "Dockerfile")) as file:
            dockerfile = file.read()
        with open(os.path.join(HERE, "../../tools/setup")) as file:
            archives = dict(re.findall(
                r"\b(\w+)_(\d[\d.]*)(?:\+\w+)?\.orig\.tar", file.read()))
        for folder, archive in [("abseil-cpp", "abseil"), ("lz4", "lz4"),
                                ("zstd", "libzstd"), ("xxHash", "xxhash")]:
            with self.subTest(folder):
                self.assertRegex(
                    dockerfile,
                    rf"fetch {folder} v?{re.escape(archives[archive])} "
                    r"[0-9a-f]{40} ")


if __name__ == "__main__":
    unittest.main()
