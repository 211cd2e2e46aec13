"""A fuzz target: a libFuzzer program, and a test that replays its inputs."""

def cc_fuzz_test(
        name,
        srcs,
        deps = [],
        corpus = [],
        dict = None,
        options = None,
        size = "small",
        tags = [],
        **kwargs):
    """Makes a target that has two lives.

    Without a configuration it is a test that runs every seed and every past
    finding once, with whatever compiler and sanitizer is in use. With
    --config=fuzz it is a libFuzzer program: start bazel-bin/fuzz/.../NAME with
    a folder for what it finds, or use `make fuzz`. `bazel test --config=fuzz`
    replays, too.

    Seeds are what //fuzz/seeds makes for NAME; a target without any fails, and
    so does one above the max_len of its options.

    HOLDFAST_MUTANT=NAME in the environment takes a step out of the engine, in
    both lives: see base/mutant.h, and fuzz/canaries.txt.

    Args:
      name: NAME_fuzz; the source that defines LLVMFuzzerTestOneInput is
        NAME_fuzz.cc.
      srcs: the sources.
      deps: what they need.
      corpus: committed inputs, under corpus/NAME/, one finding each.
      dict: a dictionary for libFuzzer, NAME.dict.
      options: libFuzzer options, NAME.options, in the form OSS-Fuzz wants.
      size: of the test.
      tags: of the test. `fuzz` and `no-tsan` are added.
      **kwargs: for cc_test.
    """
    seeds = "//fuzz/seeds"
    folders = ["$(rootpath %s)/%s" % (seeds, name)]
    if corpus:
        folders.append("%s/corpus/%s" % (native.package_name(), name))
    libfuzzer = ["-runs=0"]
    if dict:
        libfuzzer.append("-dict=$(rootpath %s)" % dict)
    replay = []
    if options:
        replay.append("--options=$(rootpath %s)" % options)
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = select({
            "//tools:fuzzing": libfuzzer + folders,
            "//conditions:default": replay + folders,
        }),
        data = corpus + [seeds] +
               ([dict] if dict else []) + ([options] if options else []),
        linkopts = select({
            "//tools:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        linkstatic = True,
        # One thread and nothing that another would touch.
        tags = tags + ["fuzz", "no-tsan"],
        deps = deps + ["//tests/util:mutant_switch"] + select({
            "//tools:fuzzing": [],
            "//conditions:default": ["//fuzz/support:replay_main"],
        }),
        **kwargs
    )
