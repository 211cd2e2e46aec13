"""What tools/fuzz and tools/fuzz_coverage share: which targets there are, and
where their programs and inputs lie. See fuzz/cc_fuzz_test.bzl for the names.
"""

import configparser
import os
import subprocess
import sys

QUERY = r'attr(tags, "\bfuzz\b", tests(//fuzz/...))'
SEEDS = "//fuzz/seeds"


def die(what):
    """Ends the program: something is wrong with its use or the build."""
    sys.exit(f"{os.path.basename(sys.argv[0])}: {what}")


def files_in(folder):
    """Returns the files of a folder, sorted; none when it is not there."""
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return [path for path in paths if os.path.isfile(path)]


class Target:
    """A fuzz target by its label; paths are relative to the tree's root."""

    def __init__(self, root, label):
        self.root = root
        self.label = label
        self.folder, self.name = label.removeprefix("//").split(":")

    def binary(self, build):
        """Returns its program; `build` is what Tree.build returned."""
        return os.path.join(build, self.folder, self.name)

    def seeds(self, build):
        """Returns the folder of generated seeds."""
        return os.path.join(build, SEEDS.removeprefix("//"), "seeds", self.name)

    def committed(self):
        """Returns the folder of past findings, or None without any."""
        folder = os.path.join(self.root, self.folder, "corpus", self.name)
        return folder if files_in(folder) else None

    def kept(self):
        """Returns the folder of what earlier runs found, there or not."""
        cache = os.environ.get("HOLDFAST_CACHE") or os.path.expanduser(
            "~/.cache/holdfast")
        return os.path.join(cache, "fuzz", self.name)

    def flags(self):
        """Returns libFuzzer's flags from NAME.dict and NAME.options."""
        beside = os.path.join(self.root, self.folder, self.name)
        flags = []
        if os.path.exists(beside + ".dict"):
            flags.append(f"-dict={beside}.dict")
        options = configparser.ConfigParser()
        options.read(beside + ".options")
        if options.has_section("libfuzzer"):
            flags += [f"-{key}={value}"
                      for key, value in options.items("libfuzzer")
                      if key != "dict"]
        return flags


class Tree:
    """A work tree, and Bazel in it."""

    def __init__(self, root):
        self.root = root
        self.bazel = os.environ.get("BAZEL", "bazel")

    def _run(self, *words, **kwargs):
        return subprocess.run([self.bazel, *words], cwd=self.root, text=True,
                              check=False, **kwargs)

    def targets(self, names=()):
        """Returns the targets of these names, or all, in order of name."""
        done = self._run("query", "--noshow_progress", QUERY,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            die(f"bazel query failed:\n{done.stderr}")
        every = {target.name: target for target in (
            Target(self.root, label) for label in sorted(done.stdout.split()))}
        if not every:
            die("there are no fuzz targets")
        for name in names:
            if name not in every:
                die(f"no target {name}; there are: {' '.join(every)}")
        return [every[name] for name in sorted(names or every)]

    def build(self, config, targets):
        """Builds the targets and their seeds; returns where that is.

        Not bazel-bin, which another build may point elsewhere meanwhile.
        """
        if self._run("build", f"--config={config}", "--noshow_progress", SEEDS,
                     *[target.label for target in targets]).returncode != 0:
            die("the targets do not build")
        done = self._run("info", f"--config={config}", "bazel-bin",
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        build = done.stdout.strip()
        if done.returncode != 0 or not os.path.isdir(build):
            die(f"bazel info bazel-bin says '{build}'")
        return build


def print_table(head, rows):
    """Prints rows below a head: the first column to the left, others right."""
    rows = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
