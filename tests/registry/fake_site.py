"""A folder of fake distributions: nothing that is really installed is seen by these tests."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from unbraid_registry import Registry, load_registry

HEADER = """
import attrs
from unbraid_registry import hookimpl
from unbraid_registry.component import encoder, generator, loss, operation, source
"""

COMPONENT = '''
@loss
def {name}(x):
    """A loss."""
    return x

@hookimpl
def unbraid_components():
    return [{name}]
'''


def contributes(name: str) -> str:
    """The source of a plugin with one loss."""
    return COMPONENT.format(name=name)


class Site:
    """A site-packages of one's own.  Modules are called `<distribution>_<plugin>`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, distribution: str, version: str = "1.0", *, entry_points: str | None = None, metadata: str = "",
            folder: Path | None = None, **plugins: str) -> None:
        """A distribution with plugins name=source."""
        info = (folder or self.folder) / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(metadata or f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = ["[unbraid]"]
        for plugin, source in plugins.items():
            module = f"{distribution.replace('-', '_')}_{plugin}"
            (self.folder / f"{module}.py").write_text(HEADER + source)
            lines.append(f"{plugin} = {module}")
        (info / "entry_points.txt").write_text("\n".join(lines) if entry_points is None else entry_points)
        importlib.invalidate_caches()

    def file(self, name: str, source: str) -> Path:
        """A loose Python file."""
        path = self.folder / "loose" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + source)
        return path

    def load(self, environ: dict[str, str] | None = None, **options: Any) -> Registry:
        """What the loader makes of it."""
        return load_registry(path=[str(self.folder)], environ=environ or {}, **options)


def names(registry: Registry) -> list[str]:
    """Full names of all components."""
    return [c.full_name for c in registry.catalog.all()]


def status(registry: Registry) -> dict[str, str]:
    """Plugin (distribution) -> status."""
    return {f"{p.name} ({p.distribution})" if p.distribution else p.name: p.status for p in registry.plugins}
