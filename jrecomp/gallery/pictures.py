"""What a gallery shows of a picture: its thumbnail, its JPEG file, and what is known about it."""

from collections.abc import Callable
from functools import partial
from threading import BoundedSemaphore

from jrecomp import files, pipeline
from jrecomp.cache import Cache
from jrecomp.codec import Resources
from jrecomp.container import HEAD_BYTES, is_container, restored_length
from jrecomp.gallery import details
from jrecomp.gallery.details import Details
from jrecomp.gallery.library import OpenFile
from jrecomp.model import load
from jrecomp.options import Limits
from jrecomp.thumbnails import thumbnail_file

THUMBNAIL_SIZE = 320
"""Width and height that thumbnails fit into, in pixels: twice those of the squares, for fine screens."""


class Pictures:
    """Thumbnails and files of pictures, kept in memory as long as there is room. Threads may share it.

    cache_bytes: for thumbnails and restored files, see cache.Cache. threads: for all that is decoded at the
    same time, 0 for one per core; as many pictures are decoded at once. limits: for each file, as for
    pipeline.decompress().

    The methods raise OSError, and the errors of pipeline.decompress() and thumbnails.thumbnail().
    """

    def __init__(self, cache_bytes: int, threads: int, limits: Limits) -> None:
        self._threads = Resources(threads).workers
        self._free = BoundedSemaphore(self._threads)
        self._limits = limits
        self._cache = Cache[bytes](cache_bytes, len)

    @staticmethod
    def prepare() -> None:
        """Load what the first thumbnail would wait for."""
        from PIL import JpegImagePlugin

        assert JpegImagePlugin and load()

    def thumbnail(self, file: OpenFile) -> bytes:
        """A small version as a JPEG file."""

        def make(data: bytes, threads: int) -> bytes:
            return thumbnail_file(data, "jpeg", THUMBNAIL_SIZE, threads, self._limits)[0]

        return self._cache.get(("thumbnail", file.identity), partial(self._decoded, file, make))

    def original(self, file: OpenFile) -> bytes:
        """The file that a container restores; another file as it is."""

        def restore(data: bytes, threads: int) -> bytes:
            return pipeline.decompress(data, threads=threads, limits=self._limits)

        if not is_container(file.stream.read(HEAD_BYTES)):
            return self._read(file)
        return self._cache.get(("original", file.identity), partial(self._decoded, file, restore))

    def details(self, file: OpenFile) -> Details:
        """What headers tell; nothing is decoded."""
        data = self._read(file)
        if is_container(data):
            rows = details.of_container(pipeline.inspect(data, limits=self._limits))
        else:
            rows = [("File", details.size_text(len(data)))]
        return details.of_picture(data, rows, self._limits)

    def _decoded(self, file: OpenFile, decode: Callable[[bytes, int], bytes]) -> bytes:
        """The result of a function of a file and a number of threads, when a thread is free."""
        with self._free:
            threads = self._threads // max(1, min(self._threads, self._cache.running))
            return decode(self._read(file), threads)

    def _read(self, file: OpenFile) -> bytes:
        """All bytes of a file; raises CorruptContainerError if only its name is that of a container."""
        file.stream.seek(0)
        data = files.read_all(file.stream, self._limits.max_memory)
        if file.name.endswith(files.SUFFIX):
            restored_length(data[:HEAD_BYTES])
        return data
