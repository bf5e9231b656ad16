"""Files from what is left of damaged containers."""

from collections.abc import Sequence

from jrecomp import codec, container, jpeg
from jrecomp.container import Lossless, Remains
from jrecomp.errors import CorruptContainerError, UnsupportedJpegError
from jrecomp.jpeg.markers import END
from jrecomp.jpeg.types import Frame, JpegFile
from jrecomp.pictures import PictureCoder
from jrecomp.skeleton import Coded, Picture, pictures, restore


def salvaged(remains: Remains, coder: PictureCoder) -> tuple[bytes, str]:
    """The file, with gray in place of what is lost, and a phrase about that.

    remains: of a container with pictures. All bytes keep their places, so that offsets in the file stay
    right: where scan data became shorter, zeros follow it. Raises CorruptContainerError if the steps do not
    fit, or if no slice is left.
    """
    box = remains.box
    assert isinstance(box, Lossless)
    found = pictures(box.steps)
    if sum(len(picture.coded.slices) for picture in found) == sum(map(len, remains.lost)):
        raise CorruptContainerError("damaged container: nothing of its pictures is left")
    salvaging = _Salvaging(coder, remains.lost)
    data = restore(box.front + box.back, box.steps, salvaging.picture)
    return data, "; ".join(reversed(salvaging.losses))


class _Salvaging:
    """Restores pictures, the last one first.

    coder: of the file. lost: of each picture, the indices of its lost slices.
    losses: a phrase about each picture with losses, the last picture first.
    """

    def __init__(self, coder: PictureCoder, lost: Sequence[tuple[int, ...]]) -> None:
        self._coder, self._lost, self.losses = coder, list(lost), list[str]()

    def picture(self, picture: Picture, headers: bytes) -> list[memoryview]:
        """The bytes of a picture, as many as it had."""
        lost, number = self._lost.pop(), len(self._lost) + 1
        try:
            file, rows = self._decoded(picture.coded, headers, lost)
        except (CorruptContainerError, UnsupportedJpegError):
            self.losses.append(f"picture {number} is lost")
            return _blank(picture, headers)
        if not lost:
            return jpeg.insert(headers, jpeg.scan_data(file, self._coder.limits))
        spans = ", ".join(f"{begin} to {end - 1}" for begin, end in rows)
        self.losses.append(f"rows {spans} of {file.frame.height} of picture {number} are lost")
        return self._written(file, picture) or _blank(picture, headers)

    def _decoded(
        self, coded: Coded, headers: bytes, lost: Sequence[int]
    ) -> tuple[JpegFile, list[tuple[int, int]]]:
        """The picture with 0 for the coefficients of lost slices, and the ranges of their pixel rows."""
        frame = jpeg.parse_frame(headers, self._coder.limits)
        scans = container.unpack_reconstruction(coded.reconstruction, self._coder.limits)
        slices = codec.EncodedSlices(coded.mcu_rows, list(coded.slices), coded.copies)
        file = JpegFile(frame, self._coder.coefficients(frame, slices), headers, scans)
        spans = codec.mcu_rows_of_slices(frame, slices)
        return file, _merged(frame, [spans[index] for index in lost])

    def _written(self, file: JpegFile, picture: Picture) -> list[memoryview] | None:
        """The picture with its Huffman tables, or with new ones if they lack codes; None if it is longer."""
        length = len(file.headers) + picture.removed
        try:
            pieces = jpeg.insert(file.headers, jpeg.scan_data(file, self._coder.limits))
        except CorruptContainerError:
            pieces = self._rebuilt(file)
        missing = length - sum(map(len, pieces))
        if missing < 0:
            return None
        data = b"".join(pieces)
        end = len(data) - len(END) if data.endswith(END) else len(data)
        return [memoryview(data)[:end], memoryview(bytes(missing)), memoryview(data)[end:]]

    def _rebuilt(self, file: JpegFile) -> list[memoryview]:
        steps = [component.quantization for component in file.frame.components]
        rebuilt = jpeg.rebuild(file, steps, file.coefficients, huffman="optimal", limits=self._coder.limits)
        return [memoryview(jpeg.write(rebuilt, self._coder.limits))]


def _blank(picture: Picture, headers: bytes) -> list[memoryview]:
    """The picture with zeros for its scan data."""
    return jpeg.insert(headers, [(jpeg.first_scan(headers), bytes(picture.removed))])


def _merged(frame: Frame, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of pixel rows from ascending ranges of MCU rows; adjacent ones become one."""
    height = 8 * max(component.vertical for component in frame.components)
    merged = list[tuple[int, int]]()
    for begin, end in spans:
        first, last = begin * height, min(end * height, frame.height)
        if merged and merged[-1][1] == first:
            first = merged.pop()[0]
        merged.append((first, last))
    return merged
