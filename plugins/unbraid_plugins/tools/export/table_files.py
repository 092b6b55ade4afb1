"""Files of codes and known factors: `.npz`, with arrays as the metrics take them, and `.parquet`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.data import Field
from unbraid_plugins.tools.export.metadata import KEY, as_text
from unbraid_plugins.tools.export.table import Rows, Table


def write_npz(path: Path, table: Table, tell: Callable[[int], None]) -> None:
    """Write codes and factors as arrays of an `.npz` file; the codes are written batch by batch.

    codes: float32 (N, D) or (N, D, h, w).
    columns: the names of the code's dimensions, flattened.
    rows: the indices of the images in their source.
    split: the split of each image, only where there are several splits.
    factors, factor_names: int64 (N, K) classes, -1 where unknown, and the names of the K factors.
    field_NAME: one array for each factor of numbers.
    unbraid: the other metadata, as JSON.
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


GROUP = 32 << 20                                   # bytes of codes in a row group, which is held in memory


def write_parquet(path: Path, table: Table, tell: Callable[[int], None]) -> None:
    """Write codes and factors as columns of a Parquet file, one row group after the other.

    row: the index of the image in its source.
    split: the split of the image, only where there are several splits.
    factors: one column for each class (int32), and columns for each factor of numbers; null where unknown.
    codes: float32 columns, named after their parts.
    """
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([pyarrow.field(*column) for column in _schema(table)],
                            metadata={KEY: as_text(table.facts)})
    group = max(1, GROUP // max(1, 4 * len(table.columns)))
    done, waiting = 0, list[Rows]()
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in table.batches():
            waiting.append(batch)
            held = sum(len(b.rows) for b in waiting)
            if held >= group or done + held == len(table):
                here = slice(done, done + held)
                columns = [*_known(table, here), *np.concatenate([b.codes for b in waiting]).T]
                arrays = [a if isinstance(a, pyarrow.Array) else pyarrow.array(a, f.type)
                          for a, f in zip(columns, schema, strict=True)]
                writer.write_batch(pyarrow.record_batch(arrays, schema=schema), row_group_size=group)
                done, waiting = done + held, []
            tell(done + sum(len(b.rows) for b in waiting))


def _schema(table: Table) -> Iterator[tuple[Any, ...]]:
    """Yield name, type, nullability and metadata of each column."""
    import pyarrow

    yield "row", pyarrow.int64(), False
    if len(table.splits) > 1:
        yield "split", pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), False
    for name, field in table.fields.items():
        if field.classes is not None:
            about = {"classes": str(field.classes)} | ({"names": json.dumps(field.names)} if field.names else {})
            yield name, pyarrow.int32(), True, about
        else:
            kind = pyarrow.from_numpy_dtype(field.values.dtype)
            yield from ((column, kind, True) for column in _columns(name, field))
    yield from ((name, pyarrow.float32(), False) for name in table.columns)


def _columns(name: str, field: Field) -> list[str]:
    inner = field.values.shape[1:]
    return [f"{name}[{','.join(map(str, at))}]" for at in np.ndindex(*inner)] if inner else [name]


def _known(table: Table, here: slice) -> Iterator[Any]:
    """Yield the columns that stand before the codes, for some rows."""
    import pyarrow

    yield table.rows[here]
    if len(table.splits) > 1:
        yield pyarrow.DictionaryArray.from_arrays(table.split_of[here].astype(np.int32), list(table.splits))
    for field in table.fields.values():
        values = field.values[here]
        if field.classes is not None:
            yield pyarrow.array(values.astype(np.int32), mask=values < 0)
        else:
            for column in values.reshape(len(values), -1).T:
                unknown = np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
                yield pyarrow.array(column, mask=unknown)
