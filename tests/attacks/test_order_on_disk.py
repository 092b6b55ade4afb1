"""evaluation.json says that an evaluation is whole, and is written last: a kill before it is seen, and mended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_runs import recipe

import unbraid as library
from unbraid.runs import Run
from unbraid_configs import dump_recipe
from unbraid_plugins.tools.display import Row, step_of, write_rows
from unbraid_plugins.tools.evaluation import evaluate
from unbraid_plugins.tools.reports import write_report
from unbraid_plugins.tools.studies import Plan, Study

Command = Callable[..., Any]
QUICK = {"metrics": ["reconstruction_error"], "images": 10}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return library.train(recipe("train.steps=8"), tmp_path_factory.mktemp("order") / "run")


def test_the_evaluation_is_written_after_all_that_belongs_to_it(unbraid: Command, trained: Run,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    replace, order = os.replace, []
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(Path(b).name), replace(a, b)))
    assert unbraid("evaluate", "--metrics=reconstruction_error", "--images=10", trained.folder).code == 0
    assert order[-1] == "evaluation.json"
    assert {"reconstructions.png", "report.html"} <= set(order)


@pytest.mark.parametrize("name", ["reconstructions.png", "report.html"])
def test_a_stop_before_the_end_leaves_no_evaluation(trained: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (trained.folder / "evaluation.json").unlink(missing_ok=True)
    replace = os.replace

    def stopping(a: Path, b: Path) -> None:
        if Path(b).name == name:
            raise KeyboardInterrupt
        replace(a, b)

    monkeypatch.setattr(os, "replace", stopping)
    with pytest.raises(KeyboardInterrupt):
        evaluate(trained, **QUICK, before=lambda result: write_report(trained.folder, result))
    assert not (trained.folder / "evaluation.json").exists()
    assert not list(trained.folder.glob("**/.*.png"))


def test_a_report_that_fails_loses_no_measurement(unbraid: Command, trained: Run) -> None:
    (trained.folder / "evaluation.json").unlink(missing_ok=True)
    (trained.folder / "report.html").unlink(missing_ok=True)
    (trained.folder / "report.html").mkdir()
    said = unbraid("evaluate", "--metrics=reconstruction_error", "--images=10", trained.folder)
    assert (said.code, "can't write" in said.err) == (2, True)
    assert json.loads((trained.folder / "evaluation.json").read_text())["step"] == 8
    (trained.folder / "report.html").rmdir()


def test_pictures_tell_their_step(unbraid: Command, trained: Run) -> None:
    assert unbraid("evaluate", "--metrics=reconstruction_error", "--images=10", trained.folder).code == 0
    for path in json.loads((trained.folder / "evaluation.json").read_text())["pictures"].values():
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
            assert step_of(picture) == 8
    assert "Drawn at step" not in (trained.folder / "report.html").read_text()
    told = json.loads((trained.folder / "evaluation.json").read_text())
    (trained.folder / "evaluation.json").write_text(json.dumps({**told, "step": 5}))
    assert "Drawn at step 8, and the numbers are of another" in write_report(trained.folder).read_text()


def test_one_process_at_a_time_evaluates_a_run(trained: Run) -> None:
    started, go_on = threading.Event(), threading.Event()

    def waiting(result: dict[str, Any]) -> None:
        started.set()
        assert go_on.wait(60)

    thread = threading.Thread(target=lambda: evaluate(trained, **QUICK, before=waiting))
    thread.start()
    try:
        assert started.wait(60)
        with pytest.raises(library.UnbraidError, match="another evaluation is writing into"):
            evaluate(trained, **QUICK)
        with trained.locked():                     # a training may go on meanwhile
            pass
    finally:
        go_on.set()
        thread.join()
    assert evaluate(trained, **QUICK)["step"] == 8


WRITER = """
import sys, numpy as np
from pathlib import Path
from unbraid_plugins.tools.display import Row, write_rows
rows = [Row(np.random.default_rng(0).random((4, 3, 16, 16), np.float32), "a")]
print("ready", flush=True)
while True:
    write_rows(Path(sys.argv[1]), rows)
"""


def test_two_writers_of_one_picture_leave_it_whole(tmp_path: Path) -> None:
    import numpy as np

    file = tmp_path / "a.png"
    write_rows(file, [Row(np.zeros((4, 3, 16, 16), np.float32), "a")])
    other = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            write_rows(file, [Row(np.zeros((4, 3, 16, 16), np.float32), "a")])
            with Image.open(file, formats=["PNG"]) as picture:
                picture.load()
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


def test_a_sweep_finishes_reports_and_repeats_what_was_cut_off(unbraid: Command, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(dump_recipe(recipe("train.steps=4")))
    options = ["--images=10", "--metrics=reconstruction_error"]
    study = Study(tmp_path / "st")
    from unbraid_plugins.tools.evaluation import EvaluationOptions

    plan = study.begin(Plan.of([str(tmp_path / "small.yaml")], ["seed=0"], EvaluationOptions.of(options, "")))
    point = plan.points[0]
    run = library.train(plan.recipe(point), study.run(point).folder)
    assert unbraid("evaluate", *options, run.folder).code == 0
    assert study.state(point, plan.recipe(point), plan.evaluate) == "done"         # it tells its options itself
    other = EvaluationOptions.of(["--images=12"], "")
    assert study.state(point, plan.recipe(point), other) == "trained"
    (run.folder / "report.html").unlink()                          # as older sweeps left it, when they were killed
    said = unbraid("sweep", "--resume", "--out", "st")
    assert said.code == 0, said.err
    assert (run.folder / "report.html").exists()
    assert "1 of them done" in said.err
