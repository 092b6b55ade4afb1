"""The time of compiled networks, forwards and backwards, over that of the same networks as they are.

    OMP_NUM_THREADS=1 python tests/benchmarks/compiled_networks.py

Both play in turns, with channels last. The last column is what `train.compile` does with them on this device.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable
from typing import Any

import torch
from side_by_side import alternate
from torch import Tensor, nn

from unbraid import Context, Layout
from unbraid.engine.compile import worth_compiling
from unbraid.values import Part, tensors
from unbraid_plugins.papers.mixing import ChunkClassifier, Critic, Encoder, Generator
from unbraid_plugins.papers.vae.locatello import StudyEncoder, StudyGenerator
from unbraid_plugins.shared.convnets import (
    ConvEncoder,
    ConvGenerator,
    MlpEncoder,
    MlpGenerator,
    ResEncoder,
    ResGenerator,
)

CODE = Layout(tuple(Part(f"chunk{i}", 8) for i in range(8)))
NORMS = ("none", "batch", "instance")


def networks() -> dict[str, tuple[Any, list[Tensor]]]:
    """What is built, and what it is called with."""
    image, code = torch.rand(32, 3, 32, 32), torch.randn(32, CODE.size)
    found: dict[str, tuple[Any, list[Tensor]]] = {}
    for norm in NORMS:
        for of, given in ((ConvEncoder, image), (ConvGenerator, code), (ResEncoder, image), (ResGenerator, code)):
            found[f"{of.__name__}, norm {norm}"] = of(width=16, norm=norm), [given]
    return found | {
        "MlpEncoder": (MlpEncoder(), [image]), "MlpGenerator": (MlpGenerator(), [code]),
        "StudyEncoder": (StudyEncoder(), [torch.rand(64, 3, 64, 64)]), "StudyGenerator": (StudyGenerator(), [code]),
        "mixing.Encoder": (Encoder(width=16), [image]), "mixing.Generator": (Generator(width=16), [code]),
        "mixing.Critic": (Critic(width=16), [image]), "ChunkClassifier": (ChunkClassifier(width=16), [image] * 3)}


def played(network: nn.Module, given: list[Tensor]) -> Callable[[], object]:
    """A pass forwards and one backwards, to the weights and to the first input."""
    first = given[0].clone().requires_grad_()

    def play() -> object:
        loss = sum(t.square().mean() for t in tensors(network(first, *given[1:])))
        return torch.autograd.grad(loss, [*network.parameters(), first])

    return play


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, (network, given) in networks().items():
        meta = tuple(v[:2].to("meta") for v in given)
        eager = network.build(Context(name=name, image=(3, 32, 32), code=CODE), *meta)
        eager = eager.to(memory_format=torch.channels_last)
        compiled = copy.deepcopy(eager)
        torch.compiler.reset()
        compiled.compile()
        seconds = alternate({"eager": played(eager, given), "compiled": played(compiled, given)}, rounds=options.rounds,
                            calls=2)
        own, others = (statistics.median(s) for s in seconds.values())
        chosen = "compiled" if worth_compiling(eager, meta, given[0].device) else "eager"
        print(f"{name:32}{1000 * own:8.2f} ms{others / own:8.3f}   {chosen}", flush=True)


if __name__ == "__main__":
    main()
