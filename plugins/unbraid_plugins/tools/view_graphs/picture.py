"""The picture of a view graph: images on a circle, where their cameras stood, with the edges between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unbraid_plugins.shared.views import ViewGraph
from unbraid_plugins.tools.display import COLOURS, FAINT, INK, Figure, FigureCanvasAgg, save_figure, style

APART = 2 * np.pi / 32                             # radians between the images around the circle, at least
INCHES, DOTS, SMALL_DOTS = 7.0, 120, 80
RIM = 1.35                                         # where images stand, in radii of the circle of nodes


def draw_graph(graph: ViewGraph, path: Path) -> Path:
    """Write the picture as .png or .svg and return the path.  Raises UnbraidError."""
    with style():
        return save_figure(_figure(graph), path, DOTS)


def graph_image(graph: ViewGraph) -> Tensor:
    """Return the picture as an image (3, H, W) in [0, 1]."""
    with style():
        canvas = FigureCanvasAgg(_figure(graph, SMALL_DOTS))
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def _figure(graph: ViewGraph, dots: int = DOTS) -> Figure:
    """Draw the circle seen from above: azimuth 0 is below, and it grows to the right."""
    azimuths = graph.azimuths.cpu().numpy()
    places = np.stack([np.sin(azimuths), -np.cos(azimuths)], 1)
    figure = Figure(figsize=(INCHES, INCHES), dpi=dots)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.75, 1.75), ylim=(-1.75, 1.75), aspect="equal")
    axes.axis("off")
    ends, tree = graph.ends.cpu().numpy(), graph.in_tree.cpu().numpy()
    for of, colour, width, over in ((~tree, FAINT, 0.4, 1), (tree, COLOURS[0], 0.9, 2)):
        for a, b in places[ends[of]]:
            axes.plot(*zip(a, b, strict=True), color=colour, linewidth=width, alpha=0.7, zorder=over)
    axes.scatter(places[:, 0], places[:, 1], s=9, color=INK, zorder=3)
    images = graph.images.cpu().permute(0, 2, 3, 1).numpy()
    for node in _spread(azimuths, np.bincount(graph.members.cpu().numpy(), minlength=len(azimuths))):
        (x, y), half = RIM * places[node], 0.115
        axes.plot(*zip(places[node], places[node] * (RIM - 0.14), strict=True), color=FAINT, linewidth=0.4, zorder=1)
        shown = images[node] if images.shape[3] == 3 else images[node].repeat(3, 2)
        axes.imshow(shown, extent=(x - half, x + half, y - half, y + half), zorder=4, interpolation="nearest")
    axes.set(xlim=(-1.75, 1.75), ylim=(-1.75, 1.75))
    axes.text(0, 0, f"{len(azimuths)} nodes of {len(graph.members)} images\n{len(ends)} edges, {int(tree.sum())} of "
              "them in the tree", ha="center", va="center", color=INK,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85})
    return figure


def _spread(azimuths: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Return the nodes whose images are shown: those with the most images that do not cover one another."""
    shown = list[int]()
    for node in np.argsort(-sizes, kind="stable"):
        away = np.abs((azimuths[shown] - azimuths[node] + np.pi) % (2 * np.pi) - np.pi)
        if not shown or away.min() >= APART:
            shown.append(int(node))
    return shown
