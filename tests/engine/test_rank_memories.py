"""What image pools remember on every rank: kept in the checkpoint, given back to each, dealt out to another number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from real_ranks import Ranks

from unbraid.engine import distributed, state as memories, train
from unbraid.runs import Run, checkpoint
from unbraid_configs import Recipe, make_recipe


def recipe(*overrides: str) -> Recipe:
    return make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "batch": 4, "workers": 0},
        "code": {"z": 4},
        "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]},
                     "generator": {"type": "mlp_generator", "hidden": [8]},
                     "critic": {"type": "mlp_critic", "hidden": [8]}, "pool": {"type": "image_pool", "size": 6}},
        "flow": {"y": "generator(encoder(x))"},
        "players": {"critic": {"trains": "critic", "minimizes": {
            "realism": "gan.tell_apart(critic(x), critic(pool(y)))"}},
            "all": {"trains": ["encoder", "generator"], "minimizes": {
                "rebuild": "mse(y, x)", "realism": "gan.fool(critic(y))"}}},
        "train": {"steps": 6, "tensorboard": False, "picture_every": 1000, "average": 0.9}}, overrides)


def together(rank: int, out: Path, steps: int, resume: bool) -> None:
    train(recipe(f"train.steps={steps}"), out, resume=resume)


def trained(world: int, out: Path, steps: int, *, resume: bool = False) -> dict[str, torch.Tensor]:
    ranks = Ranks.start(world, out.with_name(f"{out.name}-{world}-{steps}"), together, [out] * world, [steps] * world,
                        [resume] * world)
    try:
        assert ranks.wait(90) == [0] * world, ranks.said()
    finally:
        ranks.end()
    path = Run(out).last_checkpoint()
    assert path is not None
    return checkpoint.flat(checkpoint.read(path).groups)


def test_two_ranks_go_on_bit_for_bit_where_they_stopped(tmp_path: Path) -> None:
    whole = trained(2, tmp_path / "whole", 6)
    trained(2, tmp_path / "cut", 3)
    cut = trained(2, tmp_path / "cut", 6, resume=True)
    assert whole.keys() == cut.keys()
    for name in whole:
        assert torch.equal(whole[name], cut[name]), name
    assert not torch.equal(whole["networks/pool/stored0"], whole["memories/1/pool/stored0"]), "each has its own"
    drawn = {round(255 * float(v), 3) for v in whole["networks/pool/stored0"].flatten()}
    assert len(drawn) > 1, "there is something in it"


@pytest.mark.parametrize(("former", "now"), [(1, 2), (2, 1), (2, 3), (3, 2)])
def test_memories_are_dealt_out_round_robin(former: int, now: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from unbraid.data import open_data
    from unbraid.model import build_method

    r = recipe()
    method = build_method(r, open_data(r.data).facts)
    pool: Any = method.modules["pool"]

    def of(rank: int) -> dict[str, torch.Tensor]:
        return {name: torch.full_like(t, rank) for name, t in pool.state_dict().items()}

    kept = {f"{rank}/pool/{name}": t for rank in range(1, former) for name, t in of(rank).items()}
    for rank in range(now):
        pool.load_state_dict(of(0))                # rank 0's are among the weights of the networks
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        memories.scatter_ranks(method, kept, "a checkpoint")
        assert int(pool.seen) == rank % former
