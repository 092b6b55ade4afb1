"""Codes of a run's images as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid_plugins.tools.export.exportable import formula
from unbraid_plugins.tools.export.formats import TABLES, ExportError, format_of, need
from unbraid_plugins.tools.export.outputs import free, whole
from unbraid_plugins.tools.export.projector import CONFIG, MOST, write_projector
from unbraid_plugins.tools.export.table import table_of
from unbraid_plugins.tools.export.table_files import write_npz, write_parquet


@attrs.frozen
class ExportedCodes:
    """A file, or the projector's folder, with codes: how many, of which splits, and the names of the columns."""

    path: Path
    format: str
    images: int
    splits: tuple[str, ...]
    columns: tuple[str, ...]
    factors: tuple[str, ...]


def export_codes(model: Model, path: str | Path, *, data: Data | None = None, function: str = "codes",
                 format: str | None = None, source: str | None = None, split: str | None = None,
                 images: int | None = None, seed: int = 0, force: bool = False,
                 tell: Callable[[int, int], None] | None = None) -> ExportedCodes:
    """Write the codes of images with their known factors: `.npz`, `.parquet`, or a folder for TensorBoard's projector.

    data: by default that of the model's run; function: codes, or one of the recipe from an image to numbers; format:
    npz, parquet or projector, where the name does not tell; source: of the images, where the recipe has several; split:
    test, train, ..., or all (by default test, where it has images, else train); images: at most so many, chosen at
    random by the seed (for the projector 10,000); force: replace a file, or a folder of an earlier export; tell: called
    with how many images are done, and of how many.
    Memory is bounded: codes are written as they are made.  Raises ExportError, DataError, and leaves nothing then.
    """
    chosen = format_of(str(path), format, TABLES)
    need(chosen)
    path = Path(path).expanduser()
    mark = CONFIG if chosen == "projector" else ""
    free(path, force=force, folder_with=mark)
    wanted = formula(model, function)
    opened = data is None
    if data is None:
        if model.run is None:
            raise ExportError("the model has no run, and so no images", hint="give data=open_data(recipe.data)")
        recipe = model.method.recipe
        data = open_data(recipe.data, seed=recipe.train.seed)
    try:
        limit = MOST if images is None and chosen == "projector" else images
        table = table_of(model, wanted, data, source=source, split=split, images=limit, seed=seed)
        write = {"npz": write_npz, "parquet": write_parquet, "projector": write_projector}[chosen]
        with whole(path, force=force, folder_with=mark) as scratch:
            write(scratch, table, lambda done: tell(done, len(table)) if tell else None)
    finally:
        if opened:
            data.close()
    return ExportedCodes(path, chosen, len(table), table.splits, table.columns, tuple(table.fields))
