"""The suite for sources: a correct one passes, and each test has a fault that it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from suite_runs import failures

from unbraid import Field, Images, source
from unbraid.testing import SourceSuite

SHAPE = (5, 3, 4, 4)
_counter = iter(range(10**6))


def pictures(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SHAPE, dtype=np.uint8)


class Lazy:
    """Reads rows on demand, with one fault."""

    def __init__(self, fault: str) -> None:
        self.fault, self.shape, self.reads = fault, SHAPE, 0

    def read(self, rows: np.ndarray) -> np.ndarray:
        if self.fault == "sorted":
            rows = np.sort(rows)
        found = pictures()[rows]
        if self.fault == "float":
            return found / np.float32(255)
        if self.fault == "channels last":
            return found.transpose(0, 2, 3, 1)
        return found // 255 if self.fault == "dark" else found


@source
@attrs.frozen(kw_only=True)
class Squares:
    """Random pictures."""

    fault: str = ""

    def open(self) -> Any:
        """The pictures."""
        fields = {"digit": Field(np.array([0, 1, -1, 2, 0]), classes=3), "angle": Field(np.linspace(0, 1, 5))}
        if self.fault == "other images":
            return Images(pictures(next(_counter)))
        if self.fault == "other size":
            return Images(pictures()[:3 + next(_counter) % 2])
        if self.fault == "other fields":
            return Images(pictures(), {"angle": Field(np.full(5, float(next(_counter))))})
        if self.fault == "numpy":
            np.random.rand()
        if self.fault == "torch":
            torch.rand(())
        if self.fault == "array":
            return pictures()
        if self.fault == "class":
            object.__setattr__(fields["digit"], "values", np.array([0, 1, 2, 3, 4]))
        images = Images(pictures() if self.fault == "memory" else Lazy(self.fault), fields)  # type: ignore[arg-type]
        if self.fault == "length":
            object.__setattr__(fields["angle"], "values", np.linspace(0, 1, 4))
        return images


@pytest.mark.parametrize("fault", ["", "memory"])
def test_a_correct_source_passes(tmp_path: Path, fault: str) -> None:
    assert failures(SourceSuite, tmp_path, component=Squares, options={"fault": fault}) == {}


@pytest.mark.parametrize(("fault", "test", "message"), [
    ("float", "test_images_are_bytes", "float32"),
    ("channels last", "test_images_are_bytes", "(1, 4, 4, 3)"),
    ("dark", "test_images_are_not_dark", "nothing but 0 and 1"),
    ("sorted", "test_rows_are_read_in_the_order_asked_for", "another image"),
    ("length", "test_fields_fit", "angle has 4 entries for 5 images"),
    ("class", "test_fields_fit", "digit has 3 classes"),
    ("other images", "test_opens_twice_the_same", "different images"),
    ("other size", "test_opens_twice_the_same", "opened twice, it has"),
    ("other fields", "test_opens_twice_the_same", "angle differs"),
    ("numpy", "test_opens_twice_the_same", "NumPy's"),
    ("torch", "test_opens_twice_the_same", "torch's"),
    ("array", "test_images_are_bytes", "open gives ndarray"),
])
def test_each_fault_is_found(tmp_path: Path, fault: str, test: str, message: str) -> None:
    failed = failures(SourceSuite, tmp_path, component=Squares, options={"fault": fault})
    assert message in failed[test]
    if fault not in ("array", "float"):
        assert set(failed) == {test}


def test_files_are_written_where_the_suite_says(tmp_path: Path) -> None:
    @source
    @attrs.frozen(kw_only=True)
    class Saved:
        """A file of pictures."""

        file: Path

        def open(self) -> Images:
            """The pictures of the file."""
            return Images(np.load(self.file))

    def make(self: Any, folder: Path) -> Saved:
        np.save(folder / "pictures.npy", pictures())
        return Saved(file=folder / "pictures.npy")

    assert failures(SourceSuite, tmp_path, component=Saved, make=make, options={"file": "given by make"}) == {}
