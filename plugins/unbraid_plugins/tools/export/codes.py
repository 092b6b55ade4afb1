"""Export of the codes of a run's images as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from unbraid.data import Data, open_data
from unbraid.engine import data_notes
from unbraid.model import Model
from unbraid_plugins.tools.export.exportable import formula
from unbraid_plugins.tools.export.formats import TABLES, ExportError, format_of, need
from unbraid_plugins.tools.export.outputs import free, whole
from unbraid_plugins.tools.export.projector import CONFIG, MOST, write_projector
from unbraid_plugins.tools.export.table import table_of
from unbraid_plugins.tools.export.table_files import write_npz, write_parquet


@attrs.frozen
class ExportedCodes:
    """An exported table of codes.

    path: the file, or the projector's folder.
    images: the number of rows.
    splits: the splits that the images come from.
    columns: the names of the code's columns.
    factors: the names of the known factors.
    """

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

    data: the data; by default those of the model's run.
    function: `codes`, or a function of the recipe from one image to numbers.
    format: npz, parquet or projector; needed where the name of `path` does not show it.
    source: the source of the images, where the recipe has several.
    split: test, train, ..., or all; by default the first of test, train and the others that has images.
    images: the largest number of images, chosen at random by the seed; by default all, for the projector 10,000.
    force: replace a file, or a folder of an earlier export.
    tell: called with the number of finished images and their total.

    Codes are written as they are computed, so that memory is bounded. Raises ExportError or DataError; then nothing is
    written.
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
        data_notes(data, model.run)
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
