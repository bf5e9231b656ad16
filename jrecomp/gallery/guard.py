"""What protects a gallery from web sites: a check of the name it is asked by, and headers of every answer."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CACHE = "private, no-cache"
"""Browsers keep answers, and ask each time whether they are current."""


class Guard:
    """Middleware that refuses requests by other names, and adds headers to all answers.

    A site can let its own name lead to 127.0.0.1, and so read what a browser gets from there (DNS rebinding).
    Addresses and localhost cannot be such a name.

    app: the application. names: other names that the server has.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, see ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", _CACHE)
            await send(message)

        app = self._app
        if scope["type"] == "http" and not self._knows(Headers(scope=scope).getlist("Host")):
            app = PlainTextResponse("The gallery does not have this name; use its address.\n", 421)
        await app(scope, receive, send_with_headers)

    def _knows(self, hosts: list[str]) -> bool:
        """Whether there is one name, and it is an address or one of the server."""
        try:
            (name,) = (urlsplit(f"//{host}").hostname or "" for host in hosts)
            if name in self._names:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
