"""Reconstruction-based disentanglement for pose-invariant face recognition (Peng, Yu, Sohn, Metaxas, Chandraker, ICCV
2017).

The method is the recipe `peng`. This package has the paper's networks and its loss on landmarks. docs/methods/peng.md
maps the equations, README.md lists the differences from the paper.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.papers.peng.features import RichFeatures
from unbraid_plugins.papers.peng.heads import LabelHead, LandmarkHead
from unbraid_plugins.papers.peng.losses import landmark_mse, relative_error, seen
from unbraid_plugins.papers.peng.reconstructor import Reconstructor


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the paper's networks and losses."""
    return [RichFeatures, Reconstructor, LabelHead, LandmarkHead, landmark_mse, relative_error, seen]
