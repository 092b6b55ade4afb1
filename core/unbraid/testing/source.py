"""The suite for sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from unbraid.data import Images
from unbraid.testing.component import ComponentSuite


class SourceSuite(ComponentSuite):
    """The suite of a source. Override `make(folder)` where it needs files: write them into the folder."""

    kind = "source"

    def make(self, folder: Path) -> object:
        """Return the source, as a recipe would make it.  folder: an empty one for its files."""
        return self.target(**self.options)

    def open(self, folder: Path) -> Images:
        """Open the source and return its images."""
        images = self.make(folder).open()  # type: ignore[attr-defined]
        assert isinstance(images, Images), f"open gives {type(images).__name__}; expected unbraid.Images"
        return images

    @pytest.fixture
    def images(self, tmp_path: Path) -> Images:
        """The images of the opened source."""
        return self.open(tmp_path)

    def test_images_are_bytes(self, images: Images) -> None:
        """Check that images are uint8 (N, C, H, W), also when read lazily: the first, the last, and two at once."""
        n, shape = len(images), images.shape
        assert n > 0, "the source has no images"
        for rows in ([0], [n - 1], [0, n - 1]):
            found = images.read(np.array(rows))
            assert found.dtype == np.uint8, f"images are {found.dtype}; expected uint8 in 0 ... 255"
            assert found.shape == (len(rows), *shape), (
                f"rows {rows} have shape {found.shape}; expected {(len(rows), *shape)}")

    def test_images_are_not_dark(self, images: Images) -> None:
        """Check that images use 0 ... 255: images in [0, 1] that were cast to bytes are black."""
        found = images.read(np.arange(min(len(images), 16)))
        assert found.max() > 1, "the first images hold nothing but 0 and 1; expected bytes in 0 ... 255"

    def test_rows_are_read_in_the_order_asked_for(self, images: Images) -> None:
        """Check that a row gives the same image at every position of a read."""
        last = len(images) - 1
        backwards = images.read(np.array([last, 0]))
        assert np.array_equal(backwards[0], images.read(np.array([last]))[0]), "row n - 1, read first, is another image"
        assert np.array_equal(backwards[1], images.read(np.array([0]))[0]), "row 0, read second, is another image"

    def test_fields_fit(self, images: Images) -> None:
        """Check that fields have one entry for each image, and that classes lie in their range."""
        for name, field in images.fields.items():
            assert len(field.values) == len(images), f"{name} has {len(field.values)} entries for {len(images)} images"
            if field.classes is not None:
                low, high = field.values.min(), field.values.max()
                assert -1 <= low <= high < field.classes, (
                    f"{name} has {field.classes} classes; its values go from {low} to {high}")

    def test_clips_have_their_frames(self, images: Images) -> None:
        """Check that every frame of a clip is there once, from 0 on: `frames:` and `next:` count on it."""
        if not {"clip", "frame"} <= images.fields.keys():
            pytest.skip("the source has no clips")
        clips, frames = images.fields["clip"].values.ravel(), images.fields["frame"].values.ravel()
        for clip in np.unique(clips)[:100]:
            found = np.sort(frames[clips == clip])
            assert np.array_equal(found, np.arange(len(found))), f"clip {clip} has the frames {found[:8].tolist()} ..."

    def test_opens_twice_the_same(self, tmp_path: Path) -> None:
        """Check that opening twice gives the same images and fields, and leaves global generators unchanged."""
        folders = tmp_path / "first", tmp_path / "second"
        for folder in folders:
            folder.mkdir()
        numpy_state, torch_state = repr(np.random.get_state()), torch.get_rng_state()
        one, two = (self.open(folder) for folder in folders)
        rows = np.arange(min(len(one), 16))
        assert len(one) == len(two), f"opened twice, it has {len(one)} and {len(two)} images"
        assert np.array_equal(one.read(rows), two.read(rows)), "opened twice, it has different images"
        assert list(one.fields) == list(two.fields), "opened twice, it has different fields"
        for name, field in one.fields.items():
            assert np.array_equal(field.values, two.fields[name].values, equal_nan=field.values.dtype.kind == "f"), (
                f"opened twice, {name} differs")
        assert numpy_state == repr(np.random.get_state()), "it draws from NumPy's global generator"
        assert torch.equal(torch_state, torch.get_rng_state()), "it draws from torch's global generator"
