"""From features to a critic's answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from unbraid import Context, Record, UnbraidError


def names(given: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several, as several."""
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
        """The answers to these features, (B, features)."""
        answers = [a(features) for a in self.answers]
        return answers[0] if len(answers) == 1 else Record(dict(zip(self.names, answers, strict=True)))
