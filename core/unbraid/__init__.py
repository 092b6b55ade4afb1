"""Unbraid takes images apart into the factors that made them, and puts them together again.

This module is the public interface for authors of components; every name is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

__version__ = "0.2.0"

if TYPE_CHECKING:
    from unbraid.data import (
        BadPicture as BadPicture,
        DataError as DataError,
        Field as Field,
        Images as Images,
        open_picture as open_picture,
        picture_size as picture_size,
        read_picture as read_picture,
    )
    from unbraid.engine import train as train
    from unbraid.interfaces import (
        Context as Context,
        critic as critic,
        encoder as encoder,
        generator as generator,
        loss as loss,
        metric as metric,
        network as network,
        operation as operation,
        renderer as renderer,
        source as source,
    )
    from unbraid.model import Model as Model, load as load
    from unbraid.values import (
        Code as Code,
        Gaussian as Gaussian,
        Label as Label,
        Layout as Layout,
        Random as Random,
        Record as Record,
        Set as Set,
        Value as Value,
        static as static,
        value as value,
    )
    from unbraid_configs import Recipe as Recipe, load_recipe as load_recipe, make_recipe as make_recipe
    from unbraid_registry import UnbraidError as UnbraidError, hookimpl as hookimpl
    from unbraid_registry.files import open_file as open_file, read_whole as read_whole, write_whole as write_whole
else:
    __getattr__, __dir__ = door(__name__, moved={
        "cached_tensors": "unbraid_plugins.shared.metrics",
        **dict.fromkeys(["export_codes", "export_function", "probe", "train_seeds"], "unbraid_plugins.tools")})
