"""Lines of the report that describe a file."""

from pathlib import Path

import pytest

from jrecomp import Info, JpegInfo
from jrecomp.batch import Job, Outcome
from jrecomp.cli.report import details


@pytest.mark.parametrize(
    ("jpeg", "expected"),
    [
        (JpegInfo(96, 64, 3, "4:2:0", False, 80, 600), "3 components 4:2:0, sequential, about quality 80"),
        (
            JpegInfo(96, 64, 1, "gray", True, 80, 600, precision=12, arithmetic=True),
            "1 component gray, progressive, arithmetic coding, 12 bits, about quality 80",
        ),
    ],
)
def test_image(jpeg: JpegInfo, expected: str) -> None:
    info = Info("lossless", 1, 1000, 800, 1000, "default", 1, jpeg=jpeg)
    assert f"96 x 64, {expected}\n" in details(Outcome(Job(Path("photo.jpg.jrc"))), info)
