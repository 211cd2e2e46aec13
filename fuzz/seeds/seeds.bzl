"""The seed corpora as one folder, made by a program."""

def _seed_corpora_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run(
        executable = ctx.executable.generator,
        arguments = [folder.path],
        outputs = [folder],
        mnemonic = "SeedCorpora",
        progress_message = "Making fuzz seeds",
    )
    return [DefaultInfo(
        files = depset([folder]),
        runfiles = ctx.runfiles([folder]),
    )]

seed_corpora = rule(
    implementation = _seed_corpora_impl,
    attrs = {
        # Built like everything else, not once more for the host.
        "generator": attr.label(executable = True, cfg = "target"),
    },
)
