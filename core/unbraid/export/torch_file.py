"""A program as a `.pt2` file of torch.export."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from unbraid.export.faults import ExportError
from unbraid.export.program import Traced

Runs = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def write_torch(path: Path, traced: Traced, facts: str) -> Runs:
    """Write the file, and give the program to be checked.

    The file is read back as a ZIP archive with its checksums, but not loaded: torch's loader may unpickle, and we
    load nothing that can run code.
    """
    buffer = io.BytesIO()
    torch.export.save(traced.program, buffer, extra_files={"unbraid.json": facts})
    path.write_bytes(buffer.getvalue())
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ExportError(f"{damaged} was damaged while it was written", hint="check the disk")
    module = traced.program.module()
    return lambda inputs: module(*(inputs[p.name] for p in traced.inputs))
