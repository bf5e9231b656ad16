"""The gallery as an ASGI application: pages, thumbnails and files, for reading only."""

import errno
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from itertools import chain, repeat
from pathlib import Path
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from jrecomp import __version__, files
from jrecomp.errors import JrecompError, flag, shortage, unexpected
from jrecomp.gallery.details import Details
from jrecomp.gallery.guard import Guard
from jrecomp.gallery.library import Library, OpenFile, Parts, parts_of, url_of
from jrecomp.gallery.pictures import Pictures

MOST_REQUESTS = 100
"""How many requests are answered at the same time. Each has a thread, which may wait while others decode."""

_PIECES = 2000
"""Pages of folders are sent when so many pieces of text are there, so that browsers show them soon."""

OnError = Callable[[str, JrecompError], None]
"""Called with the path of a file, and with a defect or a shortage of the machine."""

_PLACE = Path(__file__).parent
_STATIC = _PLACE / "static"
_JPEG = b"\xff\xd8\xff"
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)

_Answer = Callable[[Parts, Request], Response]


class _Pages:
    """Answers requests. library, pictures: what it shows. on_error: see OnError."""

    def __init__(self, library: Library, pictures: Pictures, on_error: OnError) -> None:
        self._library, self._pictures, self._on_error = library, pictures, on_error
        self._placeholder = (_STATIC / "damaged.svg").read_bytes()
        self._templates = Environment(
            loader=FileSystemLoader(_PLACE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["shown"] = shown

    def folder(self, parts: Parts, request: Request) -> Response:
        """The page of a folder."""
        listing = self._library.list(parts)
        before = url_of((*parts, ""))
        named = chain(zip(listing.folders, repeat(True)), zip(listing.pictures, repeat(False)))
        entries = ((name, before + url_of((name,)), is_folder) for name, is_folder in named)
        counts = {"folders": len(listing.folders), "pictures": len(listing.pictures)}
        page = self._templates.get_template("folder.html")
        stream = page.stream(**self._place(parts), entries=entries, **counts)
        stream.enable_buffering(_PIECES)
        return StreamingResponse(stream, media_type="text/html")

    def picture(self, parts: Parts, request: Request) -> Response:
        """The page of a picture."""
        problem, details = None, Details(None, [])
        with self._library.open(parts) as file:
            try:
                details = self._pictures.details(file)
            except JrecompError as error:
                if shortage(error):
                    raise
                problem = error
        names = self._library.list(parts[:-1]).pictures
        place = names.index(parts[-1]) if parts[-1] in names else None
        return self._page(
            "picture.html",
            parts,
            status=500 if problem else 200,
            path=url_of(parts),
            details=details,
            problem=problem and problem.named(flag),
            previous=_neighbour(parts, names, place, -1),
            next=_neighbour(parts, names, place, 1),
            number=None if place is None else place + 1,
            count=len(names),
        )

    def thumbnail(self, parts: Parts, request: Request) -> Response:
        """A thumbnail, or a placeholder with the status of an error."""
        with self._library.open(parts) as file:
            tag = _tag("thumbnail", file)
            if _is_known(request, tag):
                return _not_modified(tag)
            return _file(self._pictures.thumbnail(file), tag)

    def original(self, parts: Parts, request: Request) -> Response:
        """The file that a container restores, or another picture as it is."""
        with self._library.open(parts) as file:
            tag = _tag("original", file)
            if _is_known(request, tag):
                return _not_modified(tag)
            response = _file(self._pictures.original(file), tag)
        if "download" in request.query_params or response.media_type != "image/jpeg":
            name = quote(shown(file.name.removesuffix(files.SUFFIX)))
            response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        return response

    def failed(self, parts: Parts, error: Exception, image: bool) -> Response:
        """The answer to a request that failed: a page, or a placeholder for an image."""
        status = _status(error)
        if not isinstance(error, JrecompError | OSError | HTTPException) or status == 503:
            self._on_error("/".join(parts), unexpected(error))
        if image:
            response = Response(self._placeholder, status, media_type="image/svg+xml")
        else:
            response = self._page("error.html", (), status=status, text=HTTPStatus(status).phrase)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _page(self, template: str, parts: Parts, status: int = 200, **values: object) -> Response:
        page = self._templates.get_template(template)
        return HTMLResponse(page.render(**self._place(parts), **values), status)

    def _place(self, parts: Parts) -> dict[str, object]:
        """What pages tell of their place: its name, and the names and URLs of the folders around it."""
        way = [(self._library.name, "/")]
        way += [(name, f"/folder/{url_of(parts[:end])}") for end, name in enumerate(parts, 1)]
        return {"way": way[:-1], "name": way[-1][0]}


def application(
    library: Library, pictures: Pictures, on_error: OnError, names: tuple[str, ...] = ()
) -> Starlette:
    """The gallery of an archive.

    library, pictures: what it shows. on_error: see OnError. names: of the server, see guard.Guard.
    """
    pages, limiter = _Pages(library, pictures, on_error), CapacityLimiter(MOST_REQUESTS)

    def route(path: str, answer: _Answer, *, image: bool = False) -> Route:
        return Route(path, _endpoint(pages, answer, limiter, image))

    async def failed(request: Request, error: Exception) -> Response:
        return pages.failed((), error, image=False)

    return Starlette(
        routes=[
            route("/", pages.folder),
            route("/folder/{path:path}", pages.folder),
            route("/picture/{path:path}", pages.picture),
            route("/thumbnail/{path:path}", pages.thumbnail, image=True),
            route("/original/{path:path}", pages.original, image=True),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guard, names=names), Middleware(_RawPaths)],
        exception_handlers={HTTPException: failed},
    )


class _RawPaths:
    """Middleware that gives routes paths as they were sent: names need not be UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "path": scope["raw_path"].decode("latin-1")}, receive, send)


def _endpoint(
    pages: _Pages, answer: _Answer, limiter: CapacityLimiter, image: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Answers requests in threads."""

    async def endpoint(request: Request) -> Response:
        parts: Parts = ()
        try:
            parts = parts_of(request.path_params.get("path", "").encode("latin-1"))
            work = partial(answer, parts, request)
            return await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
        except Exception as error:
            return pages.failed(parts, error, image)

    return endpoint


def shown(name: str) -> str:
    """A file name as text that can be encoded."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _neighbour(parts: Parts, names: list[str], place: int | None, step: int) -> str | None:
    """The path of the picture before or after the one at a place, None at the ends."""
    if place is None or not 0 <= place + step < len(names):
        return None
    return url_of((*parts[:-1], names[place + step]))


def _tag(kind: str, file: OpenFile) -> str:
    """The ETag of what is made of a file; another version may make another thumbnail."""
    return f'"{"-".join([kind, __version__, *(f"{number:x}" for number in file.identity)])}"'


def _is_known(request: Request, tag: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or known == ["*"]


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})


def _file(data: bytes, tag: str) -> Response:
    kind = "image/jpeg" if data.startswith(_JPEG) else "application/octet-stream"
    return Response(data, headers={"ETag": tag}, media_type=kind)


def _status(error: Exception) -> int:
    """The HTTP status for an error. What is wrong with a file is the server's fault, not the reader's."""
    if isinstance(error, HTTPException):
        return error.status_code
    if shortage(error):
        return 503
    if isinstance(error, PermissionError):
        return 403
    return 404 if isinstance(error, OSError) and error.errno in _MISSING else 500
