"""The command `jrecomp mount`."""

from contextlib import suppress
from pathlib import Path

import click

from jrecomp.cli import options, process, report
from jrecomp.errors import JrecompError, flag, printable
from jrecomp.files import SUFFIX
from jrecomp.options import Limits


@click.command("mount")
@click.argument("archive", type=options.PathName(Path))
@click.argument("mountpoint", type=options.PathName(Path))
@options.cache_size
@click.option(
    "--allow-other", is_flag=True, help="Let other users read, too, with the permissions of the files."
)
@options.threads
@options.limits
@click.option("-q", "--quiet", is_flag=True, help="Print only errors.")
def command(
    archive: Path,
    mountpoint: Path,
    cache_size: int,
    allow_other: bool,
    threads: int,
    limits: Limits,
    quiet: bool,
) -> None:
    """Show a folder of .jrc files as the folder of their originals, for every program to read.

    ARCHIVE/x.jpg.jrc appears as MOUNTPOINT/x.jpg, with the size of the original. It is restored in memory
    when a program reads it. Other files appear as they are. Nothing can be written. A damaged file cannot be
    read, and an error is printed.

    The command runs until Ctrl-C, SIGTERM or unmounting, and then exits with 0. It needs FUSE (Debian: fuse3)
    and the extra `mount` (pip install jrecomp[mount]).

    \b
    jrecomp mount archive view
    jrecomp mount --cache-size 4G archive view &
    """
    process.require_posix("mount")
    from jrecomp.mount import filesystem
    from jrecomp.mount.archive import Archive

    filesystem.check(archive, mountpoint)
    shown = Archive(
        archive,
        cache_bytes=cache_size,
        threads=threads,
        limits=limits,
        on_hidden=_tell_hidden,
        on_error=_tell_error,
    )

    def on_ready() -> None:
        if not quiet:
            with suppress(OSError):
                click.echo(printable(f"{archive} appears in {mountpoint}, until Ctrl-C or unmounting"))

    process.reset_signals()
    filesystem.serve(shown, mountpoint, allow_other=allow_other, on_ready=on_ready, on_error=_tell_error)
    shown.shutdown()


def _tell_error(path: str, error: JrecompError) -> None:
    report.tell(f"{printable(path)}: {error.named(flag)}")


def _tell_hidden(path: str) -> None:
    plain = Path(path).name.removesuffix(SUFFIX)
    report.tell(printable(f"{path}: does not appear, as {plain} exists, too; others like it are not named"))
