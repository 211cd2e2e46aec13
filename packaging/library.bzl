"""What Bazel's C++ rules do not make: one file of a library and all that it
depends on, for those who build without Bazel."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _archives(dep):
    """The libraries that are compiled here, not those of the system."""
    found = []
    for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive:
                found.append(archive)
    return found

# All of a library in one object file. With ThinLTO this is where its code is
# made: the archives hold bitcode, which g++ cannot read.
def _whole_object_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    archives = _archives(ctx.attr.dep)
    args = ctx.actions.args()
    args.add_all(["-r", "-nostdlib", "-o", ctx.outputs.out])
    args.add_all(ctx.attr.linkopts)
    args.add("-Wl,--whole-archive")
    args.add_all(archives)
    ctx.actions.run(
        executable = toolchain.compiler_executable,
        arguments = [args],
        inputs = depset(archives, transitive = [toolchain.all_files]),
        outputs = [ctx.outputs.out],
        mnemonic = "WholeObject",
        use_default_shell_env = True,
    )

whole_object = rule(
    implementation = _whole_object_impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "linkopts": attr.string_list(),
        "out": attr.output(mandatory = True),
        "_cc_toolchain": attr.label(
            default = Label("@bazel_tools//tools/cpp:current_cc_toolchain"),
        ),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    incompatible_use_toolchain_transition = True,
)

# The paths of the headers that belong to a library and its dependencies, within
# one external repository; a line each.
def _header_list_impl(ctx):
    prefix = "../%s/" % ctx.attr.repository
    names = {}
    for header in ctx.attr.dep[CcInfo].compilation_context.headers.to_list():
        if header.short_path.startswith(prefix):
            names[header.short_path[len(prefix):]] = True
    ctx.actions.write(ctx.outputs.out, "".join(
        [name + "\n" for name in sorted(names.keys())],
    ))

header_list = rule(
    implementation = _header_list_impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "repository": attr.string(mandatory = True),
        "out": attr.output(mandatory = True),
    },
)
