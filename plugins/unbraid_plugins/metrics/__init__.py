"""What a representation knows, and whether its chunks are the factors.

A metric is a plain function of NumPy arrays and gives an attrs result with a `score` (higher is better, but for `kl`)
and its parts. The evaluation calls it with what its parameters name: `unbraid.evaluation.evidence` lists the names, and
the name of another metric stands for that metric's result.

codes: (N, D) numbers.  factors: name -> (N,) classes, -1 where unknown.  chunks: name -> the columns [start, stop) of
the code that it has.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.metrics.divergence import kl_per_number
from unbraid_plugins.metrics.liveliness import live_chunks
from unbraid_plugins.metrics.nearest import nearest_neighbour_accuracy
from unbraid_plugins.metrics.oracles import oracles
from unbraid_plugins.metrics.probes import linear_probe
from unbraid_plugins.metrics.rebuilding import reconstruction_error
from unbraid_plugins.metrics.retrieval import retrieval_map
from unbraid_plugins.metrics.swapping import swap_accuracy

__all__ = ["kl_per_number", "linear_probe", "live_chunks", "nearest_neighbour_accuracy", "oracles",
           "reconstruction_error", "retrieval_map", "swap_accuracy"]


@hookimpl
def unbraid_components() -> list[Any]:
    """The bundled metrics."""
    return [retrieval_map, nearest_neighbour_accuracy, linear_probe, reconstruction_error, live_chunks, oracles,
            swap_accuracy, kl_per_number]
