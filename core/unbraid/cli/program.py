"""The program: its commands, each imported when it is called, and the options that all of them share.

A command of a bundled plugin has a line in the table too, without a module: so the help names it and loads no plugin.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from unbraid.cli.session import Session

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("demo", "Train a small model on built-in data and show what it learned."),
        "doctor": ("doctor", "Check the installation: versions, devices, OpenGL, plugins."),
    },
    "Recipes": {
        "list": ("listing", "List recipes and components."),
        "show": ("show", "Show a recipe as it is resolved, with the origin of every value."),
        "check": ("check", "Check a recipe on its data without training."),
        "draw": ("draw", "Draw a method's figure."),
        "train": ("train", "Train a recipe."),
    },
    "Trained models": {
        "edit": ("edit", "Reconstruct, swap, mix or interpolate images."),
        "translate": ("translate", "Translate images from one domain to another."),
        "sample": ("sample", "Make new images, of factors that are chosen or drawn."),
        "traverse": ("traverse", "Move along the numbers of a code: an image's, or one from the prior."),
        "evaluate": ("evaluate", "Measure what models learned, beside controls."),
        "probe": ("probe", "Fit classifiers on frozen codes, with few labels and many."),
        "export": ("export", "Write a function as a program, or codes as a table."),
        "render": ("", "Draw a mesh, or one that a model made, as a picture, contact sheet or turntable."),
    },
    "Studies": {
        "sweep": ("sweep", "Train and evaluate a recipe at many points and over many seeds."),
        "compare": ("compare", "Compare runs over seeds, beside controls, and rank them without labels."),
    },
    "Plugins": {
        "plugins": ("plugins", "List plugins, where they are from and their problems."),
        "new-plugin": ("new_plugin", "Write a plugin package that is ready to install."),
    },
}


def _names() -> list[str]:
    return [name for group in COMMANDS.values() for name in group]


def _modules() -> dict[str, str]:
    """The commands of the core, and where they are."""
    return {name: module for group in COMMANDS.values() for name, (module, _) in group.items() if module}


class Program(click.Group):
    """A group whose commands are imported when they are asked for; plugins are loaded for an unknown name alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands of this distribution, in the order of the help."""
        return _names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name, a plugin's too."""
        module = _modules().get(cmd_name)
        if module is not None:
            return importlib.import_module(f"unbraid.cli.{module}").command
        return contributed(ctx).get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; for an unknown name, say which is the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0] in _names():
                raise click.UsageError(f"the command {args[0]!r} is a plugin's, which is not loaded: see unbraid "
                                       "plugins", ctx) from error
            near = get_close_matches(args[0], [*_names(), *contributed(ctx)], 1)
            if near:
                raise click.UsageError(f"there is no command {args[0]!r}; did you mean {near[0]!r}?", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by subject, from the table above: no command is imported for the help."""
        width = max(map(len, _names()))
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary) for name, (_, summary) in group.items()])


def contributed(ctx: click.Context) -> dict[str, click.Command]:
    """The commands of plugins, by name; one that has a name of ours is left out."""
    session = ctx.ensure_object(Session)
    session.configure()
    from unbraid_registry import registry

    found: dict[str, click.Command] = {}
    with redirect_stdout(sys.stderr):
        answers = registry().call_by_plugin("unbraid_commands")
    for plugin, commands in answers.items():
        for command in commands if isinstance(commands, Iterable) else [commands]:
            if not isinstance(command, click.Command) or not command.name or command.name in _modules():
                click.secho(f"plugin {plugin!r}: {getattr(command, 'name', command)!r} can't be a command; expected a "
                            "click command with a name of its own", fg="yellow", err=True)
            else:
                found.setdefault(command.name, command)
    return found


def shared(hidden: bool) -> list[click.Option]:
    """The options that may stand before the command or after it."""
    def note(field: str) -> Any:
        def callback(ctx: click.Context, _: click.Parameter, given: Any) -> None:
            session = ctx.ensure_object(Session)
            if isinstance(given, tuple):
                getattr(session, field).extend(given)
            elif given:
                setattr(session, field, given)

        return callback

    def option(*names: str, field: str, **more: Any) -> click.Option:
        return click.Option((*names, f"shared_{field}"), callback=note(field), expose_value=False, hidden=hidden,
                            **more)

    return [
        option("--plugin", field="files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
               help="Load a single-file plugin; may be given several times."),
        option("--no-plugin", field="block", multiple=True, metavar="NAME", help="Leave out a plugin."),
        option("--strict", field="strict", is_flag=True, help="Stop at the first problem with a plugin."),
        option("--traceback", field="traceback", is_flag=True, help="Show the traceback of an unexpected error."),
    ]


class Command(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared(hidden=True)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, with the plugins that were asked for."""
        ctx.ensure_object(Session).configure()
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:             # no command of ours ends by sys.exit: a plugin's code did
            what = f"it called sys.exit({error.code!r})" if isinstance(error, SystemExit) else type(error).__name__
            raise RuntimeError(f"{what}: {error}" if not isinstance(error, SystemExit) else what
                               ).with_traceback(error.__traceback__) from error


@click.group(cls=Program, params=shared(hidden=False), invoke_without_command=True,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, help="Show the version.")
@click.pass_context
def program(ctx: click.Context, version: bool) -> None:
    """Take images apart into the factors that made them, and put them together again.

    New here?  unbraid demo
    """
    if version:
        import unbraid

        click.echo(f"unbraid {unbraid.__version__}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def one_of(given: str, known: Iterable[str], what: str) -> str:
    """One of some names; raises a usage error with the nearest."""
    known = list(known)
    if given in known:
        return given
    near = get_close_matches(given, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known)}"
    raise click.BadParameter(f"no {what} {given!r}; {hint}")
