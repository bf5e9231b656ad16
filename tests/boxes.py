"""Contents of containers with other coded pictures."""

from dataclasses import replace
from typing import Any, TypeVar

from jrecomp.container import Lossless
from jrecomp.skeleton import Coded, pictures

Box = TypeVar("Box", bound=Lossless)


def coded(box: Lossless) -> Coded:
    """What restores the first picture."""
    return pictures(box.steps)[0].coded


def recoded(box: Box, **changes: Any) -> Box:
    """The box with other fields of Coded in its first step, a picture."""
    first = pictures(box.steps)[0]
    changed = first._replace(coded=first.coded._replace(**changes))
    return replace(box, steps=(changed, *box.steps[1:]))
