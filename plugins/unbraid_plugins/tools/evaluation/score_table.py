"""Evaluations as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from unbraid_plugins.tools.display import Page
from unbraid_plugins.tools.evaluation.other_scores import fill, other_metrics

ENDS = ("random", "perfect")                       # left out of the table of factors: their retrieval is chance, and 1
LEGEND = " ".join((
    "mAP: of retrieval by each factor's best chunk; 1:1: no chunk for two factors; chance: of a code that knows "
    "nothing.",
    "probe: accuracy of a linear classifier.",
    "taken, kept: when a factor's chunk is swapped, how often the donor's class of it and the receiver's other classes "
    "are seen.",
    "rebuilt, oracle: how often an image's class is seen in its reconstruction, and in the image itself.",
    "live: chunks that are used. cluster: accuracy of categories as clusters.",
    "told, made: of codes from the prior, the information that is told of categories, and the classes that are seen.",
    "R2: of numbers, read linearly from the code.",
    "clip: mAP of finding the frames of a clip. analogy: squared error of analogies.",
    "next, ahead: PSNR of forecast frames, dB, and how much more it is than that of the last frame seen.",
    "class: accuracy of the model's own classifier.",
    "content, domain: of translations, how often the image's classes are seen, and how often they are taken for the "
    "target; cycle: PSNR of what comes back, dB.",
    "rank-1, EER: of people recognised across poses.",
    "pose: how often an image is seen in the pose that it was made for.",
    "azimuth: median error in degrees after one rotation of all, <15 and <30 the shares of images; half turn: the same "
    "if front and back are one; edges: the share of a view graph's edges that are right.",
    "PSNR: of reconstructions, dB. KL: of the code, nats.",
    "angle: of normals, degrees. albedo: its error up to scale.",
    "relit, unedited: PSNR against the truth under another light, dB.",
    "leaks: how much of what a factor moves is its own part of the code.",
    "MIG ... IRS: of disentanglement, +- half the 95 % bootstrap interval where there is one; read them beside random "
    "and perfect."))

Cell = Callable[[dict[str, Any]], "float | None"]


def table(results: Sequence[tuple[str, dict[str, Any]]], *, colour: bool | None = None) -> str:
    """Return a table with a row for every arm of every evaluation; for a single one, also a table of its factors.

    colour: use the terminal's colours and lines; None: if stdout is a terminal; otherwise plain text.
    """
    page = Page(colour)
    arms = [arm for _, result in results for arm in result["arms"].values()]
    ours = any(cell(arm) is not None for arm in arms for _, cell, _ in COLUMNS)
    if ours:
        page.print(_arms(results, page.table()))
    if any(arm.keys() & dict(SCORES).keys() for _, result in results for arm in result["arms"].values()):
        page.print(_scores(results, page.table()))
    if other_metrics(results):
        page.print(fill(results, page.table()))
    if ours and len(results) == 1 and results[0][1]["factors"]:
        page.print(_factors(results[0][1], page.table()))
    if len(results) == 1 and "number_regression" in results[0][1]["arms"]["model"]:
        page.print(_numbers(results[0][1], page.table()))
    if ours:
        page.print(LEGEND, dim=True)
    for name, result in results:
        for note in result["notes"]:
            page.print(f"{name}: {note}")
    return str(page)


def _score(metric: str, part: str = "score") -> Cell:
    return lambda arm: arm.get(metric, {}).get(part)


def _mean(metric: str, part: str) -> Cell:
    def cell(arm: dict[str, Any]) -> float | None:
        values = list(arm.get(metric, {}).get(part, {}).values())
        return sum(values) / len(values) if values else None

    return cell


def _within(part: str, degrees: int) -> Cell:
    return lambda arm: arm.get("azimuth_error", {}).get(part, {}).get(str(degrees))


COLUMNS: tuple[tuple[str, Cell, str], ...] = (
    ("mAP", _score("retrieval_map"), ".3f"),
    ("1:1", _score("retrieval_map", "score_one_to_one"), ".3f"),
    ("chance", _mean("retrieval_map", "chance"), ".3f"),
    ("probe", _score("linear_probe"), ".3f"),
    ("taken", _mean("swap_accuracy", "transferred"), ".3f"),
    ("kept", _mean("swap_accuracy", "kept"), ".3f"),
    ("live", _score("live_factors"), ".0f"),
    ("cluster", _score("category_accuracy"), ".3f"),
    ("told", _score("code_recovery"), ".3f"),
    ("made", _score("made_classes"), ".2f"),
    ("R2", _score("number_regression"), ".3f"),
    ("clip", _score("clip_retrieval"), ".3f"),
    ("analogy", _score("analogy_error"), ".4f"),
    ("next", _score("prediction_error"), ".1f"),
    ("ahead", _score("prediction_error", "ahead"), ".1f"),
    ("class", _score("classification_accuracy"), ".3f"),
    ("content", _mean("translation_accuracy", "content_mean"), ".3f"),
    ("domain", _mean("translation_accuracy", "domain"), ".3f"),
    ("cycle", _mean("translation_accuracy", "cycle"), ".1f"),
    ("azimuth", _score("azimuth_error"), ".1f"),
    ("<15", _within("within", 15), ".2f"),
    ("<30", _within("within", 30), ".2f"),
    ("half turn", _score("azimuth_error", "half_turn"), ".1f"),
    ("edges", _score("edge_precision"), ".2f"),
    ("rank-1", _score("rank_1_identification"), ".3f"),
    ("EER", _score("verification", "eer"), ".3f"),
    ("pose", _score("pose_control"), ".3f"),
    ("PSNR", _score("reconstruction_error"), ".1f"),
    ("KL", _score("kl_per_number"), ".1f"),
    ("angle", _score("normal_angle"), ".1f"),
    ("albedo", _score("albedo_error"), ".3f"),
    ("relit", _score("relight_psnr"), ".1f"),
    ("unedited", _score("relight_psnr", "unedited"), ".1f"),
    ("leaks", _score("leak_matrix"), ".3f"),
)


def _arms(results: Sequence[tuple[str, dict[str, Any]]], grid: Table) -> Table:
    arms = [arm for _, result in results for arm in result["arms"].values()]
    columns = [c for c in COLUMNS if any(c[1](arm) is not None for arm in arms)]
    grid.add_column("")
    for title, _, _ in columns:
        grid.add_column(title, justify="right")
    for name, result in results:
        for arm_name, arm in result["arms"].items():
            title = name if arm_name == "model" else f"  {arm_name}"
            grid.add_row(title, *(_number(cell(arm), form) for _, cell, form in columns),
                         style="bold" if arm_name == "model" else "dim")
    return grid


SCORES = (("mig", "MIG"), ("dci", "DCI"), ("sap", "SAP"), ("modularity", "modularity"), ("irs", "IRS"),
          ("explicitness", "explicit"), ("factor_vae_score", "FactorVAE"), ("beta_vae_score", "beta-VAE"))


def _scores(results: Sequence[tuple[str, dict[str, Any]]], grid: Table) -> Table:
    """Add a row for every arm: the metrics of disentanglement with their intervals."""
    columns = [(m, title) for m, title in SCORES if any(m in arm for _, r in results for arm in r["arms"].values())]
    grid.add_column("")
    for _, title in columns:
        grid.add_column(title, justify="right")
    for name, result in results:
        for arm_name, arm in result["arms"].items():
            if arm.keys() & dict(SCORES).keys():
                intervals = result.get("intervals", {}).get(arm_name, {})
                grid.add_row(name if arm_name == "model" else f"  {arm_name}",
                             *(_sure(arm.get(m, {}).get("score"), intervals.get(m)) for m, _ in columns),
                             style="bold" if arm_name == "model" else "dim")
    return grid


def _sure(score: float | None, interval: Sequence[float] | None) -> str:
    """Return a score with half of its interval.

    >>> _sure(0.5, [0.48, 0.52])
    '0.500+-.020'
    """
    if score is None or interval is None:
        return _number(score, ".3f")
    return f"{score:.3f}+-{(interval[1] - interval[0]) / 2:.3f}".replace("+-0.", "+-.")


def _factors(result: dict[str, Any], grid: Table) -> Table:
    model, oracles = result["arms"]["model"], result["data"].get("oracles", {})
    arms = [(n, a["retrieval_map"]) for n, a in result["arms"].items() if "retrieval_map" in a and n not in ENDS]
    grid.add_column("factor")
    titles = ["chunk", *("mAP" if n == "model" else n for n, _ in arms), "chance", "probe", "taken",
              "kept", "rebuilt", "oracle"]
    for title in titles:
        grid.add_column(title, justify="left" if title == "chunk" else "right")
    for factor in result["factors"]:
        found, swap = model.get("retrieval_map", {}), model.get("swap_accuracy", {})
        grid.add_row(
            factor, found.get("best", {}).get(factor, "-"),
            *(_number(max(a["matrix"][a["factors"].index(factor)]), ".2f") for _, a in arms),
            *(_number(part.get(factor), ".2f") for part in (
                found.get("chance", {}), model.get("linear_probe", {}).get("accuracy", {}),
                *(swap.get(p, {}) for p in ("transferred", "kept", "rebuilt")), oracles.get("accuracy", {}))))
    return grid


SOME = 4                                           # chunks that get a column each


def _numbers(result: dict[str, Any], grid: Table) -> Table:
    """Add a row for every number: R2 of the linear regression on each chunk, or the best, and of the other arms."""
    arms = {n: a["number_regression"] for n, a in result["arms"].items() if "number_regression" in a and n not in ENDS}
    model = arms["model"]
    some = model["chunks"][:-1] if len(model["chunks"]) <= SOME + 1 else []
    grid.add_column("number")
    for title in [*(f"R2 {c}" for c in some or ["best chunk"]), "code", "nearest", *(n for n in arms if n != "model")]:
        grid.add_column(title, justify="right")
    for i, name in enumerate(model["numbers"]):
        own = model["linear"][i]
        chunks = own[:-1] if some else [max(own[:-1], default=None)]
        grid.add_row(name, *(_number(v, ".2f") for v in (
            *chunks, own[-1], model["nearest"][i][-1], *(a["linear"][i][-1] for n, a in arms.items() if n != "model"))))
    return grid


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
