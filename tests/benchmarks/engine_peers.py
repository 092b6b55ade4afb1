"""The engine beside the trainers of pythae (beta-VAE, 64 x 64 images, batches of 64) and of Lightning (mixing).

    OMP_NUM_THREADS=2 python tests/benchmarks/engine_peers.py pythae --wall
    OMP_NUM_THREADS=1 python tests/benchmarks/engine_peers.py lightning --record      # docs/results/engine-peers.json

The peer is installed beside (`pip install pythae lightning`). After each of its steps the engine plays one with every
one of its settings, on images and networks of the same kind; the ratio of the medians counts. A user of the peer writes
torch's own transposed convolutions; the row "our networks" gives it those of the engine.
"""

from __future__ import annotations

import argparse
import copy
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping

import torch
from engine_overhead import steps, training
from loops_by_hand import Hand
from recording import record
from side_by_side import Clock, told
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from unbraid.values import Code, mix
from unbraid_plugins.shared.convnets.transposed import Enlarging

SETTINGS = {"engine": [], "channels last": ["train.channels_last=true"],
            "compiled": ["train.channels_last=true", "train.compile=true"],
            "bf16": ["train.channels_last=true", "train.precision=bf16"]}
WARM = 3
PEER, FASTER = "the peer, ms", "times as fast"
TABLES = {"main": {"corner": "a step", "rows": [], "columns": [
    {"title": PEER, "digits": 1, "form": "spread"},
    *({"title": f"{name}, {FASTER}", "digits": 2, "form": "spread"} for name in SETTINGS)]}}


class Between:
    """Measures the peer from the end of one step to that of the next, and plays the others in between."""

    def __init__(self, peer: str, plays: Mapping[str, Callable[[], object]], clock: Clock) -> None:
        self.peer, self.plays, self.clock = peer, plays, clock
        self.seconds: dict[str, list[float]] = {name: [] for name in (peer, *plays)}
        self.since = clock()

    def step_ended(self) -> None:
        """The peer has made a step."""
        self.seconds[self.peer].append(self.clock() - self.since)
        for name, play in self.plays.items():
            began = self.clock()
            play()
            self.seconds[name].append(self.clock() - began)
        self.since = self.clock()

    def counted(self) -> dict[str, list[float]]:
        """The seconds after the first steps."""
        return {name: own[WARM:] for name, own in self.seconds.items()}


def plain(net: nn.Module) -> nn.Module:
    """A copy of a network with torch's own layers, all of it trained."""
    net = copy.deepcopy(net).requires_grad_(True)
    for module in net.modules():
        if isinstance(module, Enlarging):
            module.__class__ = nn.ConvTranspose2d
    return net


def pythae(hand: Hand, rounds: int, between: Between) -> None:
    """pythae's BetaVAE and its trainer."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import BetaVAE, BetaVAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = hand.nets["encoder"]

        def forward(self, x: Tensor) -> ModelOutput:
            q = self.net(x)
            return ModelOutput(embedding=q.mean, log_covariance=q.logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = hand.nets["generator"]

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=torch.sigmoid(self.net(z)))

    class Told(TrainingCallback):
        def on_train_step_end(self, training_config: BaseTrainerConfig, **_: object) -> None:
            between.step_ended()

    images = hand.images[:hand.batch * (rounds + WARM)].float() / 255
    config = BetaVAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=10, beta=4.0, reconstruction_loss="bce")
    with tempfile.TemporaryDirectory() as folder:
        trainer = BaseTrainer(BetaVAE(config, Encoder(), Decoder()), BaseDataset(images, torch.zeros(len(images))),
                              training_config=BaseTrainerConfig(
                                  output_dir=folder, num_epochs=1, learning_rate=1e-4,
                                  per_device_train_batch_size=hand.batch), callbacks=[Told()])
        trainer.prepare_training()
        trainer.train_step(1)


def lightning(hand: Hand, rounds: int, between: Between) -> None:
    """Mixing as a LightningModule with two optimizers, which it has to move itself."""
    import lightning as light

    layout = hand.method.layout

    class Mixing(light.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.encoder, self.generator, self.critic, self.classifier = (
                hand.nets[n] for n in ("encoder", "generator", "critic", "classifier"))

        def mixed(self, a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
            return self.generator(mix(Code(a, layout), Code(b, layout), mask).tensor)

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [hand.adam("critic"), hand.adam("encoder", "generator", "classifier")]

        def training_step(self, batch: list[Tensor], _: int) -> None:
            of_critic, of_others = self.optimizers()
            x1, x2 = batch[0].chunk(2)
            f1, f2 = self.encoder(x1), self.encoder(x2)
            mask = (torch.rand(len(x1), len(layout.parts)) < 0.5).float()
            x3 = self.mixed(f1, f2, mask)
            of_critic.zero_grad()
            self.manual_backward(F.softplus(-self.critic(x1)).mean() + F.softplus(self.critic(x3.detach())).mean())
            of_critic.step()
            x4 = self.mixed(self.encoder(x3), f1, mask)
            rebuild = F.mse_loss(x4, x1) + F.mse_loss(self.generator(f2), x2)
            chunks = F.binary_cross_entropy_with_logits(self.classifier(x1, x2, x3), mask)
            of_others.zero_grad()
            self.manual_backward(400 * rebuild + F.softplus(-self.critic(x3)).mean() + chunks)
            of_others.step()

    class Told(light.Callback):
        def on_train_batch_end(self, *_: object) -> None:
            between.step_ended()

    loader = DataLoader(TensorDataset(hand.images.float() / 255), batch_size=2 * hand.batch, shuffle=True,
                        drop_last=True)
    trainer = light.Trainer(max_epochs=1000, max_steps=2 * (rounds + WARM), accelerator="cpu", logger=False,
                            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                            callbacks=[Told()])     # both optimizers' moves are its steps
    trainer.fit(Mixing(), loader)


PEERS = {"pythae": ("beta-vae", pythae), "lightning": ("mixing", lightning)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("settings", nargs="*", metavar="SETTING", help=f"of {', '.join(SETTINGS)}; by default all")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--runs", type=int, default=1, help="how often all is measured")
    parser.add_argument("--wall", action="store_true", help="by the wall's clock instead of the processor's")
    parser.add_argument("--record", action="store_true", help="write docs/results/engine-peers.json")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    method, peer = PEERS[options.peer]
    clock = time.perf_counter if options.wall else time.process_time
    plays = {name: steps(training(method, SETTINGS[name])) for name in options.settings or SETTINGS}
    how = f"{torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "a thread"
    rows: dict[str, dict[str, list[float]]] = {}
    for name, own in ((options.peer, False), (f"{options.peer}, our networks", True)) * options.runs:
        hand = Hand(training(method, []))
        if not own:
            hand.nets = {n: plain(net) for n, net in hand.nets.items()}
        between = Between(name, plays, clock)
        peer(hand, options.rounds, between)
        print(told(between.counted(), name), flush=True)
        step = {who: statistics.median(seconds) for who, seconds in between.counted().items()}
        row = rows.setdefault(f"{name}, {how}, {'wall' if options.wall else 'processor'}", {})
        row.setdefault(PEER, []).append(round(1000 * step[name], 2))
        for who in plays:
            row.setdefault(f"{who}, {FASTER}", []).append(round(step[name] / step[who], 3))
    if options.record:
        record("engine-peers", rows, {**TABLES, "main": {**TABLES["main"], "rows": list(rows)}})


if __name__ == "__main__":
    main()
