"""Pictures of an evaluation: the map of factors and chunks, edits that it chose, reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import pictures
from unbraid.disk import remedy
from unbraid.evaluation import edits
from unbraid.evaluation.agreement_picture import draw_agreement
from unbraid.evaluation.evidence import Evidence, Sampled
from unbraid.model import Model
from unbraid.picture_rows import Row, write_rows
from unbraid.plot_style import Figure, FigureCanvasAgg, Rectangle, style
from unbraid_registry.errors import UnbraidError

NUMBERED = 20                                      # chunks of which every cell of the map still shows its number
INK = "#1a1a1a"
EDITS: dict[str, Callable[[edits.Shown], Iterator[Row]]] = {
    "swaps": edits.swaps, "swap_grids": edits.swap_grids, "traversals": edits.traversals, "classes": edits.classes}


def write_pictures(folder: Path, model: Model, sampled: Sampled, evidence: Evidence, result: dict[str, Any]
                   ) -> dict[str, str]:
    """Write the pictures that fit into a folder; their paths by name."""
    found = result["arms"]["model"].get("retrieval_map")
    written = {}
    if found is not None and found["factors"]:
        with style({}):
            written["map"] = save(draw_map(found), folder / "map.png")
    if (found := result["arms"]["model"].get("reference_agreement")) is not None:
        with style({}):
            written["references"] = save(draw_agreement(found, _objects(sampled, len(found["objects"]))),
                                         folder / "references.png")
    if "decode" not in evidence:
        return {name: str(path) for name, path in written.items()}
    scale = pictures.scale_for(model.image_shape)
    images, rebuilt = sampled.images[:edits.COLUMNS], evidence["reconstructions"][:edits.COLUMNS]
    rows = [Row(images, "image"), Row(rebuilt, "rebuilt")]
    written["reconstructions"] = write_rows(folder / "reconstructions.png", rows, scale)
    names = {n: f.names for n, f in next(iter(model.method.facts.draws.values())).fields.items() if f.names}
    shown = edits.Shown.of(sampled.images, evidence, sampled.evidence.get("factors", {}), assignment(result), names)
    for name, drawn in EDITS.items():
        if (shown.assigned or name == "traversals") and (rows := list(drawn(shown))):
            written[name] = write_rows(folder / f"{name}.png", rows, scale)
    return {name: str(path) for name, path in written.items()}


def assignment(result: dict[str, Any]) -> dict[str, str]:
    """Every factor's chunk: by edit control where it was measured, else by retrieval, else by transfer."""
    model = result["arms"]["model"]
    for metric in ("edit_control", "retrieval_map", "transfer_accuracy"):
        if found := model.get(metric, {}).get("best"):
            return dict(found)
    return {}


def _objects(sampled: Sampled, count: int) -> list[str]:
    """What the objects are called: the classes of a shared factor, where there are as many; else numbers."""
    fields = sampled.data.images_of[sampled.source].fields
    named = (fields[f].names for f in sampled.evidence["shared_factors"])
    return next((list(names) for names in named if names and len(names) == count), [str(i) for i in range(count)])


def draw_map(found: dict[str, Any]) -> Figure:
    """Mean average precision by factor (rows) and chunk (columns), from 0 to 1; each factor's best chunk is framed."""
    matrix, factors, chunks = np.asarray(found["matrix"]), found["factors"], found["chunks"]
    rows, columns = matrix.shape
    figure = Figure(figsize=(max(2.8 + 0.62 * columns, 5), 1.6 + 0.42 * rows), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(matrix, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    axes.set_xticks(range(columns), chunks, rotation=45 if columns > 4 else 0, ha="right" if columns > 4 else "center",
                    parse_math=False)
    axes.set_yticks(range(rows), [f"{f}  (chance {found['chance'][f]:.2f})" for f in factors], parse_math=False)
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
    return Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fill=False, edgecolor="#d1495b", linewidth=2)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all.  Raises UnbraidError."""
    scratch = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        FigureCanvasAgg(figure).print_png(scratch)
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise UnbraidError(f"can't write the picture {path}: {error.strerror}", hint=remedy(error)) from None
    return path
