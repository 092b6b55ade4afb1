"""Runs of a small game with a critic, a millisecond a step, and what they left."""

from __future__ import annotations

from typing import Any

import torch

from unbraid.runs import Run, checkpoint
from unbraid_configs import make_recipe

RECIPE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"x1, x2": {}}, "batch": 4, "workers": 0},
    "code": {"chunk": "3 x 4"},
    "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]},
                 "generator": {"type": "mlp_generator", "hidden": [8]},
                 "critic": {"type": "mlp_critic", "hidden": [8]}},
    "flow": {"f1": "encoder(x1)", "mask": "mixing.random_mask()",
             "x3": "generator(mix(f1, encoder(x2), mask))"},
    "players": {
        "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x1), critic(x3))"}},
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
            "rebuild": "10 * mse(generator(f1), x1)", "realism": "ramp(over=10) * gan.fool(critic(x3))"}}},
    "watch": {"size": "mean(x3)"},
    "functions": {"encode(x)": "encoder(x)", "decode(f)": "generator(f)"},
    "train": {"steps": 20, "log_every": 5, "checkpoint_every": 7, "picture_every": 10, "tensorboard": False},
}


def recipe(*overrides: str, **changes: Any) -> Any:
    return make_recipe({**RECIPE, **changes}, overrides)


def tensors(run: Run, step: int | None = None) -> dict[str, torch.Tensor]:
    path = run.last_checkpoint() if step is None else checkpoint.steps(run.checkpoints)[step]
    assert path is not None
    return checkpoint.flat(checkpoint.read(path).groups)


def assert_equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def never_ended(run: Run) -> None:
    """Make a run's record that of a first session which was killed: it does not tell how it ended."""
    record = run.record()
    first = {name: value for name, value in record["sessions"][0].items() if name not in ("to_step", "exit", "ended")}
    run.write_record({**record, "sessions": [first]})
