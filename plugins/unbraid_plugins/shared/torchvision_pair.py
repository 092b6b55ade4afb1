"""torchvision, as long as it is built for the installed torch: its operators are compiled against one version."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from unbraid import UnbraidError

HINT = "take both from one index:  pip install --force-reinstall torch torchvision"


def torchvision_part(name: str) -> ModuleType:
    """Import a part of torchvision: `datasets`, `models` or `ops`.

    Raises UnbraidError where torchvision is not there, or not built for the installed torch.
    """
    import torch

    try:
        import_module("torchvision").ops.nms(torch.zeros(1, 4, device="cpu"), torch.zeros(1, device="cpu"), 0.5)
        return import_module(f"torchvision.{name}")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        pair = f"torch {_version('torch')} and torchvision {_version('torchvision')}"
        raise UnbraidError(f"{pair} are not built for each other: {' '.join(str(error).split())[:120]}",
                           hint=HINT) from None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
