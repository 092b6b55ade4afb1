"""Comparison of an exported program with its model."""

from __future__ import annotations

import math

import attrs
import torch
from torch import Tensor

from unbraid.model import Model
from unbraid_plugins.tools.export.example_inputs import Examples
from unbraid_plugins.tools.export.formats import ExportError
from unbraid_plugins.tools.export.program import Traced, answer
from unbraid_plugins.tools.export.program_files import Runs

TOLERANCE = 1e-4                                   # a 40th of the step between two 8-bit greys
SIZES = (1, 16)                                    # batch sizes of the comparison


@attrs.frozen
class Agreement:
    """The worst difference between a program and its model.

    largest: the largest difference in the output that comes closest to its limit.
    allowed: that limit.
    output: the name of that output.
    of: the number and kind of the compared examples, in words.
    """

    largest: float
    allowed: float
    output: str
    of: str


def compare(model: Model, traced: Traced, runs: Runs, examples: Examples, tolerance: float = TOLERANCE) -> Agreement:
    """Run a program and its model on the same values, in batches of 1 and of 16 (or of the fixed size).

    tolerance: the largest difference allowed, relative to the largest number of an output (or to 1, if that is larger).

    Raises ExportError for a larger difference, or where the program does not run.
    """
    sizes = SIZES if traced.batch is None else (traced.batch,)
    worst = Agreement(0.0, tolerance, traced.outputs[0].name, f"{sum(sizes)} {examples.of}")
    for size in sizes:
        expected = answer(model, traced, examples(traced.formula, size), size)
        try:
            with torch.inference_mode():
                found = runs(expected.inputs)
        except Exception as error:                 # a foreign runtime raises anything
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ExportError(f"the exported {traced.formula.name} does not run on a batch of {size}: {first}",
                              hint="a network depends on the size of the batch; fix it: --batch N") from error
        for name, wanted in expected.outputs.items():
            apart, scale = difference(wanted, found[name])
            allowed = tolerance * max(1.0, scale)
            if not apart <= allowed:
                raise ExportError(f"the exported {traced.formula.name} differs from the model: {name} by up to "
                                  f"{apart:.3g}, where {allowed:.3g} is allowed (batch of {size}, {examples.of})",
                                  hint="no file was written; --tolerance X allows more")
            if apart / allowed >= worst.largest / worst.allowed:
                worst = attrs.evolve(worst, largest=apart, allowed=allowed, output=name)
    return worst


def difference(wanted: Tensor, found: Tensor) -> tuple[float, float]:
    """Return the largest difference of two tensors and the largest finite magnitude of the first.

    The difference is inf where shapes or dtypes differ. NaN equals NaN, and inf equals inf of the same sign; compared
    with anything else they differ by inf.
    """
    if wanted.shape != found.shape or wanted.dtype != found.dtype:
        return math.inf, 1.0
    if not wanted.numel():
        return 0.0, 1.0
    a, b = wanted.double(), found.double()
    same = (a == b) | (a.isnan() & b.isnan())
    apart = torch.where(same, torch.zeros_like(a), (a - b).abs().nan_to_num(math.inf, math.inf))
    finite = a[a.isfinite()].abs()
    return float(apart.max()), float(finite.max()) if finite.numel() else 1.0
