"""Export of a trained model's functions as files that other programs run."""

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
    """An exported function: its file, its inputs and outputs, and its agreement with the model."""

    path: Path
    format: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    agreement: Agreement


def export_function(model: Model, function: str, path: str | Path, *, format: str | None = None,
                    factors: Sequence[str] = (), batch: int | None = None, seed: int | None = None,
                    tolerance: float = TOLERANCE, force: bool = False) -> Exported:
    """Write a function of a model as a program: `.onnx`, or `.pt2` of torch.export, and check it against the model.

    function: a function of the recipe, or codes, reconstruct, swap.
    format: onnx or torch; needed where the suffix does not show it.
    factors: the factors that swap takes from its second image.
    batch: fix the size of the batch; by default the program takes any size.
    seed: store the noise of this seed in the file; by default noise is an input.
    tolerance: the largest difference allowed, relative to the largest number of an output (or to 1, if that is larger).
    force: replace a file.

    Raises ExportError; then no file is written.
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
