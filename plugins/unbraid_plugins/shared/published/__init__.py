"""Sources of data sets as their authors published them: each reads the files as they are, and unpickles nothing."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.published.cars3d import Cars3d
from unbraid_plugins.shared.published.celeba import Celeba
from unbraid_plugins.shared.published.dsprites import Dsprites
from unbraid_plugins.shared.published.emnist import Emnist
from unbraid_plugins.shared.published.lpc_sheets import LpcSheets
from unbraid_plugins.shared.published.mpi3d import Mpi3d
from unbraid_plugins.shared.published.multi_pie import MultiPie
from unbraid_plugins.shared.published.omniglot import Omniglot
from unbraid_plugins.shared.published.shapes3d import Shapes3d
from unbraid_plugins.shared.published.small_norb import SmallNorb


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the readers of published data sets."""
    return [Dsprites, Shapes3d, Mpi3d, SmallNorb, Cars3d, Celeba, Omniglot, Emnist, MultiPie, LpcSheets]
