"""Heads of encoders and critics: from features to a code, a Gaussian or scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Code, Context, Gaussian, Layout, Record, UnbraidError
from unbraid_plugins.shared.convnets.layers import with_first_weights

Bound = Literal["none", "tanh", "unit"]


class Bounded(nn.Module):
    """A code in a bounded range: each number in (-1, 1) by tanh, or each factor of length 1 by L2 normalisation."""

    def __init__(self, bound: Bound, sizes: list[int]) -> None:
        super().__init__()
        self.bound, self.sizes = bound, sizes

    def forward(self, code: Tensor) -> Tensor:
        """(B, D) -> (B, D)."""
        if self.bound == "tanh":
            return code.tanh()
        if self.bound == "unit":
            return torch.cat([functional.normalize(part, dim=1) for part in code.split(self.sizes, 1)], 1)
        return code

    def extra_repr(self) -> str:
        """Return the name of the range."""
        return self.bound


class CodeHead(nn.Module):
    """One linear layer.  (B, features) -> (B, D), a Gaussian over it, or a Record.

    gaussian: False for a code, True for a Gaussian over the whole code, or a factor's name.
    code_norm: batch normalisation of the code.
    bound: the range of the code; see `Bounded`.

    A factor's name gives a Record with a Gaussian for this factor and a Code for each other. The logarithm of the
    variance starts near 0.
    """

    def __init__(self, features: int, context: Context, gaussian: bool | str, *, code_norm: bool = False,
                 bound: Bound = "none") -> None:
        super().__init__()
        self.layout: Layout = context.code
        self.gaussian = gaussian
        if gaussian and (code_norm or bound != "none"):
            raise UnbraidError(f"{context.name}: a Gaussian code is compared with N(0, I); it is neither normalised "
                               "nor bounded", hint="set  code_norm: false, bound: none  or  gaussian: false")
        if not self.layout.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="add for example  code: {z: 10}")
        if isinstance(gaussian, str) and gaussian not in self.layout:
            raise UnbraidError(f"{context.name}: gaussian: {gaussian!r} is no factor of its code",
                               hint=f"the factors are {', '.join(self.layout.all_names)}; true takes all")
        self.mean = with_first_weights(nn.Linear(features, self.layout.size))
        ends = [nn.BatchNorm1d(self.layout.size)] * code_norm + [Bounded(bound, self.layout.sizes)] * (bound != "none")
        self.ends = nn.Sequential(*ends)
        chosen = self.layout.select([gaussian]) if isinstance(gaussian, str) else self.layout
        self.logvar = nn.Linear(features, chosen.size) if gaussian else None
        if self.logvar is not None:
            nn.init.normal_(self.logvar.weight, std=0.01)
            nn.init.zeros_(self.logvar.bias)
        # a group of parts stays together, unless just one of its parts is Gaussian
        divided = {p.group for p in chosen.parts if p.group != gaussian}
        self.others = tuple(dict.fromkeys(p.name if not p.group or p.group in divided else p.group
                                          for p in self.layout.parts if p not in chosen.parts))

    def forward(self, features: Tensor) -> Any:
        """Return the code of features (B, features)."""
        mean = self.mean(features)
        if self.logvar is None:
            return self.ends(mean)
        logvar = self.logvar(features)
        if not isinstance(self.gaussian, str):
            return Gaussian(mean, logvar)
        whole = Code(mean, self.layout)
        parts: dict[str, Any] = {name: whole.part(name) for name in self.others}
        return Record({**parts, self.gaussian: Gaussian(whole.part(self.gaussian), logvar)})


def names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


class ScoreHeads(nn.Module):
    """One linear layer per answer.  (B, features) -> scores (B, 1); with heads a Record: score, and logits per label.

    heads: labelled factors of the data; each gets (B, classes) logits under its name.
    """

    def __init__(self, features: int, context: Context, heads: tuple[str, ...]) -> None:
        super().__init__()
        for h in heads:
            if h not in context.factors:
                known = ", ".join(context.factors) or "none"
                raise UnbraidError(f"{context.name}: heads: the data has no labelled factor {h!r}",
                                   hint=f"labelled factors: {known}")
        if "score" in heads:
            raise UnbraidError(f"{context.name}: heads: 'score' is the name of the realism score itself",
                               hint="rename the factor in the source, for example  rename: {score: rating}")
        self.names = ("score", *heads)
        sizes = (1, *(context.factors[h] for h in heads))
        self.answers = nn.ModuleList(nn.Linear(features, size) for size in sizes)

    def forward(self, features: Tensor) -> Any:
        """Return the answers to features (B, features)."""
        answers = [a(features) for a in self.answers]
        return answers[0] if len(answers) == 1 else Record(dict(zip(self.names, answers, strict=True)))
