"""A gallery on a port of this machine, by the package uvicorn."""

import ipaddress
import socket
from threading import Thread

from jrecomp.errors import OutputError, UsageError, shortage

try:
    import uvicorn
    from starlette.types import ASGIApp

    from jrecomp.gallery.app import MOST_REQUESTS
except ModuleNotFoundError as error:
    package = str(error.name).partition(".")[0]
    raise UsageError(f"the package {package} is not installed (pip install jrecomp[serve])") from error

_GRACE = 1
"""Seconds that requests have to end after the server was told to."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. host: an address or a name. port: 0 takes any free one.

    Raises OutputError if the system refuses, and UsageError for names that have no address.
    """
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"--host {host}: {error.args[-1]}") from error
    try:
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise shortage(error) or OutputError(f"{host}, port {port}: {error.strerror}") from error


def address_of(listener: socket.socket) -> tuple[str, int]:
    """The IP address and the port that a socket listens at."""
    host, port, *_ = listener.getsockname()
    return host, port


def is_private(listener: socket.socket) -> bool:
    """Whether only programs on this machine reach a socket."""
    return ipaddress.ip_address(address_of(listener)[0]).is_loopback


def names_of(host: str, listener: socket.socket) -> tuple[str, ...]:
    """The names by which a server may be asked, see guard.Guard. host: as for listen()."""
    if is_private(listener):
        return (host,)
    own = socket.gethostname()
    return host, own, f"{own}.local", socket.getfqdn()


def url_of(listener: socket.socket) -> str:
    """The URL of the gallery; for a socket at all addresses by the name of this machine."""
    host, port = address_of(listener)
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class Server:
    """Answers requests from now on, until end() or an error. app: the gallery. listener: see listen()."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_level="critical",  # the application tells its errors
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_REQUESTS,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        # Outside of the main thread, uvicorn leaves signals alone.
        self._thread = Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End soon; handlers of signals may call it."""
        self._server.should_exit = True

    def wait(self) -> None:
        """Wait for the end."""
        while self._thread.is_alive():
            self._thread.join(1)  # handlers of signals run here
