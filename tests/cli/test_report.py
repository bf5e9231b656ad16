"""Lines of the report that describe a file."""

from pathlib import Path

import pytest

from jrecomp import Info, JpegInfo
from jrecomp.batch import Outcome
from jrecomp.cli.lines import details
from jrecomp.jobs import Job


@pytest.mark.parametrize(
    ("jpeg", "expected"),
    [
        (
            JpegInfo(0, 900, 96, 64, 3, "4:2:0", False, 80, 600),
            "3 components 4:2:0, sequential, about quality 80",
        ),
        (
            JpegInfo(0, 900, 96, 64, 1, "gray", True, 80, 600, precision=12, arithmetic=True),
            "1 component gray, progressive, arithmetic coding, 12 bits, about quality 80",
        ),
    ],
)
def test_image(jpeg: JpegInfo, expected: str) -> None:
    info = Info("lossless", 1, 1000, 800, 1000, "default", 1, pictures=(jpeg,))
    assert f"96 x 64, {expected}\n" in details(Outcome(Job(Path("photo.jpg.jrc"))), info)


def test_pictures() -> None:
    """All of a few, and the first ones of many."""
    small = JpegInfo(5000, 4321, 160, 120, 3, "4:2:2", False, 70, 600)
    info = Info("lossless", 1, 9000, 800, 9000, "default", 1, pictures=(small, small))
    shown = details(Outcome(Job(Path("photo.jpg.jrc"))), info)
    line = (
        "  picture        4,321 bytes at 5,000: 160 x 120, 3 components 4:2:2, sequential, about quality 70"
    )
    assert shown.count(line) == 1
    many = Info("lossless", 1, 9000, 800, 9000, "default", 1, pictures=(small,) * 30)
    shown = details(Outcome(Job(Path("photo.jpg.jrc"))), many)
    assert shown.count(line) == 20
    assert shown.endswith("and 9 more")
