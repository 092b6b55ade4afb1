"""torchvision that is built for another torch: `doctor` and whatever needs it say so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unbraid import UnbraidError
from unbraid_plugins.shared.sources import Usps, unbraid_doctor
from unbraid_plugins.shared.torchvision_pair import torchvision_part

AT_IMPORT = 'raise RuntimeError("operator torchvision::nms does not exist")'            # as mixed builds fail
AT_A_CALL = """
from types import SimpleNamespace
def nms(*_):
    raise RuntimeError("Couldn't load custom C++ ops.")
ops = SimpleNamespace(nms=nms)
"""


@pytest.fixture(params=[AT_IMPORT, AT_A_CALL])
def _misfit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "torchvision.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    sys.modules.pop("torchvision", None)


@pytest.mark.usefixtures("_misfit")
def test_a_pair_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"torch \d.* and torchvision \d.* are not built for each other: ") as error:
        Usps(path=str(tmp_path)).open()
    assert "from one index" in error.value.hint
    [(what, found, well)] = unbraid_doctor()
    assert (what, well, "not built for each other" in found) == ("torchvision", False, True)


def test_a_pair_that_fits_works() -> None:
    assert torchvision_part("datasets").USPS
    assert unbraid_doctor() == [("torchvision", "built for this torch", True)]
