"""Program files: ONNX, checked with onnxruntime, and `.pt2` of torch.export."""

from __future__ import annotations

import io
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unbraid_plugins.tools.export.formats import ExportError
from unbraid_plugins.tools.export.metadata import KEY
from unbraid_plugins.tools.export.program import Traced

LARGEST = 2 ** 31 - 1                              # bytes of an ONNX file, a limit of protobuf


def write_onnx(path: Path, traced: Traced, facts: str) -> Runs:
    """Write an ONNX file and return a function that runs it with onnxruntime, for the check.  Raises ExportError."""
    model = _translated(traced)
    model.metadata_props[KEY] = facts
    model.producer_name, model.doc_string = "unbraid", traced.formula.text
    for node in model.graph.all_nodes():
        node.metadata_props.clear()                # files and lines of this machine
    _name_the_batch(model, traced)
    import onnx
    from onnxscript import ir

    content = ir.serde.serialize_model(model)
    if content.ByteSize() > LARGEST:
        raise ExportError("an ONNX file holds at most 2 GiB, and this model is larger", hint="export it as .pt2")
    path.write_bytes(content.SerializeToString())
    onnx.checker.check_model(content)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    outputs = [p.name for p in traced.outputs]

    def runs(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        taken = {i.name for i in session.get_inputs()}
        made = session.run(outputs, {name: t.numpy() for name, t in inputs.items() if name in taken})
        return {name: torch.as_tensor(a) for name, a in zip(outputs, made, strict=True)}

    return runs


def _translated(traced: Traced) -> Any:
    try:
        with _quiet():
            program = torch.onnx.export(traced.program, dynamo=True, verbose=False,
                                        input_names=[p.name for p in traced.inputs],
                                        output_names=[p.name for p in traced.outputs])
    except Exception as error:                     # an operator without a translation, of torch or of a plugin
        causes: list[BaseException] = [error]
        while causes[-1].__cause__ is not None:
            causes.append(causes[-1].__cause__)
        why = next((line.strip() for line in str(causes[-1]).splitlines() if line.strip()), type(error).__name__)
        raise ExportError(f"{traced.formula.name} can't be translated to ONNX: {why}",
                          hint="export it as .pt2, which has all of torch's operators") from error
    assert program is not None
    return program.model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's warnings and its logs below errors, which are about its internals."""
    logs = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _name_the_batch(model: Any, traced: Traced) -> None:
    """Rename the symbolic batch dimension, which torch calls s77 or the like, to `batch`."""
    from onnxscript import ir

    graph = model.graph
    names = [dim.value for value, port in zip(graph.inputs, traced.inputs, strict=True)
             for dim, size in zip(value.shape, port.shape, strict=True)
             if size == "batch" and isinstance(dim, ir.SymbolicDim) and dim.value]
    if not names:
        return
    values = [*graph.inputs, *(v for node in graph.all_nodes() for v in node.outputs)]
    for value in values:
        if value.shape is not None:
            value.shape = ir.Shape([d.value.replace(names[0], "batch") if isinstance(d, ir.SymbolicDim) and d.value
                                    else d for d in value.shape])


Runs = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def write_torch(path: Path, traced: Traced, facts: str) -> Runs:
    """Write a `.pt2` file and return a function that runs the program, for the check.

    The file is read back as a ZIP archive to verify its checksums, but it is not loaded: torch's loader may unpickle,
    and Unbraid loads nothing that can run code. Raises ExportError.
    """
    buffer = io.BytesIO()
    torch.export.save(traced.program, buffer, extra_files={"unbraid.json": facts})
    path.write_bytes(buffer.getvalue())
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ExportError(f"{damaged} was damaged while it was written", hint="check the disk")
    module = traced.program.module()
    return lambda inputs: module(*(inputs[p.name] for p in traced.inputs))
