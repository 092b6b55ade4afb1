"""The life of a plugin in one process: it is installed, upgraded and uninstalled in a folder on the path."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unbraid_registry import default


class Shelf:
    """A folder of installed packages, each with one module `unbraid_NAME`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def install(self, name: str, version: str, source: str) -> None:
        """Install a package, or upgrade it."""
        self.uninstall(name)
        info = self.folder / f"unbraid_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: unbraid-{name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[unbraid]\n{name} = unbraid_{name}\n")
        (self.folder / f"unbraid_{name}.py").write_text(source)
        self.look_again()

    def uninstall(self, name: str) -> None:
        """Remove a package."""
        for old in self.folder.glob(f"unbraid_{name}-*.dist-info"):
            shutil.rmtree(old)
        (self.folder / f"unbraid_{name}.py").unlink(missing_ok=True)
        self.look_again()

    def look_again(self) -> None:
        """Make this process a new one, as far as plugins are concerned."""
        default._loader = None
        for module in [m for m in sys.modules if getattr(sys.modules[m], "__file__", None)
                       and str(self.folder) in str(sys.modules[m].__file__)]:
            del sys.modules[module]
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A folder of packages on the path, whose plugins this test installs."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    shelf = Shelf(folder)
    yield shelf
    shelf.look_again()
