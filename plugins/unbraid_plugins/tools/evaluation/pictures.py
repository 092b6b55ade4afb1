"""Pictures of an evaluation: the map of factors and chunks, edits of assigned chunks, reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.model import Model
from unbraid_plugins.tools.display import Figure, Rectangle, Row, mark_step, save_figure, scale_for, style, write_rows
from unbraid_plugins.tools.evaluation import edit_pictures as edits
from unbraid_plugins.tools.evaluation.evidence import Evidence, Sampled

NUMBERED = 20                                      # with more chunks, the cells of the map show no numbers
INK, DOT = "#1a1a1a", "#d1495b"
EDITS: dict[str, Callable[[edits.Shown], Iterator[Row]]] = {
    "swaps": edits.swaps, "swap_grids": edits.swap_grids, "traversals": edits.traversals, "classes": edits.classes}


def write_pictures(folder: Path, model: Model, sampled: Sampled, evidence: Evidence, result: dict[str, Any]
                   ) -> dict[str, str]:
    """Write the pictures that fit a model into a folder, and return their paths by name."""
    found = result["arms"]["model"].get("retrieval_map")
    written = {}
    if found is not None and found["factors"]:
        with style({}):
            written["map"] = save_figure(draw_map(found), folder / "map.png")
    if (found := result["arms"]["model"].get("reference_agreement")) is not None:
        with style({}):
            written["references"] = save_figure(draw_agreement(found, _objects(sampled, len(found["objects"]))),
                                         folder / "references.png")
    if "decode" not in evidence:
        return _marked(written, model)
    scale = scale_for(model.image_shape)
    images, rebuilt = sampled.images[:edits.COLUMNS], evidence["reconstructions"][:edits.COLUMNS]
    rows = [Row(images, "image"), Row(rebuilt, "rebuilt")]
    written["reconstructions"] = write_rows(folder / "reconstructions.png", rows, scale)
    names = {n: f.names for n, f in next(iter(model.method.facts.draws.values())).fields.items() if f.names}
    shown = edits.Shown.of(sampled.images, evidence, sampled.evidence.get("factors", {}), assignment(result), names)
    for name, drawn in EDITS.items():
        if (shown.assigned or name == "traversals") and (rows := list(drawn(shown))):
            written[name] = write_rows(folder / f"{name}.png", rows, scale)
    return _marked(written, model)


def _marked(written: Mapping[str, Path], model: Model) -> dict[str, str]:
    """Write the model's step into the pictures, and return their paths by name."""
    return {name: str(mark_step(path, model.step)) for name, path in written.items()}


def assignment(result: dict[str, Any]) -> dict[str, str]:
    """Return the chunk of every factor: by edit control where it was measured, else by retrieval, else by transfer."""
    model = result["arms"]["model"]
    for metric in ("edit_control", "retrieval_map", "transfer_accuracy"):
        if found := model.get(metric, {}).get("best"):
            return dict(found)
    return {}


def _objects(sampled: Sampled, count: int) -> list[str]:
    """Return names of the objects: the classes of a shared factor, where the count agrees; else numbers."""
    fields = sampled.data.images_of[sampled.source].fields
    named = (fields[f].names for f in sampled.evidence["shared_factors"])
    return next((list(names) for names in named if names and len(names) == count), [str(i) for i in range(count)])


def draw_map(found: dict[str, Any]) -> Figure:
    """Draw the mean average precision by factor (rows) and chunk (columns), from 0 to 1.

    Each factor's best chunk is framed.
    """
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


def draw_agreement(found: Mapping[str, Any], objects: Sequence[str]) -> Figure:
    """Draw the shares of views that keep their azimuth: unchanged, and after each pair's best turn.

    A dot marks pairs that are mirrored.
    """
    return draw_matrices({
        f"as seen: {found['score']:.2f} between different objects": np.asarray(found["agreement"]),
        f"turned or mirrored: {found['score'] + found['ambiguity']:.2f}": np.asarray(found["gauged"])},
        objects, np.asarray(found["mirrored"]))


def draw_matrices(agreements: Mapping[str, np.ndarray], objects: Sequence[str],
                  dots: np.ndarray | None = None) -> Figure:
    """Draw two matrices (n, n) of shares side by side, by title: shown on an object (rows), seen on another (columns).

    dots: (n, n), true where the second matrix has a dot.
    """
    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, matrix) in zip(panels, agreements.items(), strict=True):
        shown = axes.imshow(matrix, vmin=0, vmax=1, cmap="Blues")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("viewpoint of object")
        axes.set_xticks(range(len(objects)), objects, rotation=90, fontsize=6, parse_math=False)
        axes.set_yticks(range(len(objects)), objects, fontsize=6, parse_math=False)
        axes.tick_params(length=0)
    if dots is not None:
        rows, columns = np.nonzero(dots)
        panels[1].scatter(columns, rows, s=5, color=DOT)
    panels[0].set_ylabel("shown on object")
    figure.suptitle("Views within one step of the azimuth", fontsize=10)
    figure.colorbar(shown, ax=list(panels), fraction=0.04, pad=0.02)
    return figure
