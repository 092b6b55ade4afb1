"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept between processes stays out of the user's home."""
    os.environ["UNBRAID_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with shared data; the test skips where it is absent."""
    folder = Path(os.environ.get("UNBRAID_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no shared data (set UNBRAID_SHARED)")
    return folder


@pytest.fixture
def double_precision() -> Iterator[None]:
    """New tensors and weights are float64 in this test."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def solid() -> Path:
    """The file of a plugin whose operation `solid.octahedron` makes a mesh."""
    return Path(__file__).parent / "helpers" / "solid.py"


@attrs.frozen
class Said:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def unbraid(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """`unbraid("check", file)`, the command line as a function, run in an empty folder."""
    from unbraid.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run
