"""InfoGAN: interpretable representation learning by information maximizing generative adversarial nets
(Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, NIPS 2016).

The game itself is the recipe `infogan-mnist`; here are the paper's networks and its bound. README.md maps the
equations.
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
    """The paper's networks, its bound, the code that Q finds most likely, and metrics of categorical codes."""
    return [Generator, Trunk, Head, Posterior, information, mode, category_accuracy, code_recovery, made_classes]
