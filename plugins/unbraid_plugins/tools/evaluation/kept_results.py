"""Results of earlier evaluations of a run, which a new evaluation adds to and never loses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unbraid.runs import RunError
from unbraid_registry.files import read_json, size_text, to_json

LARGEST = 8 << 20                                  # bytes of an evaluation
SPARE = 1 << 16                                    # bytes for notes and for what is added when it is written
STATE = ("step", "source", "split", "images", "seed")     # what a result depends on besides its metric
NESTED = ("data", "hooks", "pictures")             # of an evaluation: name -> anything


def earlier(file: Path) -> dict[str, Any]:
    """Read an earlier evaluation; empty without one.  Raises RunError for a file that can't be read."""
    if not file.exists():
        return {}
    try:
        found = read_json(file, LARGEST)
    except (OSError, ValueError) as error:
        raise _damaged(file, str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("arms"), dict):
        raise _damaged(file, "it has no arms")
    return found


def _damaged(file: Path, why: str) -> RunError:
    return RunError(f"can't read the earlier evaluation {file}: {why}",
                    hint="this one would replace it: move the file away, or remove it, and evaluate again")


def state_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that the metrics of an evaluation were measured on."""
    protocol = result.get("protocol")
    name = protocol.get("name") if isinstance(protocol, Mapping) else protocol
    return {**{key: result.get(key) for key in STATE}, "protocol": name}


def added_to(before: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return an evaluation with the results of an earlier one that it did not measure anew, `kept`.

    Every metric keeps the state that it was measured on, as `metrics[NAME]["of"]`; notes name those of another state.
    """
    state, metrics = state_of(now), {name: {**score, "of": state_of(now)} for name, score in now["metrics"].items()}
    kept = {name: {"of": state_of(before), **score} for name, score in _mapping(before.get("metrics")).items()
            if name not in metrics and isinstance(score, Mapping)}
    result = {**before, **now, "metrics": {**kept, **metrics}}
    for key in NESTED:
        result[key] = {**_mapping(before.get(key)), **_mapping(now.get(key))}
    for key in ("arms", "intervals"):
        result[key] = {arm: {**{name: r for name, r in _mapping(_mapping(before.get(key)).get(arm)).items()
                                if name in kept}, **now[key].get(arm, {})}
                       for arm in dict.fromkeys([*now[key], *_mapping(before.get(key))])}
    result["notes"] = [*now["notes"], *_of_another_state(kept, state)]
    return {**result, "kept": list(kept)}


def fitted(result: dict[str, Any], most: int = LARGEST) -> dict[str, Any]:
    """Return an evaluation that its readers can read: where it is larger, without the longest details of metrics.

    Scores and all other plain values stay, and notes name the metrics whose details are left out.
    """
    while len(to_json(result, indent=1).encode()) > most - SPARE:
        parts = {**_mapping(result.get("arms")), "": _mapping(result.get("data"))}
        sizes: dict[str, int] = {}
        for part in parts.values():
            for name, found in part.items():
                sizes[name] = sizes.get(name, 0) + len(to_json(found)) - len(to_json(_short(found)))
        longest = max(sizes, key=lambda name: sizes[name], default="")
        if not sizes.get(longest, 0):
            return result
        parts = {arm: {name: _short(found) if name == longest else found for name, found in part.items()}
                 for arm, part in parts.items()}
        data = parts.pop("")
        note = f"{longest}: its details are left out, {size_text(sizes[longest])} of at most {size_text(most)} in all"
        result = {**result, "arms": parts, **({"data": data} if "data" in result else {}),
                  "notes": [*result.get("notes", []), note]}
    return result


def _short(found: Any) -> Any:
    """Return a result without its lists and maps."""
    return {k: v for k, v in found.items() if not isinstance(v, Mapping | list | tuple)} if isinstance(
        found, Mapping) else [] if isinstance(found, list | tuple) else found


def _of_another_state(kept: Mapping[str, Mapping[str, Any]], state: Mapping[str, Any]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name, score in kept.items():
        of = _mapping(score.get("of"))
        other = [f"{key} {of.get(key)}, now {state[key]}" for key in state if of.get(key) != state[key]]
        if other:
            groups.setdefault("; ".join(other), []).append(name)
    return [f"measured earlier, on another state: {', '.join(names)} ({why})" for why, names in groups.items()]


def _mapping(v: Any) -> Mapping[str, Any]:
    return v if isinstance(v, Mapping) else {}
