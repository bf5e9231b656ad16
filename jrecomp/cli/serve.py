"""The command `jrecomp serve`."""

from contextlib import suppress
from pathlib import Path

import click

from jrecomp.cli import options, process, report
from jrecomp.errors import JrecompError, flag, printable
from jrecomp.options import Limits

_LOCAL = "127.0.0.1"


@click.command("serve")
@click.argument("archive", type=options.PathName(Path))
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Listen at this port; 0 means any free one.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default=_LOCAL,
    show_default=True,
    help="Listen at this address; 0.0.0.0 means all. Everybody who reaches it sees all pictures.",
)
@options.cache_size
@options.threads
@options.limits
@click.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")
def command(
    archive: Path,
    port: int,
    host: str,
    cache_size: int,
    threads: int,
    limits: Limits,
    quiet: bool,
) -> None:
    """Show the pictures of a folder in web browsers.

    The gallery has the .jrc and JPEG files of ARCHIVE and of the folders in it: thumbnails, exact JPEG files
    to look at and to download, sizes and metadata. Arrow keys, Enter and Escape work. Nothing can be written.
    Names that begin with a dot and links that lead out of ARCHIVE are left out. Only programs on this
    machine reach the gallery unless --host is given; there are no passwords.

    The command runs until Ctrl-C or SIGTERM, and then exits with 0. It needs the extra `serve`
    (pip install jrecomp[serve]).

    \b
    jrecomp serve archive
    jrecomp serve --host 0.0.0.0 --port 8080 archive
    """
    process.require_posix("serve")
    from jrecomp.gallery import server
    from jrecomp.gallery.app import application
    from jrecomp.gallery.library import Library
    from jrecomp.gallery.pictures import Pictures

    library, pictures = Library(archive), Pictures(cache_size, threads, limits)
    pictures.prepare()
    with server.listen(host, port) as listener:
        if not server.is_private(listener):
            report.tell(
                "warning: everybody who reaches this address sees all pictures; there are no passwords"
            )
        app = application(library, pictures, _tell_error, server.names_of(host, listener))
        running = server.Server(app, listener)
        with process.ended_by(running.end):
            if not quiet:
                with suppress(OSError):
                    click.echo(printable(f"{archive} appears at {server.url_of(listener)} until Ctrl-C"))
            running.wait()


def _tell_error(path: str, error: JrecompError) -> None:
    report.tell(f"{printable(path)}: {error.named(flag)}")
