"""Training loops as one would write them: the same mathematics, networks and optimizers as the engine's recipes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unbraid.engine import Training
from unbraid.values import Code, mix

CRITIC_TURNS, CLIP = 5, 0.01                       # of the WGAN


class Hand:
    """What every loop needs: networks like the training's, and batches of its images."""

    def __init__(self, training: Training) -> None:
        self.method, self.batch, self.device = training.method, training.recipe.data.batch, training.players.device
        self.nets = copy.deepcopy(self.method.modules)
        for net in self.nets.values():
            net.requires_grad_(True)
        images = (training.data.images(training.data.rows("train")) * 255).round().to(torch.uint8)
        self.images = images.to(self.device)
        self.like = training.recipe.train.optimizer

    def adam(self, *names: str) -> torch.optim.Adam:
        """Adam as the recipe has it, fused."""
        return torch.optim.Adam(self.weights(*names), lr=float(self.like.lr.text), betas=self.like.betas, fused=True)

    def weights(self, *names: str) -> list[nn.Parameter]:
        """The weights of some networks."""
        return [w for name in names for w in self.nets[name].parameters()]

    def draw(self, count: int = 1) -> tuple[Tensor, ...]:
        """Batches of images in [0, 1]."""
        rows = torch.randint(0, len(self.images), (count * self.batch,), device=self.device)
        return (self.images.index_select(0, rows).float() / 255).chunk(count)


def mixing(hand: Hand) -> Callable[[], None]:
    """A step of Hu et al. 2018."""
    encoder, generator, critic, classifier = (hand.nets[n] for n in ("encoder", "generator", "critic", "classifier"))
    of_critic, of_others = hand.adam("critic"), hand.adam("encoder", "generator", "classifier")
    layout = hand.method.layout

    def mixed(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        return generator(mix(Code(a, layout), Code(b, layout), mask).tensor)

    def step() -> None:
        x1, x2 = hand.draw(2)
        f1, f2 = encoder(x1), encoder(x2)
        mask = (torch.rand(hand.batch, len(layout.parts), device=hand.device) < 0.5).float()
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


def beta_vae(hand: Hand) -> Callable[[], None]:
    """A step of Higgins et al. 2017."""
    encoder, generator = hand.nets["encoder"], hand.nets["generator"]
    adam = hand.adam("encoder", "generator")

    def step() -> None:
        x, = hand.draw()
        q = encoder(x)
        z = q.mean + (0.5 * q.logvar).exp() * torch.randn_like(q.mean)
        rebuild = F.binary_cross_entropy_with_logits(generator(z), x, reduction="sum") / len(x)
        prior = 0.5 * (q.mean.square() + q.logvar.exp() - q.logvar - 1).sum() / len(x)
        adam.zero_grad(set_to_none=True)
        (rebuild + 4 * prior).backward()
        adam.step()

    return step


def wgan(hand: Hand) -> Callable[[], None]:
    """A step of Arjovsky et al. 2017: five turns of the critic, its weights clipped after each, and the generator's."""
    generator, critic = hand.nets["generator"], hand.nets["critic"]
    of_critic, of_generator = hand.adam("critic"), hand.adam("generator")
    size = hand.method.layout.size

    def step() -> None:
        for turn in range(CRITIC_TURNS):
            x, = hand.draw()
            with torch.set_grad_enabled(turn == CRITIC_TURNS - 1):         # the last is the generator's, too
                made = generator(torch.randn(hand.batch, size, device=hand.device))
            of_critic.zero_grad(set_to_none=True)
            (critic(made.detach()).mean() - critic(x).mean()).backward()
            of_critic.step()
            with torch.no_grad():
                for w in critic.parameters():
                    w.clamp_(-CLIP, CLIP)
        of_generator.zero_grad(set_to_none=True)
        (-critic(made).mean()).backward()
        of_generator.step()

    return step


LOOPS: dict[str, Callable[[Hand], Callable[[], None]]] = {"beta-vae": beta_vae, "mixing": mixing, "wgan": wgan}
