"""Unbraid takes images apart into the factors that made them, and puts them together again.

This module is the one public face; everything in `__all__` is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "hookimpl": "unbraid_registry", "UnbraidError": "unbraid_registry",
    "encoder": "unbraid.interfaces", "generator": "unbraid.interfaces", "critic": "unbraid.interfaces",
    "renderer": "unbraid.interfaces", "network": "unbraid.interfaces", "loss": "unbraid.interfaces",
    "operation": "unbraid.interfaces", "source": "unbraid.interfaces", "metric": "unbraid.interfaces",
    "Context": "unbraid.interfaces", "Random": "unbraid.interfaces",
    "Value": "unbraid.values", "value": "unbraid.values", "static": "unbraid.values", "Gaussian": "unbraid.values",
    "Label": "unbraid.values", "Set": "unbraid.values", "Record": "unbraid.values",
    "Code": "unbraid.code", "Layout": "unbraid.code",
    "Images": "unbraid.data", "Field": "unbraid.data", "DataError": "unbraid.data",
    "BadPicture": "unbraid.data", "picture_size": "unbraid.data", "read_picture": "unbraid.data",
    "Recipe": "unbraid_configs", "load_recipe": "unbraid_configs", "make_recipe": "unbraid_configs",
    "train": "unbraid.engine", "train_seeds": "unbraid.seeds", "load": "unbraid.model", "Model": "unbraid.model",
    "cached_tensors": "unbraid.cache", "export_function": "unbraid.export", "export_codes": "unbraid.export",
    "probe": "unbraid.probing",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'unbraid' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOME[name]), name)

    def __dir__() -> list[str]:
        return __all__
else:
    from unbraid.cache import cached_tensors as cached_tensors
    from unbraid.code import Code as Code
    from unbraid.code import Layout as Layout
    from unbraid.data import BadPicture as BadPicture
    from unbraid.data import DataError as DataError
    from unbraid.data import Field as Field
    from unbraid.data import Images as Images
    from unbraid.data import picture_size as picture_size
    from unbraid.data import read_picture as read_picture
    from unbraid.engine import train as train
    from unbraid.export import export_codes as export_codes
    from unbraid.export import export_function as export_function
    from unbraid.interfaces import Context as Context
    from unbraid.interfaces import Random as Random
    from unbraid.interfaces import critic as critic
    from unbraid.interfaces import encoder as encoder
    from unbraid.interfaces import generator as generator
    from unbraid.interfaces import loss as loss
    from unbraid.interfaces import metric as metric
    from unbraid.interfaces import network as network
    from unbraid.interfaces import operation as operation
    from unbraid.interfaces import renderer as renderer
    from unbraid.interfaces import source as source
    from unbraid.model import Model as Model
    from unbraid.model import load as load
    from unbraid.probing import probe as probe
    from unbraid.seeds import train_seeds as train_seeds
    from unbraid.values import Gaussian as Gaussian
    from unbraid.values import Label as Label
    from unbraid.values import Record as Record
    from unbraid.values import Set as Set
    from unbraid.values import Value as Value
    from unbraid.values import static as static
    from unbraid.values import value as value
    from unbraid_configs import Recipe as Recipe
    from unbraid_configs import load_recipe as load_recipe
    from unbraid_configs import make_recipe as make_recipe
    from unbraid_registry import UnbraidError as UnbraidError
    from unbraid_registry import hookimpl as hookimpl
