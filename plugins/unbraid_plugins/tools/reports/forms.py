"""The forms of evaluation.json and probe.json, as a report and a study read them."""

from __future__ import annotations

from unbraid_registry.files import Anything, Each, Fields, Listed, Maybe

_RESULT = Fields({"score": Maybe(float)})           # and the other parts of a metric's result
_TOLD = Fields({"summary": str, "better": str, "cost": float})
_PART = Fields({"source": str, "split": str, "images": int}, ("source", "split", "images"))
_MEANS = Fields({"mean": Listed(Maybe(float), 100), "std": Maybe(Listed(Maybe(float), 100))}, ("mean",))
EVALUATION = Fields({
    "format": int, "title": str, "step": int, "images": int, "seed": int, "split": str, "source": str,
    "factors": Each(int, 1000), "arms": Each(Each(_RESULT, 500), 50), "data": Each(Anything(), 500),
    "intervals": Each(Each(Listed(Maybe(float), 2), 500), 50), "metrics": Each(_TOLD, 500), "notes": Listed(str, 1000),
    "hooks": Each(Anything(), 500), "options": Listed(str, 50), "pictures": Each(str, 500)}, ("arms",))
PROBE = Fields({
    "format": int, "title": str, "step": int, "fitted_on": _PART, "judged_on": _PART,
    "labels": Listed(Anything(), 100), "draws": int, "factors": Each(Fields({"classes": int, "chance": float}), 1000),
    "representations": Each(Fields({"kind": str, "numbers": int}), 1000),
    "accuracy": Each(Each(Each(_MEANS, 1000), 1000), 10), "notes": Listed(str, 1000)},
    ("format", "fitted_on", "judged_on", "labels", "factors", "representations", "accuracy"))
