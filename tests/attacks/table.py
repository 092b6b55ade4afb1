"""The promises of docs/reliability.md, and what attacks each: one entry a row.

A script says in the last line of its output how the attack went, and exits with 0 where the promise held; a test file
is run by pytest. Nothing here says how an attack ended.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Attack:
    """A promise, the attack in words, and its command: `python SCRIPT ...` or `pytest FILES`.

    rounds: how often in full, and with --quick, where the command ends in the option that says how often.
    """

    promise: str
    attack: str
    command: str
    rounds: tuple[int, int] | None = None

    def run(self, quick: bool) -> Row:
        """Attack now; the outcome is what the command says of itself."""
        command = f"{self.command} {self.rounds[quick]}" if self.rounds else self.command
        program, _, arguments = command.partition(" ")
        start = [sys.executable] if program == "python" else [sys.executable, "-m", "pytest", "-q"]
        began = time.monotonic()
        done = subprocess.run([*start, *arguments.split()], cwd=ROOT, capture_output=True, text=True, check=False,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})
        said = (done.stdout.strip().splitlines() or [f"nothing was said; exit code {done.returncode}"])[-1]
        if program == "pytest":
            said = re.sub(r" in [\d.]+s.*", "", said.strip("= ")).replace("passed", "tests passed")
        if done.returncode:
            said = f"**the promise is broken** (exit code {done.returncode}): {said}"
        return Row(self.promise, self.attack, said.replace("|", "\\|"), f"`{command}`", not done.returncode,
                   time.monotonic() - began)


@attrs.frozen
class Row:
    """A row of the table."""

    promise: str
    attack: str
    outcome: str
    command: str
    held: bool = True
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"| {self.promise} | {self.attack} | {self.outcome} | {self.command} |"


ATTACKS = (
    Attack("Damage is refused in words",
           "seeded mutations of recipes, run records, logs, checkpoints, weights, `.npz`, PNG and JPEG files (bits, "
           "cuts, nasty text, headers), each read under a limit of memory; and records, states and optimizers with "
           "other values in them, by which a run goes on",
           "python tests/attacks/damaged_files.py --rounds", (12_000, 500)),
    Attack("Damaged meshes, pictures and labels are refused in words",
           "seeded mutations of GLB, glTF with its buffer, OBJ with MTL and texture, PLY, STL, OFF, TIFF, JPEG and "
           "WebP with EXIF, PNG of 16 bits, GIF, BMP, and of labels in `.npz`; half of them keep the form and change "
           "values, tags, types and shapes; under a limit of memory",
           "python tests/attacks/damaged_data.py --rounds", (10_000, 300)),
    Attack("Damage costs a command one message",
           "seeded mutations of the same files given to `train`, `check`, `evaluate`, `edit`, `show`, `export`, "
           "`probe` and others: exit code 2 or a result, one error without a traceback, no file changed or left",
           "python tests/attacks/damaged_commands.py --rounds", (1_000, 60)),
    Attack("Files cannot take all memory",
           "files that unpack to, or declare, gigabytes: `.npz`, `.npy` headers, PNG, safetensors headers and tensors, "
           "records, logs", "python tests/attacks/bombs.py"),
    Attack("A received pack is read or refused in words",
           "headers, texts, lengths, keys and descriptions of tensors of packs, changed by seed, with the hash that "
           "belongs to them; facts of other forms; packs and recipes that name models on a hub, or themselves",
           "python tests/attacks/damaged_packs.py --rounds", (2_000, 100)),
    Attack("Loading is inert",
           "an audit hook watches good files of every kind, and files that want to run code (YAML objects, calls and "
           "attributes in expressions, pickles as arrays, pictures, weights and records); the same watch must see a "
           "loader that does unpickle", "pytest tests/attacks/test_inert_loading.py"),
    Attack("A received folder runs nothing and reaches nothing",
           "a study, runs, packs, recipes, data and meshes, hostile in every part, in a working folder with modules, "
           "distributions and settings that wait to be imported: every command is called there under an audit hook "
           "that sees programs, sockets, imports and writes elsewhere (the viewer may listen on this machine, and is "
           "looked at); the same hook must see calls that do so",
           "python tests/attacks/hostile.py"),
    Attack("Work in a received folder runs nothing of it",
           "a study is gone on with beside a git repository whose configuration names programs, with Ghostscript, "
           "LaTeX and ffmpeg of the sender's on the path; texts of a study that want to be options",
           "pytest tests/attacks/test_received_folders.py"),
    Attack("Links stay inside", "links in a run or a study that leave it, at every place that is written or read; "
           "pipes and devices in place of files; locks, logs and scratch names that were planted",
           "pytest tests/attacks/test_received_links.py"),
    Attack("Secrets stay here", "environment variables in titles, papers, paths, options, requirements and bases of "
           "received recipes and runs: their values are looked for in all that is printed and written",
           "pytest tests/attacks/test_received_secrets.py"),
    Attack("Text is text", "escapes, marks of direction, formulas, markup and shell text in recipes, evaluations, "
           "records and file names, on a pseudo terminal, in pages, figures, tables and hints",
           "pytest tests/attacks/test_received_texts.py"),
    Attack("Reading takes time in proportion", "pieces that are repeated and never end, in every kind of file and "
           "text: four times as long may not take much more than four times as much time",
           "python tests/attacks/repeated.py --kilobytes", (16, 4)),
    Attack("What is claimed is counted first", "instances and accessors of meshes, sizes of codes and IDX files, rows "
           "of pictures, long logs, evaluations and probes of other forms, numbers of 401 digits",
           "pytest tests/attacks/test_bounds.py"),
    Attack("What says that it is whole is written last", "evaluations stopped before each of their files, two at once, "
           "two writers of one picture, sweeps that were killed before their reports",
           "pytest tests/attacks/test_order_on_disk.py"),
    Attack("The language is not Python",
           "generated expressions, Python's syntax and noise: each is a tree of ours or an error in its place, within "
           "bounds; trees written out are read back equal",
           "python tests/attacks/expressions.py --examples", (20_000, 500)),
    Attack("A recipe cannot grow beyond its text",
           "functions and weights that double, chains of values and bases, nested and huge YAML and TOML, aliases",
           "pytest tests/attacks/test_expressions.py"),
    Attack("Nothing unpickles",
           "imports and calls in the installed code are searched for pickle and its like, `eval`, `exec`, "
           "`torch.load`, shells", "pytest tests/project/test_repository.py"),
    Attack("N + N = 2N", "every bundled recipe is trained in one go, cut between two players' turns, and killed with "
           "SIGKILL", "pytest tests/engine/test_bundled_recipes.py"),
    Attack("Cuts change nothing", "between two turns, inside an epoch and at its border, with workers, schedules, "
           "averages, pools, lazy penalties, gates, stages and accumulation on the move",
           "pytest tests/engine/test_resuming_cuts.py"),
    Attack("A kill costs no number", "SIGKILL to a training again and again, while it starts, computes or writes, and "
           "then --resume, until it is finished: every checkpoint and logged step against the undisturbed training's, "
           "bit for bit", "python tests/attacks/killed_training.py --rounds", (1_000, 30)),
    Attack("Another way is not taken unasked", "resuming with another recipe, other data, other threads",
           "pytest tests/engine/test_resuming_changed.py"),
    Attack("Numbers stay",
           "the losses of the first two steps of every bundled recipe, in float64, against stored ones (relative 1e-7)",
           "pytest tests/engine/test_loss_traces.py"),
    Attack("A kill leaves whole checkpoints",
           "SIGKILL at a random moment to a process that writes and removes checkpoints without end",
           "python tests/attacks/killed_writing.py --rounds", (1_000, 60)),
    Attack("Old runs load",
           "a run of every format number is kept in the tests: loaded, with and without averages, and trained further",
           "pytest tests/engine/test_golden_runs.py"),
    Attack("A study survives", "a sweep of 20 points is killed at random moments",
           "python tests/benchmarks/sweep_kills.py"),
    Attack("A failing disk costs nothing that was there",
           "each n-th write of a training, and all after it, are refused (disk full, read-only, not allowed): one "
           "error with place and remedy, then --resume to the undisturbed training's weights and log",
           "python tests/attacks/failing_disk.py --every", (1, 12)),
    Attack("A full disk costs nothing that was there",
           "the same on real file systems, of all sizes up to what is needed",
           "python tests/attacks/failing_disk.py --small --every", (6, 40)),
    Attack("Odd disks, closed terminals and plugins that change torch end no work",
           "disks without locks, fsync or permissions; processes without stdin, stdout and stderr, a full stderr, a "
           "reader of the progress that goes away, encodings that lack a character; plugins that change torch's "
           "gradients and types when they are imported",
           "pytest tests/runs/test_odd_surroundings.py tests/attacks/test_closed_terminals.py"),
    Attack("A folder that becomes read-only costs nothing that was there",
           "the right to write into a run's folders is taken away after each step (of root, too): one error with place "
           "and remedy, then as above",
           "python tests/attacks/failing_disk.py --read-only --every", (1, 3)),
    Attack("A full disk spares what is there", "writing fails in the middle of a report, an export",
           "pytest tests/tools/reports tests/tools/export"),
    Attack("A removed folder is not begun again",
           "a run's folder is removed or shut while it is trained; a second process trains into it; file sizes are "
           "limited", "pytest tests/attacks/test_failing_disk.py"),
    Attack("Vanished data is named", "pictures are deleted, cut or overwritten while they are read, with and without "
           "workers; files of data in memory are deleted", "pytest tests/engine/test_vanished_data.py"),
    Attack("A run that contradicts itself is not believed",
           "checkpoints of other formats and steps, cut short, or without a part; records of other things; what is "
           "left of a run", "pytest tests/runs/test_damaged_runs.py"),
    Attack("One training in a folder", "a second training, or sweep, into a folder that is held",
           "pytest tests/engine/test_training.py tests/tools/studies"),
    Attack("A bad plugin costs one line",
           "distributions that raise anything on import, in a hook, in a thread or at exit, call `sys.exit`, print, "
           "take long, take names, have wrong signatures", "pytest tests/registry"),
    Attack("Two processes are one training",
           "every bundled recipe on two ranks over gloo, in float64, against ranks simulated in one process "
           "without their code, and against one process with the joined batch where no loss needs a batch whole "
           "(1e-9)",
           "pytest tests/engine/test_processes.py"),
    Attack("Ranks decide alike",
           "on one of two ranks a loss is NaN, once or for ever; gates that the ranks' own data would decide "
           "otherwise; in one part and in several",
           "pytest tests/engine/test_disagreeing_ranks.py tests/engine/test_accumulation.py"),
    Attack("A rank that is lost ends all, once",
           "SIGTERM and SIGINT to one rank, SIGKILL to any of two or three, a rank that hangs, an error on one "
           "rank, a folder that is taken, a mistake in the recipe; resumed with as many ranks, fewer and more",
           "pytest tests/engine/test_failing_ranks.py"),
    Attack("Ranks share an epoch and keep their memories",
           "sizes that do not divide, counted over three epochs; pools of two ranks after 3 + 3 steps against 6, "
           "bit for bit",
           "pytest tests/engine/test_rank_memories.py tests/data/test_sharding.py"),
)
