"""A study on a Slurm cluster: one array of jobs over the lines that are left, written and submitted."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from unbraid.runs import write_whole
from unbraid_plugins.tools.studies.folder import Study
from unbraid_registry import UnbraidError
from unbraid_registry.files import read_text

OURS = ("--array", "-a", "--wrap", "--chdir", "-D")
WAIT = 60.0                                        # seconds for an answer of Slurm
SMALL = 1 << 16                                    # bytes of a note

SCRIPT = """\
#!/bin/bash
# Written by unbraid sweep: every task trains and evaluates one line of jobs.txt. A line goes on where it stopped.
#SBATCH --array=1-{count}{at_once}
#SBATCH --chdir={here}
#SBATCH --job-name={name}
#SBATCH --output={logs}/slurm-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --signal=TERM@120
{options}
threads=${{SLURM_CPUS_PER_TASK:-1}}
export OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads LP_NUM_THREADS=$threads
line=$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {jobs})
# Slurm signals the step before its time is up: the training writes a checkpoint, and the inner shell waits for it.
srun bash -c 'trap : TERM; eval "$1"' unbraid "$line"
code=$?
if [ "$code" = 143 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt 1000 ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"""


@attrs.frozen
class SlurmArray:
    """An array of Slurm's in a study's folder: jobs.txt, array.sh, and, where it was submitted, its number."""

    folder: Path

    @property
    def jobs(self) -> Path:
        """The file with a shell line for every task."""
        return self.folder / "jobs.txt"

    @property
    def script(self) -> Path:
        """The script for `sbatch`."""
        return self.folder / "array.sh"

    @property
    def number(self) -> str:
        """The number that Slurm gave the array; empty where it was not submitted."""
        try:
            return read_text(self.folder / "submitted.txt", SMALL).strip()
        except OSError:
            return ""

    def submit(self) -> str:
        """Submit the array and return Slurm's number of it.  Raises UnbraidError."""
        answer = _slurm("sbatch", "--parsable", str(self.script))
        number = answer.strip().partition(";")[0]    # a federation adds the name of the cluster
        if not number.isdecimal():
            raise UnbraidError(f"sbatch answered {answer.strip()[:200]!r}, not the number of a job")
        write_whole(self.folder / "submitted.txt", f"{number}\n")
        return number

    def tasks_left(self) -> int:
        """Return how many of its tasks Slurm still holds, waiting or running."""
        try:
            answer = _slurm("squeue", "--noheader", "--array", "--format=%i", "--jobs", self.number)
        except UnbraidError:                       # Slurm has forgotten it
            return 0
        return len(answer.split())


def write_array(study: Study, lines: Sequence[str], options: str, at_once: int | None) -> SlurmArray:
    """Write an array for these lines into `slurm/N` of the study.

    options: for `sbatch`, in one text.
    at_once: the most tasks that Slurm runs at once; None for no limit.

    Raises UnbraidError.
    """
    directives = sbatch_options(options)
    taken = [int(p.name) for p in arrays_folder(study).glob("*") if p.name.isdecimal()]
    array = SlurmArray(arrays_folder(study) / str(max(taken, default=0) + 1))
    (study.folder / "logs").mkdir(exist_ok=True)   # Slurm opens the logs before anything runs, and makes no folders
    write_whole(array.jobs, "".join(f"{line}\n" for line in lines))
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in study.folder.absolute().name)
    write_whole(array.script, SCRIPT.format(
        count=len(lines), at_once=f"%{at_once}" if at_once else "", here=_path(Path.cwd()), name=name,
        logs=_path(study.folder.absolute() / "logs"), options="\n".join(f"#SBATCH {d}" for d in directives),
        jobs=shlex.quote(str(array.jobs.absolute()))))
    return array


def refuse_second(study: Study) -> None:
    """Raise UnbraidError if Slurm still holds tasks of an array of this study: two would train the same runs."""
    for folder in sorted(arrays_folder(study).glob("*")):
        array = SlurmArray(folder)
        if array.number and (left := array.tasks_left()):
            tasks = f"{left} task{'s' * (left != 1)}"
            raise UnbraidError(f"Slurm still has {tasks} of the array {array.number} of this study",
                               hint=f"wait for them (unbraid sweep --watch --out {shlex.quote(str(study.folder))}), or "
                                    f"take them back: scancel {array.number}")


def arrays_folder(study: Study) -> Path:
    """Return the folder of a study's arrays."""
    return study.folder / "slurm"


def sbatch_options(text: str) -> list[str]:
    """Split options for `sbatch` into one directive for each, with its value.  Raises UnbraidError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UnbraidError(f"--slurm {text!r}: {error}") from None
    if not text.isprintable() or (words and not words[0].startswith("-")):
        raise UnbraidError(f"--slurm {text!r}: expected options of sbatch", hint='"--time=4:00:00 --gpus-per-task=1"')
    directives: list[list[str]] = []
    for word in words:
        if word.startswith("-"):
            directives.append([word])
        else:
            directives[-1].append(word)
    for first, *_ in directives:
        if (name := first.partition("=")[0]) in OURS or (not name.startswith("--") and name[:2] in OURS):
            raise UnbraidError(f"--slurm: {name} is not to be chosen here",
                               hint="--jobs N is the most tasks at once; tasks start in the folder of the sweep")
    return [shlex.join(d) for d in directives]


def _path(path: Path) -> str:
    """Return a path for a directive.  In the name of a log, Slurm replaces what follows a percent sign."""
    if "%" in str(path) or not str(path).isprintable():
        raise UnbraidError(f"Slurm can't write into {path}: a folder's name has a character that it reads otherwise")
    return shlex.quote(str(path))


def _slurm(program: str, *words: str) -> str:
    """Run a program of Slurm's and return what it says.  Raises UnbraidError."""
    found = shutil.which(program)
    if found is None:
        raise UnbraidError(f"there is no {program} here", hint="submit the script where Slurm is: sbatch STUDY/slurm/N/"
                                                               "array.sh")
    try:
        done = subprocess.run([found, *words], capture_output=True, text=True, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnbraidError(f"{program} does not answer: {error}") from None
    if done.returncode:
        raise UnbraidError(f"{program} refused: {' '.join(done.stderr.split())[:300]}")
    return done.stdout
