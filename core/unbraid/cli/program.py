"""The click group of all commands. Each is imported when it is called, and all share some options."""

from __future__ import annotations

import copy
import importlib
import itertools
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from unbraid.cli.commands import COMMANDS, INDEX
from unbraid.cli.session import Session
from unbraid_registry import closest, load_foreign, load_plugin
from unbraid_registry.terminal import echo


class Program(click.Group):
    """A group that imports a command when it is called, and loads only the bundled plugin that contributes it.

    For a name that is not in the index, it loads all plugins that are not bundled.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of this distribution's commands in the order of the help."""
        return list(INDEX)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name, with the shared options, or None."""
        plugin, _ = INDEX.get(cmd_name, (None, ""))
        if plugin == "":
            found = importlib.import_module(f"unbraid.cli.{cmd_name}").command
        else:
            found = (bundled_commands(ctx, plugin) if plugin else foreign_commands(ctx)).get(cmd_name)
        return None if found is None else with_shared_options(found)

    def resolve_command(self, ctx: click.Context, args: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, also of a plugin file that is named after it; for an unknown name, suggest the nearest."""
        if args[0] not in INDEX:
            words = [w for arg in args for w in (arg.split("=", 1) if arg.startswith("--plugin=") else [arg])]
            ctx.ensure_object(Session).files += [Path(w) for o, w in itertools.pairwise(words) if o == "--plugin"]
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0] in INDEX:
                raise click.UsageError(f"the command {args[0]!r} is of the plugin {INDEX[args[0]][0]!r}, which is not "
                                       "loaded: see unbraid plugins", ctx) from error
            if near := closest(args[0], [*INDEX, *foreign_commands(ctx)]):
                raise click.UsageError(f"there is no command {args[0]!r}; {near}", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of the index by section, then those of other plugins, which are loaded for this."""
        others = {name: command.get_short_help_str(80) for name, command in foreign_commands(ctx).items()}
        width = max(map(len, (*INDEX, *others)))
        off = {p.name for p in load_foreign().plugins if p.status == "blocked"}
        sections = {title: {name: summary for name, (plugin, summary) in group.items() if plugin not in off}
                    for title, group in COMMANDS.items()}
        for title, group in {**sections, "Other plugins": others}.items():
            if group:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), summary) for name, summary in group.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command.  Where one of ours exits, a plugin's code called sys.exit or the like: raise RuntimeError."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            if ctx.invoked_subcommand not in INDEX:
                raise
            what = f"it called sys.exit({error.code!r})" if isinstance(error, SystemExit) else (
                f"{type(error).__name__}: {error}")
            raise RuntimeError(what).with_traceback(error.__traceback__) from error


def bundled_commands(ctx: click.Context, plugin: str) -> dict[str, click.Command]:
    """Return the commands of one bundled plugin without loading any other."""
    ctx.ensure_object(Session).configure()
    return {command.name: command for command in load_plugin(plugin).call_one(plugin, "unbraid_commands") or ()}


def foreign_commands(ctx: click.Context) -> dict[str, click.Command]:
    """Return the commands of plugins that are not bundled, by name; skip those that have a name of ours."""
    ctx.ensure_object(Session).configure()
    found: dict[str, click.Command] = {}
    registry = load_foreign()
    for plugin in [p.name for p in registry.plugins if not p.bundled]:
        with redirect_stdout(sys.stderr):
            commands = registry.call_one(plugin, "unbraid_commands") or ()
        for command in commands if isinstance(commands, Iterable) else [commands]:
            if not isinstance(command, click.Command) or not command.name or command.name in INDEX:
                echo(f"plugin {plugin!r}: {getattr(command, 'name', command)!r} can't be a command; expected a "
                            "click command with a name of its own", fg="yellow", err=True)
            else:
                found.setdefault(command.name, command)
    return found


def with_shared_options(command: click.Command) -> click.Command:
    """Return a copy of a command that takes the shared options too."""
    shared = copy.copy(command)
    shared.params = [*command.params, *shared_options(hidden=True)]
    paths = [name for p in command.params if isinstance(p.type, click.Path) for name in p.opts]

    def make_context(name: str | None, args: list[str], **more: Any) -> click.Context:
        for before, arg in zip(["", *args], args, strict=False):
            if (before in paths and not arg) or (arg.removesuffix("=") in paths and arg.endswith("=")):
                raise click.UsageError(f"{before if not arg else arg[:-1]} is empty: it would be the working folder")
        return type(command).make_context(shared, name, args, **more)

    shared.make_context = make_context             # type: ignore[method-assign, assignment]
    return shared


def shared_options(hidden: bool) -> list[click.Option]:
    """Return the options that may stand before the command or after it."""
    def note(field: str) -> Any:
        def callback(ctx: click.Context, _: click.Parameter, given: Any) -> None:
            session = ctx.ensure_object(Session)
            if isinstance(given, tuple):
                getattr(session, field).extend(given)
            elif given:
                setattr(session, field, given)
            if given:
                session.configure()

        return callback

    def option(*names: str, field: str, **more: Any) -> click.Option:
        return click.Option((*names, f"shared_{field}"), callback=note(field), expose_value=False, hidden=hidden,
                            is_eager=True, **more)         # so that --help, eager too, knows the plugins before it

    return [
        option("--plugin", field="files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
               help="Load a single-file plugin; may be given several times."),
        option("--no-plugin", field="block", multiple=True, metavar="NAME", help="Leave out a plugin."),
        option("--strict", field="strict", is_flag=True, help="Stop at the first problem with a plugin."),
        option("--follow-links", field="follow_links", is_flag=True,
               help="Follow links that leave a run's or a study's folder: for your own checkpoints on another disk."),
        option("--traceback", field="traceback", is_flag=True, help="Show the traceback of an unexpected error."),
    ]


@click.group(cls=Program, params=shared_options(hidden=False), invoke_without_command=True,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, help="Show the version.")
@click.pass_context
def program(ctx: click.Context, version: bool) -> None:
    """Take images apart into the factors that made them, and put them together again.

    New here?  unbraid demo
    """
    if version:
        import unbraid

        echo(f"unbraid {unbraid.__version__}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        echo(ctx.get_help())


def one_of(given: str, known: Iterable[str] | Mapping[str, Any], what: str) -> str:
    """Return a name if it is known; otherwise raise a usage error that suggests the nearest."""
    known = list(known)
    if given in known:
        return given
    raise click.BadParameter(f"no {what} {given!r}; {closest(given, known) or 'there is ' + ', '.join(known)}")
