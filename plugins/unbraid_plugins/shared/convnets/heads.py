"""Heads of encoders and critics: from features to a code, a Gaussian or scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from unbraid import Code, Context, Gaussian, Layout, Record, UnbraidError
from unbraid_plugins.shared.convnets.layers import with_first_weights


class CodeHead(nn.Module):
    """One linear layer.  (B, features) -> (B, D), a Gaussian over it, or a Record.

    gaussian: False for a code, True for a Gaussian over the whole code, or a factor's name.

    A factor's name gives a Record with a Gaussian for this factor and a Code for each other. The logarithm of the
    variance starts near 0.
    """

    def __init__(self, features: int, context: Context, gaussian: bool | str) -> None:
        super().__init__()
        self.layout: Layout = context.code
        self.gaussian = gaussian
        if not self.layout.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="add for example  code: {z: 10}")
        if isinstance(gaussian, str) and gaussian not in self.layout:
            raise UnbraidError(f"{context.name}: gaussian: {gaussian!r} is no factor of its code",
                               hint=f"the factors are {', '.join(self.layout.all_names)}; true takes all")
        self.mean = with_first_weights(nn.Linear(features, self.layout.size))
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
            return mean
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
