"""The processor time of commands that people wait for, beside another checkout of this project.

    OMP_NUM_THREADS=1 python tests/benchmarks/waiting.py --beside ../unbraid-before --rounds 5

Both checkouts run in this environment, each with its run, its caches and its bytecode, as after an installation. They
play in turns; seconds of processor (user and system), medians; evaluations run once. The first call of each other
command does not count. Equal scores are counted where both checkouts evaluated.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import attrs
from recording import record

ROOTS = ("registry", "configs", "core", "plugins")
TABLES = {"main": {"corner": "command", "rows": [], "columns": [
    {"title": "now, s", "of": "now", "digits": 2}, {"title": "before, s", "of": "before", "digits": 2},
    {"title": "ratio", "digits": 2}]}}
COMMANDS = ["list", "plugins", "show", "check", "evaluate", "compare"]
OVERRIDES = ("train.steps=60", "train.tensorboard=false", "train.device=cpu")


@attrs.frozen
class Checkout:
    """A checkout that commands run in.  folder: for its run, its caches and its bytecode."""

    root: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make this checkout the installed one."""
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("UNBRAID")}
        paths = [self.folder / "installed", *(self.root / name for name in ROOTS)]
        return {**kept, "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "PYTHONPYCACHEPREFIX": str(self.folder / "code"), "UNBRAID_CACHE": str(self.folder / "cache"),
                "XDG_CACHE_HOME": str(self.folder / "cache"), "MPLBACKEND": "Agg",
                "MPLCONFIGDIR": str(self.folder / "matplotlib")}

    def install(self) -> None:
        """Declare the checkout's entry points, as pip would."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]
        info = self.folder / "installed" / f"unbraid-{project['version']}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: unbraid\nVersion: {project['version']}\n")
        (info / "RECORD").write_text("")
        (info / "entry_points.txt").write_text("[unbraid]\n" + "".join(
            f"{name} = {module}\n" for name, module in project["entry-points"]["unbraid"].items()))

    def seconds(self, *words: str) -> float:
        """Run a command and return its seconds of processor.  Raises RuntimeError where it fails."""
        command = [sys.executable, "-c", "import sys; from unbraid.cli import main; sys.exit(main())", *words]
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL,
                                       stderr=told)
            _, code, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(code)
            if process.returncode:
                told.seek(0)
                raise RuntimeError(f"{self.root}: {' '.join(words)}: {told.read().decode()[-2000:]}")
        return used.ru_utime + used.ru_stime


def scores(folder: Path) -> dict[tuple[str, str], float]:
    """The scores of an evaluation, by arm and metric."""
    arms: Mapping[str, Mapping[str, object]] = json.loads((folder / "evaluation.json").read_text())["arms"]
    return {(arm, name): found["score"] for arm, results in arms.items() for name, found in results.items()
            if isinstance(found, dict) and "score" in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--recipe", default="mixing-sprites")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=1000, help="that are evaluated")
    parser.add_argument("--runs", type=int, default=20, help="that are compared")
    parser.add_argument("--only", nargs="+", default=COMMANDS, choices=COMMANDS)
    parser.add_argument("--record", action="store_true", help="write docs/results/waiting.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        both = {name: Checkout(root.resolve(), Path(place) / name)
                for name, root in (("now", Path(__file__).parents[2]), ("before", options.beside))}
        found: dict[str, dict[str, list[float]]] = {}

        def play(title: str, *words: str, rounds: int = options.rounds) -> None:
            for _ in range(rounds):
                for name, checkout in both.items():
                    found.setdefault(title, {}).setdefault(name, []).append(checkout.seconds(*words))
            now, before = (statistics.median(found[title][name]) for name in both)
            print(f"| `{title}` | {now:.2f} | {before:.2f} | {now / before:.2f} |", flush=True)

        for checkout in both.values():
            checkout.install()
            checkout.seconds("train", options.recipe, "--out", "run", "--yes", *OVERRIDES)
            for words in ((word, options.recipe) if word in ("show", "check") else (word,) for word in options.only
                          if word not in ("evaluate", "compare")):
                checkout.seconds(*words)
        print("| command | now, s | before, s | ratio |\n|---|---|---|---|")
        for word in (word for word in options.only if word not in ("evaluate", "compare")):
            title = f"{word} {options.recipe}" if word in ("show", "check") else word
            play(title, *title.split())
        for kind in ("first", "again") if "evaluate" in options.only else ():       # again: the oracles are kept
            for checkout in both.values():
                (checkout.folder / "run" / "evaluation.json").unlink(missing_ok=True)
            play(f"evaluate run, {kind}", "evaluate", "run", "--device", "cpu", "--images", str(options.images),
                 rounds=1)
        if "compare" in options.only:
            for checkout in both.values():
                for number in range(options.runs):
                    shutil.copytree(checkout.folder / "run", checkout.folder / "runs" / f"{number:02}")
            play(f"compare ({options.runs} runs)", "compare", *(f"runs/{n:02}" for n in range(options.runs)))
        equality = {}
        if "evaluate" in options.only:
            own, other = (scores(checkout.folder / "run") for checkout in both.values())
            both_have = own.keys() & other.keys()
            equal = sum(own[key] == other[key] for key in both_have)
            equality = {"in the text": {"scores that both have": [len(both_have)], "of which are equal": [equal]}}
            print(f"\n{equal} of {len(both_have)} scores that both have are equal; "
                  f"{len(own.keys() - other.keys())} are new, {len(other.keys() - own.keys())} gone")
            for key in sorted(both_have):
                if own[key] != other[key]:
                    print(f"  {' '.join(key)}: {own[key]:.6g} now, {other[key]:.6g} before")
    if options.record:
        medians = {title: {name: statistics.median(times[name]) for name in both} for title, times in found.items()}
        record("waiting", {title: {"now": [round(m["now"], 2)], "before": [round(m["before"], 2)],
                                   "ratio": [round(m["now"] / m["before"], 2)]} for title, m in medians.items()}
               | equality, TABLES)


if __name__ == "__main__":
    main()
