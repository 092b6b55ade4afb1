"""Functions of a trained model as files that other programs run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from unbraid.model import Model
from unbraid_plugins.tools.export.agreement import TOLERANCE, Agreement, compare
from unbraid_plugins.tools.export.example_inputs import Examples, with_examples
from unbraid_plugins.tools.export.exportable import formula
from unbraid_plugins.tools.export.formats import format_of, need
from unbraid_plugins.tools.export.metadata import as_text, facts_of_program
from unbraid_plugins.tools.export.outputs import free, whole
from unbraid_plugins.tools.export.program import Port, trace
from unbraid_plugins.tools.export.program_files import write_onnx, write_torch


@attrs.frozen
class Exported:
    """A file with a function: what goes in and comes out, and how near it is to the model."""

    path: Path
    format: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    agreement: Agreement


def export_function(model: Model, function: str, path: str | Path, *, format: str | None = None,
                    factors: Sequence[str] = (), batch: int | None = None, seed: int | None = None,
                    tolerance: float = TOLERANCE, force: bool = False) -> Exported:
    """Write a function of a model as a program: `.onnx`, or `.pt2` of torch.export, and check it against the model.

    function: one of the recipe, or codes, reconstruct, swap; factors: what swap takes from its second image; format:
    onnx or torch, where the suffix does not tell; batch: fix its size (by default any size will do); seed: keep the
    noise of this seed in the file, instead of noise as an input; tolerance: the largest difference allowed, as a part
    of the largest number of an output, at least of 1; force: replace a file.  Raises ExportError, and leaves no file.
    """
    path = Path(path).expanduser()
    chosen = format_of(str(path), format, ("onnx", "torch"))
    need(chosen)
    free(path, force=force)
    traced = trace(model, formula(model, function, factors), batch=batch, seed=seed)
    facts = as_text(facts_of_program(model, traced))
    found: list[Agreement] = []
    with whole(path, force=force) as scratch:
        runs = (write_onnx if chosen == "onnx" else write_torch)(scratch, traced, facts)

        def use(examples: Examples) -> None:
            found.append(compare(model, traced, runs, examples, tolerance))

        with_examples(model, use)
    return Exported(path, chosen, traced.inputs, traced.outputs, found[0])
