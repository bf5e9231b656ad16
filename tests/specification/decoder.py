"""The whole way from a container to the original file, in the order of docs/format.md."""

import base64
from functools import cache
from pathlib import Path

import numpy as np

from tests.specification import blocks, container, copies, headers, jpeg, latents, planes
from tests.specification.container import Join, Modelled, Picture, Stored
from tests.specification.conventions import Ints, Reader, need
from tests.specification.models import Component, read_weights

Model = planes.Model | latents.Model | blocks.Model
KINDS: dict[str, type[Model]] = {"planes": planes.Model, "latents": latents.Model, "blocks": blocks.Model}

MOST_BLOCKS = 131072
"""docs/format/models.md, "Slices": of a slice of more than one MCU row."""


def decompress(data: bytes, weights: Path) -> bytes:
    """The original file. weights: the folder of the weights files."""
    body = container.read(data)
    if isinstance(body, Stored):
        return body.original.check(body.contents)
    return body.original.check(restore(body, load(weights, body.model)))


def restore(body: Modelled, model: Model) -> bytes:
    """docs/format.md, "Steps": undoes the steps, the last one first."""
    found = body.skeleton
    for step in reversed(body.steps):
        need(step.position <= len(found), "position of a step")
        before, after = found[: step.position], found[step.position :]
        if isinstance(step, Picture):
            found = before + restore_picture(step, after, model)
        elif isinstance(step, Join):
            found = before + separate(step, after)
        else:
            need(step.length <= len(after), "length of a Base64 step")
            found = before + base64.b64encode(after[: step.length]) + after[step.length :]
    return found


def restore_picture(picture: Picture, data: bytes, model: Model) -> bytes:
    """docs/format.md, "Steps": a step of kind 0. data: the bytes from its position on."""
    read = headers.read_headers(data)
    coefficients = decode_slices(model, read.frame, picture)
    whole = jpeg.write(read, picture.reconstruction, coefficients)
    need(len(whole) == len(read.data) + picture.removed, "length of a picture")
    return whole + data[len(read.data) :]


def separate(join: Join, data: bytes) -> bytes:
    """docs/format.md, "Steps": a step of kind 1. data: the bytes from its position on."""
    ranges, gaps = Reader(data), Reader(data[sum(join.ranges) :])
    need(sum(join.ranges) <= len(data), "ranges of a join")
    found = b""
    for index, length in enumerate(join.ranges):
        found += ranges.take(length)
        if index < len(join.gaps):
            found += gaps.take(join.gaps[index])
    return found + gaps.left


@cache
def load(weights: Path, identifier: int) -> Model:
    """docs/format/models.md, "Weights files"."""
    kind, arrays = read_weights(weights, identifier)
    return KINDS[kind](arrays)


def decode_slices(model: Model, frame: headers.Frame, picture: Picture) -> list[Ints]:
    """docs/format/models.md, "Slices", "Copies": coefficients [64, rows, columns] of each component."""
    found = copies.read(picture.copies, frame)
    coded_rows = copies.coded_rows(found, frame)
    slices = [
        decode_slice(model, frame, mcu_rows, data)
        for mcu_rows, data in zip(picture.rows_of_slices(len(coded_rows)), picture.slices, strict=True)
    ]
    coded = [np.concatenate([part.coefficients for part in parts], 1) for parts in zip(*slices, strict=True)]
    return copies.restore(found, coded_rows, coded, frame)


def decode_slice(model: Model, frame: headers.Frame, mcu_rows: int, data: bytes) -> list[Component]:
    """docs/format/models.md, "Slices": one slice."""
    parts = [Component(mcu_rows * c.v, frame.mcu_columns * c.h, c.steps) for c in frame.components]
    need(mcu_rows == 1 or sum(part.rows * part.columns for part in parts) <= MOST_BLOCKS, "a slice too large")
    if data:
        model.decode(data, parts)
    return parts
