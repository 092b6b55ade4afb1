"""Export of codes for TensorBoard's embedding projector: vectors, their metadata and small pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unbraid_plugins.tools.export.formats import ExportError
from unbraid_plugins.tools.export.metadata import as_text
from unbraid_plugins.tools.export.table import Table

CONFIG = "projector_config.pbtxt"
LARGEST = 8192                                     # pixels a side of the sprite, TensorBoard's limit
MOST = 10_000                                      # default number of images, which a browser moves smoothly
FEWEST = 3                                         # least dimension of a part that is shown by itself


def write_projector(folder: Path, table: Table, tell: Callable[[int], None]) -> None:
    """Write the projector's folder.

    It holds tensors.tsv; one tensors-NAME.tsv for each part of at least 3 dimensions, where the code has several parts;
    metadata.tsv, sprite.png, unbraid.json and the configuration.

    tell: called with the number of finished images.

    Raises ExportError for more images than a sprite can hold.
    """
    side = math.ceil(math.sqrt(len(table)))
    if side > LARGEST:
        raise ExportError(f"the projector shows at most {LARGEST ** 2:,} images, these are {len(table):,}",
                          hint="choose some: --images 10000")
    parts = {name: span for name, span in table.spans.items() if span[1] - span[0] >= FEWEST}
    everything = "all" if "all" not in table.spans else "whole"
    shown = {everything: (0, len(table.columns)), **(parts if len(table.spans) > 1 else {})}
    files = {name: "tensors.tsv" if name == everything else f"tensors-{name}.tsv" for name in shown}
    height, width = (min(table.facts["image"][n], LARGEST // side) for n in ("height", "width"))
    sprite, done = None, 0
    with ExitStack() as stack:
        tensors = {name: stack.enter_context((folder / file).open("w")) for name, file in files.items()}
        for batch in table.batches():
            for name, (a, b) in shown.items():
                np.savetxt(tensors[name], batch.codes[:, a:b], fmt="%.8g", delimiter="\t")
            small = _small(batch.images, (height, width))
            if sprite is None:
                sprite = np.full((side * height, side * width, small.shape[-1]), 255, np.uint8)
            for i, picture in enumerate(small, done):
                y, x = i // side * height, i % side * width
                sprite[y:y + height, x:x + width] = picture
            done += len(batch.rows)
            tell(done)
    assert sprite is not None
    Image.fromarray(sprite.squeeze(-1) if sprite.shape[-1] == 1 else sprite).save(folder / "sprite.png")
    _write_metadata(folder / "metadata.tsv", table)
    (folder / "unbraid.json").write_text(as_text(table.facts) + "\n", encoding="utf-8")
    (folder / CONFIG).write_text("".join(_embedding(name, files[name], (width, height)) for name in shown),
                                 encoding="utf-8")


def _small(images: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """Resize images to uint8 (n, height, width, C)."""
    if tuple(images.shape[2:]) != size:
        images = torch.nn.functional.interpolate(images, size, mode="area")
    return (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def _write_metadata(path: Path, table: Table) -> None:
    """Write a line for each image. Only a file of several columns has a line of titles: TensorBoard expects this."""
    columns = {"row": list(map(str, table.rows))}
    if len(table.splits) > 1:
        columns["split"] = [table.splits[i] for i in table.split_of]
    for name, field in table.fields.items():
        if field.classes is not None:
            names = [_cell(n) for n in field.names] if field.names else [str(i) for i in range(field.classes)]
            columns[name] = ["unknown" if v < 0 else names[v] for v in field.values]
        elif field.values.ndim == 1:
            columns[name] = [f"{v:.6g}" for v in field.values]
    with path.open("w", encoding="utf-8") as file:
        if len(columns) > 1:
            file.write("\t".join(columns) + "\n")
        file.writelines("\t".join(cells) + "\n" for cells in zip(*columns.values(), strict=True))


def _cell(text: str) -> str:
    return " ".join(text.split()) or "?"


def _embedding(name: str, file: str, size: tuple[int, int]) -> str:
    return (f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "{file}"\n  metadata_path: "metadata.tsv"\n'
            f'  sprite {{\n    image_path: "sprite.png"\n    single_image_dim: {size[0]}\n'
            f'    single_image_dim: {size[1]}\n  }}\n}}\n')
