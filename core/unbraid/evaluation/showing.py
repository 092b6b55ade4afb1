"""Pictures of an evaluation: the map of factors and chunks, swaps that it chose, reconstructions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unbraid import pictures
from unbraid.evaluation.evidence import Evidence, Sampled
from unbraid.model import Model
from unbraid_registry.errors import UnbraidError

COLUMNS = 10                                       # pairs or images side by side
NUMBERED = 20                                      # chunks of which every cell of the map still shows its number
INK = "#1a1a1a"


def write_pictures(folder: Path, model: Model, sampled: Sampled, evidence: Evidence, result: dict[str, Any]
                   ) -> dict[str, str]:
    """Write the pictures that fit into a folder; their paths by name."""
    found = result["arms"]["model"].get("retrieval_map")
    written = {}
    if found is not None and found["factors"]:
        written["map"] = save(draw_map(found), folder / "map.png")
    if "decode" not in evidence:
        return {name: str(path) for name, path in written.items()}
    if found is not None and "chunks" in evidence:
        written["swaps"] = save(draw_swaps(model, sampled, evidence, found["best"]), folder / "swaps.png")
    images, rebuilt = (torch.as_tensor(a[:COLUMNS]) for a in (sampled.images, evidence["reconstructions"]))
    page = pictures.grid([images, rebuilt], scale=pictures.scale_for(model.image_shape))
    written["reconstructions"] = pictures.write_image(folder / "reconstructions.png", page)
    return {name: str(path) for name, path in written.items()}


def draw_map(found: dict[str, Any]) -> Figure:
    """Mean average precision by factor (rows) and chunk (columns), from 0 to 1; each factor's best chunk is framed."""
    matrix, factors, chunks = np.asarray(found["matrix"]), found["factors"], found["chunks"]
    rows, columns = matrix.shape
    figure = Figure(figsize=(max(2.8 + 0.62 * columns, 5), 1.6 + 0.42 * rows), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(matrix, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    axes.set_xticks(range(columns), chunks, rotation=45 if columns > 4 else 0, ha="right" if columns > 4 else "center")
    axes.set_yticks(range(rows), [f"{f}  (chance {found['chance'][f]:.2f})" for f in factors])
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    for i, j in np.ndindex(rows, columns) if columns <= NUMBERED else ():
        best = found["best"][factors[i]] == chunks[j]
        axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=9,
                  color="white" if matrix[i, j] > 0.6 else INK, weight="bold" if best else "normal")
    for i, factor in enumerate(factors):
        j = chunks.index(found["best"][factor])
        axes.add_patch(_frame(j, i))
    figure.suptitle(f"Retrieval by each chunk: mean average precision (best {found['score']:.2f})", fontsize=10)
    figure.colorbar(shown, ax=axes, fraction=0.04, pad=0.02)
    return figure


def _frame(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fill=False, edgecolor="#d1495b", linewidth=2)


def draw_swaps(model: Model, sampled: Sampled, evidence: Evidence, best: dict[str, str]) -> Figure:
    """A column for every pair; rows: the image, the other, the image's reconstruction, then its chunk for each factor
    taken from the other.
    """
    n = min(COLUMNS, len(sampled.images) // 2)
    own, others = evidence["codes"][:n], evidence["codes"][n:2 * n]
    labels = ["image", "other", "image, rebuilt"]
    rows = [sampled.images[:n], sampled.images[n:2 * n], evidence["decode"](own)]
    for factor, chunk in best.items():
        a, b = evidence["chunks"][chunk]
        swapped = own.copy()
        swapped[:, a:b] = others[:, a:b]
        labels.append(f"{factor} of the other\n({chunk})")
        rows.append(evidence["decode"](swapped))
    scale = pictures.scale_for(model.image_shape)
    page = pictures.grid([torch.as_tensor(r) for r in rows], scale=scale)
    height = model.image_shape[1] * scale + pictures.GAP
    return labelled(page.permute(1, 2, 0).numpy(), labels, height)


def labelled(page: np.ndarray, labels: list[str], height: int) -> Figure:
    """A picture (H, W, C) in [0, 1] with a label beside each of its rows, which are `height` pixels high."""
    dpi = 100
    margin = 0.068 * max(len(line) for label in labels for line in label.split("\n")) + 0.2
    width, tall = page.shape[1] / dpi, page.shape[0] / dpi
    figure = Figure(figsize=(margin + width, tall), dpi=dpi)
    axes = figure.add_axes((margin / (margin + width), 0, width / (margin + width), 1))
    axes.imshow(page.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    for i, label in enumerate(labels):
        y = 1 - (pictures.GAP + (i + 0.5) * height) / page.shape[0]
        figure.text((margin - 0.1) / (margin + width), y, label, ha="right", va="center", fontsize=9, color=INK)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all.  Raises UnbraidError."""
    scratch = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        FigureCanvasAgg(figure).print_png(scratch)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise UnbraidError(f"can't write the picture {path}: {error.strerror}") from None
    return path
