"""The options of `unbraid evaluate` that a file, such as a study, may hold, each with its type.

A file may come from an untrusted place. So a parser that knows only these options reads its texts, and the command
line is written anew from the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import click

from unbraid.cli import DEVICE
from unbraid_registry import UnbraidError

FILE, EVALUATING = "evaluation.json", ".evaluating"             # the lock of an evaluation
OPTIONS = ("protocol", "metrics", "images", "source", "seed", "device", "report")
PARAMETERS: tuple[Callable[[Any], Any], ...] = (
    click.option("--protocol", default="quick", show_default=True, metavar="quick|study",
                  help="quick: a few thousand images; study: the counts of Locatello et al. 2019."),
    click.option("--metrics", metavar="NAME,NAME", help="Only these (unbraid list metric), and what they ask for."),
    click.option("--images", type=click.IntRange(2), help="At most so many test images (default: the protocol's)."),
    click.option("--source", metavar="NAME", help="The source that is measured on (default: the first draw's)."),
    click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2 ** 32 - 1),
                 help="Of what is random in the metrics."),
    click.option("--report/--no-report", default=True, show_default=True, help="Whether to write reports, as HTML."),
    DEVICE,
)


def evaluation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an evaluation."""
    for option in reversed(PARAMETERS):
        function = option(function)
    return function


@attrs.frozen
class EvaluationOptions:
    """Options of an evaluation that differ from the command's defaults; see `unbraid evaluate --help`."""

    protocol: str | None = None
    metrics: str | None = None
    images: int | None = None
    source: str | None = None
    seed: int | None = None
    device: str | None = None
    report: bool | None = None

    @classmethod
    def of(cls, texts: Sequence[str], where: str) -> EvaluationOptions:
        """Parse the texts of a command line.  Raises UnbraidError, whose message begins with `where`."""
        known = click.command(evaluation_options(lambda **_: None)).params
        parser = click.Command("evaluate", params=known, add_help_option=False)
        try:
            with parser.make_context("evaluate", list(texts)) as context:
                return cls.given(context)
        except click.UsageError as error:
            allowed = ", ".join(option for p in known for option in (*p.opts, *p.secondary_opts))
            raise UnbraidError(f"{where}: {error.format_message()}", hint=f"a study may give {allowed}") from None

    @classmethod
    def given(cls, context: click.Context) -> EvaluationOptions:
        """Return the options that a command line gave, of those that a study may hold."""
        return cls(**{name: value for name, value in context.params.items() if name in OPTIONS
                      and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE})

    @property
    def options(self) -> list[str]:
        """The options as texts for a command line, each with its value in the same text."""
        given = attrs.asdict(self, filter=lambda _, value: value is not None and not isinstance(value, bool))
        flags = [] if self.report is None else ["--report" if self.report else "--no-report"]
        return [*(f"--{name}={value}" for name, value in given.items()), *flags]
