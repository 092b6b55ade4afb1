"""Reader of a run's folder for a report; folders may be untrusted, and missing or damaged parts become gaps."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from unbraid.runs import Run, RunError
from unbraid_configs import Node, RecipeError
from unbraid_configs.reading import read_file
from unbraid_plugins.tools.reports.forms import EVALUATION as EVALUATION_FORM, PROBE
from unbraid_registry import UnbraidError
from unbraid_registry.files import check, parse_json, read_json, read_text

FORMAT = 1
EVALUATION = "evaluation.json"
PROBES, MOST_PROBES = "probe*.json", 16
LONGEST_LOG, MOST_LOGGED = 256 << 20, 4 << 20      # bytes of a log that are read, and that are kept of it
MOST_PICTURES = 300
LARGEST = LARGEST_FIGURE = 8 << 20                 # bytes of an evaluation, a probe, a figure
STEP = re.compile(r"(.+)-(\d{8})\.png")


class ReportError(UnbraidError):
    """A run that can't be reported."""


@attrs.frozen
class PictureFile:
    """A picture of a run.  step: the training step at which it was drawn; None: it belongs to the evaluation."""

    path: Path
    step: int | None = None


@attrs.frozen(eq=False)
class Findings:
    """Everything that a report shows of a run.

    recipe: path -> value of every setting.
    text: the resolved recipe as written.
    sessions: the training sessions in run.json.
    lines: the lines of metrics.jsonl.
    evaluation: the content of evaluation.json; None without it.
    figure: the method's figure, as SVG.
    gaps: sentences about missing or damaged parts.
    probes: the results of `unbraid probe`; each is fitted on one source and judged on one source.
    """

    folder: Path
    title: str
    paper: str = ""
    recipe: dict[str, str] = attrs.Factory(dict)
    text: str = ""
    sessions: list[dict[str, Any]] = attrs.Factory(list)
    lines: list[dict[str, Any]] = attrs.Factory(list)
    evaluation: dict[str, Any] | None = None
    figure: str = ""
    pictures: dict[str, PictureFile] = attrs.Factory(dict)
    gaps: list[str] = attrs.Factory(list)
    probes: list[dict[str, Any]] = attrs.Factory(list)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def session(self) -> dict[str, Any]:
        """The last training session."""
        return self.sessions[-1] if self.sessions else {}

    @property
    def command(self) -> str:
        """The command line of the last session."""
        command = self.session.get("command")
        return shlex.join(map(str, command)) if isinstance(command, list) else ""

    @property
    def arms(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Name -> metric -> result, in the evaluation's order."""
        return (self.evaluation or {}).get("arms", {})

    @property
    def factors(self) -> list[str]:
        """The factors that were measured."""
        return list((self.evaluation or {}).get("factors", {}))

    @property
    def seed(self) -> str:
        """The seed of the training."""
        return self.recipe.get("train.seed", "")


def read_run(folder: Path, evaluation: dict[str, Any] | None = None) -> Findings:
    """Read a run's folder.  evaluation: its evaluation, where it is not written yet.

    Raises RunError where it is no run, ReportError for a damaged evaluation.
    """
    run, gaps = Run.at(folder), list[str]()
    if evaluation is None:
        evaluation = read_evaluation(run.folder / EVALUATION)
    else:                                          # as it is read again
        evaluation = checked_evaluation(parse_json(json.dumps(evaluation)), run.folder / EVALUATION)
    if evaluation is None:
        gaps.append("The run is not evaluated: there is no evaluation.json.")
    recipe, text = _recipe(run, gaps)
    record = _record(run, gaps)
    title = recipe.get("title") or str(record.get("title") or "") or (evaluation or {}).get("title") or run.folder.name
    lines = [line for line in _lines(run, gaps) if isinstance(line, dict)]
    return Findings(run.folder, str(title), recipe.get("paper", ""), recipe, text, _dicts(record.get("sessions")),
                    lines, evaluation, _figure(run, gaps), _pictures(run, gaps), gaps, _probes(run, gaps))


def read_evaluation(path: Path) -> dict[str, Any] | None:
    """Read an evaluation.json with the parts that a report uses; None where there is no file.  Raises ReportError."""
    again = f"measure it again: unbraid evaluate {shlex.quote(str(path.parent))}"
    try:
        found = read_json(path, LARGEST)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ReportError(f"can't read {path}: {error}", hint=again) from None
    return checked_evaluation(found, path)


def checked_evaluation(found: Any, path: Path) -> dict[str, Any]:
    """Return an evaluation with all parts that a report uses.  Raises ReportError where it has not their form."""
    again = f"measure it again: unbraid evaluate {shlex.quote(str(path.parent))}"
    form = found.get("format", FORMAT) if isinstance(found, dict) else FORMAT
    if isinstance(form, int) and form > FORMAT:
        raise ReportError(f"{path} has format {form}; this unbraid reads up to {FORMAT}",
                          hint="install a newer unbraid")
    try:
        check(found, EVALUATION_FORM)
    except ValueError as error:
        raise ReportError(f"{path} is no evaluation: {error}", hint=again) from None
    parts: dict[str, type] = {"factors": dict, "data": dict, "intervals": dict, "metrics": dict, "hooks": dict,
                              "notes": list, "pictures": dict}
    return {**{name: kind() for name, kind in parts.items()}, **found}


def _recipe(run: Run, gaps: list[str]) -> tuple[dict[str, str], str]:
    if not run.recipe_file.is_file():
        gaps.append("The resolved recipe is missing: there is no recipe.yaml.")
        return {}, ""
    try:
        tree = read_file(run.recipe_file, [])
        return dict(_flat(tree)), read_text(run.recipe_file, LARGEST)
    except (RecipeError, OSError, ValueError) as error:
        gaps.append(f"The recipe can't be read: {error}.")
        return {}, ""


def _flat(node: Node, path: str = "") -> list[tuple[str, str]]:
    """Return every setting with its path."""
    if isinstance(node.value, Mapping):
        return [pair for key, item in node.value.items() for pair in _flat(item, f"{path}.{key}" if path else str(key))]
    if isinstance(node.value, list):
        return [(path, ", ".join(text for item in node.value for _, text in _flat(item)))]
    return [(path, "" if node.value is None else str(node.value))]


def _record(run: Run, gaps: list[str]) -> dict[str, Any]:
    try:
        return run.record()
    except RunError as error:
        gaps.append(f"The record of the training is damaged: {error.message}.")
        return {}


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [d for d in found if isinstance(d, dict)] if isinstance(found, list) else []


def _lines(run: Run, gaps: list[str]) -> list[dict[str, Any]]:
    try:
        lines = _thinned(run, gaps)
    except OSError as error:
        gaps.append(f"The losses can't be read: {error.strerror}.")
        return []
    if not lines:
        gaps.append("No losses were logged: metrics.jsonl is missing or empty.")
    return lines


def _thinned(run: Run, gaps: list[str]) -> list[dict[str, Any]]:
    """Return the logged steps; of a long log every second, fourth ... one, read within a second.  Raises OSError."""
    kept: list[tuple[int, dict[str, Any]]] = []
    length = min(run.metrics_file.stat().st_size, LONGEST_LOG) if run.metrics_file.exists() else 0
    seen, size, every, number = 0, 0, 1, 0
    while length > every * MOST_LOGGED:
        every *= 2
    apart = every                                  # lines between those that are parsed
    for number, (line, logged) in enumerate(run.logged(apart)):
        seen += len(line) * apart
        if seen > LONGEST_LOG:
            gaps.append(f"The log is longer than {LONGEST_LOG >> 20} MiB; the rest is left out.")
            break
        if number * apart % every == 0:
            kept.append((len(line), logged))
            size += len(line)
        while size > MOST_LOGGED and len(kept) > 1:          # lines of unequal length
            kept, every = kept[::2], every * 2
            size = sum(length for length, _ in kept)
    if every > 1:
        gaps.append(f"The log is long; one of {every} logged steps is shown.")
    return [logged for _, logged in kept]


def _probes(run: Run, gaps: list[str]) -> list[dict[str, Any]]:
    """Read `probe.json`, `probe-a-b.json` ..., each with the name of its picture; a damaged one becomes a gap."""
    found = []
    paths = sorted(run.folder.glob(PROBES), key=lambda path: path.stem)
    if len(paths) > MOST_PROBES:
        gaps.append(f"Of {len(paths)} probes the first {MOST_PROBES} are shown.")
    for path in paths[:MOST_PROBES]:
        try:
            probe = read_json(path, LARGEST)
            check(probe, PROBE)
            if probe["format"] > FORMAT:
                raise ValueError(f"it has format {probe['format']}")
            probe = {"numbers": {}, "r2": {}, **probe}                  # those of before had none
            for scores, names in ((probe["accuracy"], probe["factors"]), (probe["r2"], probe["numbers"])):
                for by_factor in (own for results in scores.values() for own in results.values()):
                    for name in names:
                        if len(by_factor[name]["mean"]) != len(probe["labels"]):
                            raise ValueError(f"it has not all numbers of {name}")
            found.append({**{key: probe[key] for key in ("fitted_on", "judged_on", "labels", "draws", "factors",
                                                        "representations", "accuracy", "numbers", "r2")},
                          "notes": list(probe.get("notes", [])), "name": path.stem})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            gaps.append(f"The probe {path.name} can't be read: {type(error).__name__}: {error}.")
    return found


def _figure(run: Run, gaps: list[str]) -> str:
    """Return the method's figure as SVG; empty where it can't be read."""
    path = run.folder / "figure.svg"
    try:
        text = read_text(path, LARGEST_FIGURE)
    except (OSError, ValueError):
        text = ""
    if "<svg" not in text:
        gaps.append("The method's figure is missing: there is no readable figure.svg.")
        return ""
    return text


def _pictures(run: Run, gaps: list[str]) -> dict[str, PictureFile]:
    """Return pictures by name: those of the evaluation, else the last that were drawn during training."""
    found: dict[str, PictureFile] = {}
    paths = sorted(run.pictures.glob("*.png"))
    if len(paths) > MOST_PICTURES:
        gaps.append(f"Of {len(paths):,} pictures the last {MOST_PICTURES} by name are looked at.")
    for path in paths[-MOST_PICTURES:]:
        drawn = STEP.fullmatch(path.name)
        name = drawn[1] if drawn else path.stem
        if not drawn or name not in found or found[name].step is not None:
            found[name] = PictureFile(path, int(drawn[2]) if drawn else None)
    if not found:
        gaps.append("There are no pictures.")
    return found
