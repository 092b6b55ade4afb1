"""The page that compares several runs: seeds grouped, a column for every metric, pictures side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

import attrs

from unbraid_plugins.tools.reports import image_rows as embedding, scores
from unbraid_plugins.tools.reports.figure import FigureImage, figure_image
from unbraid_plugins.tools.reports.formatting import number, words
from unbraid_plugins.tools.reports.page import notes, render
from unbraid_plugins.tools.reports.run_reader import Findings

# settings that do not change the method
SAME = {"train.seed", "train.device", "train.workers", "data.workers", "train.log_every", "train.checkpoint_every",
        "train.picture_every", "train.keep", "train.keep_best", "train.tensorboard", "train.max_minutes",
        "train.channels_last", "train.compile"}
SIDE_BY_SIDE = ("reconstructions", "swaps", "traversals", "samples")
DIFFERENCES, LONGEST = 4, 48                       # largest number of settings to name, and length of a value
ROWS, WIDEST = 12, 1100                            # of a picture, and pixels: smaller, as it stands beside others
WIDTH = 96                                         # of the scale of a group's dots


@attrs.frozen
class Dots:
    """One metric of a group of runs.

    value: the mean over the runs.
    text: the mean as text.
    between: the lowest and the highest value, in words.
    places: the positions of the runs, from 0 to WIDTH.
    baselines: arm and position.
    top: whether the mean is the best of its column.
    """

    value: float | None
    text: str
    between: str = ""
    places: list[str] = attrs.Factory(list)
    baselines: list[tuple[str, str]] = attrs.Factory(list)
    top: bool = False


@attrs.frozen(eq=False)
class Group:
    """Runs that differ only in their seed.

    differences: the title and settings in which other groups differ from this one.
    """

    name: str
    runs: list[Findings]
    differences: list[str] = attrs.Factory(list)
    cells: list[Dots] = attrs.Factory(list)

    @property
    def seeds(self) -> str:
        """The seeds of the runs."""
        return ", ".join(run.seed or "?" for run in self.runs)

    @property
    def title(self) -> str:
        """The title of the runs' recipe."""
        return self.runs[0].title

    @property
    def paper(self) -> str:
        """The recipe's paper."""
        return self.runs[0].paper


@attrs.frozen
class Head:
    """A column: a metric, its summary, and which direction is better."""

    name: str
    title: str
    summary: str
    better: str


def comparison_page(runs: Sequence[Findings]) -> str:
    """Return the HTML of a comparison page."""
    heads = [Head(m, words(m), *_about(runs, m)) for m in dict.fromkeys(
        m for run in runs for m in run.arms.get(scores.MODEL, {}))]
    groups = [attrs.evolve(g, cells=[_dots(g, runs, head.name) for head in heads]) for g in grouped(runs)]
    groups = _with_best(groups, heads)
    pictures = [(g, embedding.shown_pictures(g.runs[0], SIDE_BY_SIDE, rows=ROWS, widest=WIDEST)) for g in groups]
    single = [(run, [[scores.cell(run, arm, h.name) for h in heads] for arm in run.arms]) for run in runs]
    return render("comparison.html", groups=groups, heads=heads, runs=single, names=names(runs), width=WIDTH,
                  baselines=_baselines(runs), figures=_figures(groups), pictures=_by_picture(pictures),
                  remarks=remarks(runs), notes=list(zip(names(runs), map(notes, runs), strict=True)))


def grouped(runs: Sequence[Findings]) -> list[Group]:
    """Group runs by their recipes without the seed; a run without a recipe is a group by itself."""
    found: dict[object, list[Findings]] = {}
    for number_, run in enumerate(runs):
        found.setdefault(_method(run) if run.recipe else number_, []).append(run)
    groups = list(found.values())
    return [Group(name, members, [*_own_title(members[0], groups), *_differences(members[0], groups)])
            for name, members in zip(_group_names(groups), groups, strict=True)]


def _method(run: Findings) -> frozenset[tuple[str, str]]:
    return frozenset((k, v) for k, v in run.recipe.items() if k not in SAME)


def _own_title(run: Findings, groups: Sequence[Sequence[Findings]]) -> list[str]:
    """Return the title, where not all groups have the same."""
    return [run.title] if any(g[0].title != run.title for g in groups) else []


def _differences(run: Findings, groups: Sequence[Sequence[Findings]]) -> list[str]:
    """Return the settings of a run that differ between the groups with its title.

    A value is left out if more than half of the groups have it. At most DIFFERENCES settings are named.
    """
    methods = [dict(_method(g[0])) for g in groups if g[0].recipe and g[0].title == run.title]
    diff, without = [], []
    for key in sorted({k for m in methods for k in m} - {"title", "paper"}) if run.recipe else ():
        values = [m.get(key) for m in methods]
        (usual, count), own = Counter(values).most_common(1)[0], run.recipe.get(key)
        if count == len(values) or (own == usual and count > len(values) / 2):
            continue
        if own is None:
            without.append(".".join(key.split(".")[:2]))
        else:
            diff.append(f"{key} = {own if len(own) <= LONGEST else own[:LONGEST - 3] + '...'}")
    own_parts = {".".join(k.split(".")[:2]) for k in run.recipe}
    diff += [f"without {part}" for part in dict.fromkeys(without) if part not in own_parts]
    return diff if len(diff) <= DIFFERENCES else [*diff[:DIFFERENCES - 1], f"and {len(diff) - DIFFERENCES + 1} more"]


def _group_names(groups: Sequence[Sequence[Findings]]) -> list[str]:
    """Return the common beginning of the folder names of each group.

    Where it is empty or not unique, the first folder takes its place.
    """
    stems = [re.sub(r"[-_., ]*(seed)?[-_.,= ]*$", "", _beginning([run.name for run in g])) if len(g) > 1 else g[0].name
             for g in groups]
    return [stem if stem and stems.count(stem) == 1 else str(g[0].folder)
            for stem, g in zip(stems, groups, strict=True)]


def _beginning(texts: Sequence[str]) -> str:
    """Return the common beginning of all texts."""
    first, last = min(texts), max(texts)
    return first[:next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def names(runs: Sequence[Findings]) -> list[str]:
    """Return the folder name of each run; where two are equal, the path."""
    short = [run.name for run in runs]
    return [name if short.count(name) == 1 else str(run.folder) for name, run in zip(short, runs, strict=True)]


def _about(runs: Sequence[Findings], metric: str) -> tuple[str, str]:
    rows = [scores.about(run, metric) for run in runs]
    return next((t["summary"] for t in rows if t["summary"]), ""), next((t["better"] for t in rows if t["better"]), "")


def _dots(group: Group, runs: Sequence[Findings], metric: str) -> Dots:
    """Place a group's scores on the scale of all runs and baselines."""
    every = [v for run in runs for arm in run.arms for v in _values([run], arm, metric)]
    own = _values(group.runs, scores.MODEL, metric)
    if not own:
        return Dots(None, number(None))
    low, high = min(every), max(every)

    def place(v: float) -> str:
        return f"{(v - low) / (high - low) * WIDTH if high > low else WIDTH / 2:.1f}"

    baselines = [(arm, place(fmean(values))) for arm in group.runs[0].arms
                 if arm in scores.ABOUT and arm != scores.MODEL and (values := _values(group.runs, arm, metric))]
    between = f"{number(min(own))} to {number(max(own))}" if len(own) > 1 else ""
    mean = fmean(own)
    return Dots(mean, number(mean), between, [place(v) for v in own], baselines)


def _values(runs: Sequence[Findings], arm: str, metric: str) -> list[float]:
    found = [scores.cell(run, arm, metric) for run in runs]
    return [c.value for c in found if c is not None and c.value is not None]


def _with_best(groups: Sequence[Group], heads: Sequence[Head]) -> list[Group]:
    """Return the groups with the best mean of every column marked, where the better direction is known."""
    best = []
    for i, head in enumerate(heads):
        known = [v for g in groups if (v := g.cells[i].value) is not None]
        choose = {"higher": max, "lower": min}.get(head.better)
        best.append(choose(known) if choose is not None and len(known) > 1 else None)
    return [attrs.evolve(g, cells=[attrs.evolve(c, top=c.value is not None and c.value == b)
                                   for c, b in zip(g.cells, best, strict=True)]) for g in groups]


def _baselines(runs: Sequence[Findings]) -> list[str]:
    return [arm for arm in scores.ABOUT if any(arm in run.arms for run in runs)]


def _figures(groups: Sequence[Group]) -> list[tuple[str, FigureImage]]:
    """Return the figures of the groups; groups with equal figures share one."""
    found: dict[str, tuple[list[str], FigureImage]] = {}
    for g in groups:
        figure = figure_image(g.runs[0].figure)
        if figure is not None:
            found.setdefault(figure.uri, ([], figure))[0].append(g.name)
    return [(", ".join(names_), figure) for names_, figure in found.values()]


def _by_picture(pictures: Sequence[tuple[Group, list[embedding.Shown]]]
                ) -> list[tuple[embedding.Shown, list[tuple[Group, embedding.Shown]]]]:
    """Collect the pictures of all groups by kind."""
    found = []
    for name in SIDE_BY_SIDE:
        of = [(g, p) for g, shown in pictures for p in shown if p.name == name]
        if of:
            found.append((of[0][1], of))
    return found


def remarks(runs: Sequence[Findings]) -> list[str]:
    """Return remarks about differences in how the runs were measured, which make their numbers hard to compare."""
    lines = []
    for key, what in (("images", "number of images"), ("split", "split"), ("seed", "seed of the evaluation"),
                      ("protocol", "protocol")):
        values = {str(run.evaluation[key]) for run in runs if run.evaluation is not None and key in run.evaluation}
        if len(values) > 1:
            listed = f": {', '.join(sorted(values))}" if all(len(v) < 40 for v in values) else ""
            lines.append(f"The runs were not measured alike; they differ in the {what}{listed}.")
    factors = {tuple(run.evaluation["factors"].items()) for run in runs if run.evaluation is not None}
    if len(factors) > 1:
        lines.append("The runs were measured on different factors: their scores are of different data.")
    return lines
