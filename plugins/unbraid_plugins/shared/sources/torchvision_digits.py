"""Data sets of torchvision: digits, clothes and house numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.sources.idx import idx_folder
from unbraid_plugins.shared.sources.sizes import check_size, resized
from unbraid_plugins.shared.torchvision_pair import torchvision_part

_CLOTHES = ("t_shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


@attrs.frozen(kw_only=True)
class TorchvisionSet:
    """A data set in the folder where torchvision keeps it; fetched there only with `download: true`."""

    path: str = "~/data"
    download: bool = False
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)

    def _root(self) -> Path:
        return Path(self.path).expanduser()

    def _absent(self, where: Path, name: str) -> DataError:
        return DataError(f"there is no {name} in {where}",
                         hint="set `path` to the folder where torchvision keeps its data, or `download: true`")

    def _idx(self, name: str) -> Images:
        """Read a set of IDX files here, because torchvision itself might load a pickled copy."""
        folder = self._root() / name / "raw"
        if (self._root() / "train-images-idx3-ubyte").is_file():
            folder = self._root()
        if self.download and not folder.is_dir():
            if (self._root() / name / "processed").exists():
                raise DataError(f"{self._root() / name} has an old pickled copy, which is never loaded",
                                hint="remove it, or choose another `path`")
            _fetch(name, self._root())
        if not folder.is_dir():
            raise self._absent(folder, name)
        return idx_folder(folder, self.size)

    def _sets(self, name: str, pixels: str, labels: str, **splits: dict[str, Any]) -> Images:
        """Read a set through torchvision, which does not unpickle it.  splits: the arguments for each."""
        datasets = torchvision_part("datasets")
        images, classes, rows, begin = [], [], {}, 0
        for split, arguments in splits.items():
            try:
                part = getattr(datasets, name)(self._root(), download=self.download, **arguments)
            except (RuntimeError, OSError, EOFError, ValueError) as error:
                if "not found" in str(error) or isinstance(error, FileNotFoundError):
                    raise self._absent(self._root(), name) from error
                raise DataError(f"{name} in {self._root()} cannot be read: {error}") from error
            images.append(np.asarray(getattr(part, pixels)))
            classes.append(np.asarray(getattr(part, labels), np.int64))
            rows[split] = np.arange(begin, begin := begin + len(images[-1]))
        array = np.concatenate(images)
        array = array[:, None] if array.ndim == 3 else array
        label = np.concatenate(classes)
        return Images(array if self.size is None else resized(array, self.size),
                      {"label": Field(label, int(label.max()) + 1)}, rows)


def _fetch(name: str, root: Path) -> None:
    datasets = torchvision_part("datasets")
    try:
        getattr(datasets, name)(root, download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(f"{name} cannot be fetched: {error}", hint="fetch it elsewhere and set `path`") from error


@source
@attrs.frozen(kw_only=True)
class Mnist(TorchvisionSet):
    """Handwritten digits, 28 x 28 grey, 60,000 to train and 10,000 to test (LeCun et al. 1998).  Field: label."""

    def open(self) -> Images:
        """Return the digits and their labels."""
        return self._idx("MNIST")


@source
@attrs.frozen(kw_only=True)
class FashionMnist(TorchvisionSet):
    """Clothes, 28 x 28 grey, 60,000 to train and 10,000 to test (Xiao et al. 2017).  Field: label."""

    def open(self) -> Images:
        """Return the clothes and their labels."""
        images = self._idx("FashionMNIST")
        named = {name: Field(f.values, len(_CLOTHES), _CLOTHES) for name, f in images.fields.items()}
        return attrs.evolve(images, fields=named)


@source
@attrs.frozen(kw_only=True)
class Usps(TorchvisionSet):
    """Handwritten digits, 16 x 16 grey, 7,291 to train and 2,007 to test (Hull 1994).  Field: label."""

    def open(self) -> Images:
        """Return the digits and their labels."""
        return self._sets("USPS", "data", "targets", train={"train": True}, test={"train": False})


@source
@attrs.frozen(kw_only=True)
class Svhn(TorchvisionSet):
    """House numbers, 32 x 32 RGB, 73,257 to train and 26,032 to test (Netzer et al. 2011).  Field: label."""

    def open(self) -> Images:
        """Return the digits and their labels."""
        return self._sets("SVHN", "data", "labels", train={"split": "train"}, test={"split": "test"})
