"""InfoGAN: interpretable representation learning by information maximizing generative adversarial nets
(Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, NIPS 2016).

The method is the recipe `infogan-mnist`. This package has the paper's networks and its bound. docs/methods/infogan.md
maps the equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.infogan.category_metrics import category_accuracy, code_recovery, made_classes
from unbraid_plugins.papers.infogan.information import information
from unbraid_plugins.papers.infogan.networks import Generator, Head, Posterior, Trunk
from unbraid_plugins.papers.infogan.recognition import mode


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks, its bound, the most likely code under Q, and metrics of categorical codes."""
    return [Generator, Trunk, Head, Posterior, information, mode, category_accuracy, code_recovery, made_classes]
