"""Codes as `.npz`: codes and factors as the metrics take them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unbraid.export.facts import KEY, as_text
from unbraid.export.table import Table


def write_npz(path: Path, table: Table, tell: Callable[[int], None]) -> None:
    """Write the arrays, the codes batch by batch.

    codes: float32 (N, D) or (N, D, h, w); columns: names of their numbers, flattened; rows: of the images in their
    source; split, where there are several; factors: int64 (N, K) classes, -1 where unknown, and factor_names; one array
    `field_NAME` for each factor of numbers; unbraid: what else is known, as JSON.
    """
    classes = {name: f for name, f in table.fields.items() if f.classes is not None}
    arrays = {
        "columns": np.array(table.columns), "rows": table.rows,
        "factors": np.stack([f.values.astype(np.int64) for f in classes.values()], 1) if classes else
        np.empty((len(table), 0), np.int64),
        "factor_names": np.array(list(classes), dtype=np.str_), KEY: np.array(as_text(table.facts)),
        **{f"field_{name}": f.values for name, f in table.fields.items() if f.classes is None}}
    if len(table.splits) > 1:
        arrays["split"] = np.array(table.splits)[table.split_of]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("codes.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_2_0(member, {"descr": "<f4", "fortran_order": False,
                                                          "shape": (len(table), *table.shape)})
            done = 0
            for batch in table.batches():
                member.write(np.ascontiguousarray(batch.codes, "<f4").tobytes())
                done += len(batch.rows)
                tell(done)
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", buffer.getvalue())
