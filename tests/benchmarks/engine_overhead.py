"""What the engine costs over a hand-written loop of the same mathematics (mixing-sprites).

    OMP_NUM_THREADS=1 python tests/benchmarks/engine_overhead.py --batch 32

Both play on the same machine in turns of four steps; the ratio of the medians is what counts.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from unbraid.code import Code, mix
from unbraid.data import open_data
from unbraid.method import bring_to_life
from unbraid.players import Players
from unbraid_configs import load_recipe

STEPS = 4                                          # in a row, before the other one plays


def hand_loop(players: Players, images: torch.Tensor, batch: int) -> Callable[[], None]:
    """A step of mixing, as one would write it."""
    layout = players.method.layout
    nets = copy.deepcopy(players.method.modules)
    for net in nets.values():
        net.requires_grad_(True)
    encoder, generator, critic, classifier = (nets[n] for n in ("encoder", "generator", "critic", "classifier"))
    adam = {"lr": 2e-3, "betas": (0.5, 0.999), "fused": True}
    of_critic = torch.optim.Adam(critic.parameters(), **adam)
    of_others = torch.optim.Adam([w for net in (encoder, generator, classifier) for w in net.parameters()], **adam)

    def mixed(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return generator(mix(Code(a, layout), Code(b, layout), mask).tensor)

    def step() -> None:
        x1, x2 = (images[torch.randint(0, len(images), (2 * batch,))].float() / 255).chunk(2)
        f1, f2 = encoder(x1), encoder(x2)
        mask = (torch.rand(batch, len(layout.parts)) < 0.5).float()
        x3 = mixed(f1, f2, mask)
        of_critic.zero_grad(set_to_none=True)
        (F.softplus(-critic(x1)).mean() + F.softplus(critic(x3.detach())).mean()).backward()
        of_critic.step()
        x4 = mixed(encoder(x3), f1, mask)
        loss = (400 * F.mse_loss(x4, x1) + 400 * F.mse_loss(generator(f2), x2) + F.softplus(-critic(x3)).mean()
                + F.binary_cross_entropy_with_logits(classifier(x1, x2, x3), mask))
        of_others.zero_grad(set_to_none=True)
        loss.backward()
        of_others.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    recipe = load_recipe("mixing-sprites", [f"data.batch={options.batch}"])
    data = open_data(recipe.data)
    players = Players(bring_to_life(recipe, data.facts), data.batch, torch.device("cpu"))
    images = (data.images(data.rows("train")) * 255).round().to(torch.uint8)
    by_hand = hand_loop(players, images, options.batch)
    seconds: dict[str, list[float]] = {"engine": [], "by hand": []}
    number = 0
    for round_ in range(options.rounds + 1):
        for name in seconds:
            began = time.perf_counter()
            for _ in range(STEPS):
                if name == "engine":
                    players.step(number)
                    number += 1
                else:
                    by_hand()
            if round_ > 0:                         # the first round warms up
                seconds[name].append((time.perf_counter() - began) / STEPS)
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<8} {1000 * median:.2f} ms a step")
    print(f"ratio    {medians['engine'] / medians['by hand']:.3f}")


if __name__ == "__main__":
    main()
