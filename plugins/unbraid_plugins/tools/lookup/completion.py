"""`unbraid completion`: a script for the shell that completes commands, recipes, components, runs and factors."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from unbraid_registry.terminal import echo

BASH = """\
_unbraid() {{
    local IFS=$'\\n' word="${{COMP_WORDS[COMP_CWORD]}}"
    COMPREPLY=($({ask} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null))
    [ -n "$COMPREPLY" ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _unbraid unbraid
"""
ZSH = """\
#compdef unbraid
_unbraid() {{
    local -a found
    found=("${{(@f)$({ask} "${{(@)words[2,$CURRENT]}}" 2>/dev/null)}}")
    if [[ -n "${{found[1]}}" ]]; then compadd -- "${{found[@]}}"; else _files; fi
}}
compdef _unbraid unbraid
"""
FISH = """\
function __unbraid_answers
    set -l words (commandline -opc) (commandline -ct)
    {ask} $words[2..-1] 2>/dev/null
end
complete -c unbraid -a '(__unbraid_answers)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)), metavar="bash|zsh|fish")
def command(shell: str) -> None:
    """Print a script that completes commands, recipes, components, runs and factors.

    \b
    eval "$(unbraid completion bash)"       # in ~/.bashrc
    eval "$(unbraid completion zsh)"        # in ~/.zshrc, after compinit
    unbraid completion fish | source        # in ~/.config/fish/config.fish
    """
    from unbraid_plugins.tools.lookup import kept

    ask = f"{shlex.quote(sys.executable)} -P {shlex.quote(str(Path(kept.__file__).resolve()))}"
    echo(SCRIPTS[shell].format(ask=ask), nl=False)
