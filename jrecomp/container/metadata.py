"""The metadata of a file: skeleton, steps, reconstruction data, copies (docs/format.md, "Metadata")."""

from collections.abc import Sequence
from itertools import chain, islice, repeat, zip_longest

from jrecomp.container import dictionary
from jrecomp.container.fields import FieldReader, Fields, FieldWriter, Sliceable, blob, repeated
from jrecomp.errors import CorruptContainerError
from jrecomp.options import Limits
from jrecomp.skeleton import LARGEST_FRONT, MOST_RANGES, Base64, Coded, Join, Picture, Step, pictures

_PICTURE, _JOIN, _BASE64 = 0, 1, 2
_KINDS = {Picture: _PICTURE, Join: _JOIN, Base64: _BASE64}

_STEPS_PER_PICTURE = 8
"""Steps of a file, per picture of the limits."""

_NOTHING = Coded(b"", b"", 0, ())
_BLANK = Picture(0, 0, _NOTHING)


def pack_metadata(front: bytes, back: bytes, steps: Sequence[Step]) -> bytes:
    """The metadata of a file; for the parameters see Lossless."""
    writer = FieldWriter()
    _steps(writer, steps, len(steps))
    found = pictures(steps)
    writer.data += dictionary.replace(front, [picture.position for picture in found])
    for picture in found:
        _whole(writer, picture)
    return bytes(writer.data) + back


def unpack_metadata(
    metadata: Sliceable, length: int, limits: Limits, brief: bool
) -> tuple[bytes, bytes, tuple[Step, ...]]:
    """The front and the back of the skeleton, and the steps; the slices of pictures are empty.

    length: of the file. limits: bounds the number of pictures. brief: read only the front and the steps.
    Raises CorruptContainerError.
    """
    reader = FieldReader(metadata)
    steps = _steps(reader, (), _STEPS_PER_PICTURE * limits.max_pictures)
    found = pictures(steps)
    if len(found) > limits.max_pictures:
        raise CorruptContainerError(f"the container has {len(found)} pictures, more than the limits allow")
    grown = sum(map(_growth, steps))
    if grown > length:
        raise CorruptContainerError("damaged container: its pictures are longer than the file")
    front = dictionary.restore(reader, min(length - grown, LARGEST_FRONT))
    if brief:
        return front, b"", tuple(steps)
    whole = iter([_whole(reader, picture) for picture in found])
    back = reader.raw(b"", reader.left)
    if len(front) + len(back) + grown != length:
        raise CorruptContainerError("damaged container: its parts do not have the length of the file")
    return front, back, tuple(next(whole) if isinstance(step, Picture) else step for step in steps)


def _whole(fields: Fields, picture: Picture) -> Picture:
    """Write or read what precedes the slices of a picture."""
    coded = picture.coded
    reconstruction, copies = blob(fields, coded.reconstruction), blob(fields, coded.copies)
    return picture._replace(coded=coded._replace(reconstruction=reconstruction, copies=copies))


def _growth(step: Step) -> int:
    """Bytes by which a file becomes longer when a step is undone."""
    if isinstance(step, Picture):
        return step.removed
    return -(-step.length // 3) * 4 - step.length if isinstance(step, Base64) else 0


def _steps(fields: Fields, steps: Sequence[Step], limit: int) -> list[Step]:
    result: list[Step] = []
    position = ranges = 0
    for step in repeated(fields, steps, _BLANK, limit):
        kind = fields.varint(4 * (step.position - position) + _KINDS[type(step)])
        position += kind >> 2
        if kind & 3 == _PICTURE:
            removed = step.removed if isinstance(step, Picture) else 0
            result.append(Picture(position, fields.varint(removed), _NOTHING))
        elif kind & 3 == _BASE64:
            length = step.length if isinstance(step, Base64) else 0
            result.append(Base64(position, fields.varint(length)))
        elif kind & 3 == _JOIN:
            join = step if isinstance(step, Join) else Join(0, (0,), ())
            count = fields.varint(len(join.lengths))
            ranges += count
            if count == 0 or ranges > MOST_RANGES:
                raise CorruptContainerError(f"damaged container: {ranges} ranges are to be joined")
            result.append(_join(fields, join, position, count))
        else:
            raise CorruptContainerError("damaged container: a step is of an unknown kind")
    return result


def _join(fields: Fields, join: Join, position: int, count: int) -> Join:
    """The lengths of the first range, the first gap, the second range and so on."""
    written = chain.from_iterable(zip_longest(join.lengths, join.gaps, fillvalue=0))
    numbers = [fields.varint(number) for number in islice(chain(written, repeat(0)), 2 * count - 1)]
    return Join(position, tuple(numbers[::2]), tuple(numbers[1::2]))
