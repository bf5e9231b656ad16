"""The whole way from a container to the original file, in the order of docs/format.md."""

from functools import cache
from pathlib import Path

import numpy as np

from tests.specification import blocks, container, copies, headers, jpeg, latents, planes
from tests.specification.container import Modelled, Stored
from tests.specification.conventions import Ints, need
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
    found = headers.read_headers(body.headers)
    coefficients = decode_slices(load(weights, body.model), found.frame, body)
    return body.original.check(jpeg.write(found, body.reconstruction, coefficients))


@cache
def load(weights: Path, identifier: int) -> Model:
    """docs/format/models.md, "Weights files"."""
    kind, arrays = read_weights(weights, identifier)
    return KINDS[kind](arrays)


def decode_slices(model: Model, frame: headers.Frame, body: Modelled) -> list[Ints]:
    """docs/format/models.md, "Slices", "Copies": coefficients [64, rows, columns] of each component."""
    found = copies.read(body.copies, frame)
    coded_rows = copies.coded_rows(found, frame)
    slices = [
        decode_slice(model, frame, mcu_rows, data)
        for mcu_rows, data in zip(body.rows_of_slices(len(coded_rows)), body.slices, strict=True)
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
