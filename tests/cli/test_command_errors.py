"""Every mistake that a user can make is one clear message and exit code 2; faults are named with their owner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("arguments", "says"), [
    (["lst"], "there is no command 'lst'; did you mean 'list'?"),
    (["frobnicate"], "No such command 'frobnicate'"),
    (["list", "encodr"], "no kind, component or recipe 'encodr'; did you mean 'encoder'?"),
    (["train"], "unbraid list recipes"),
    (["train", "mixing-spritez"], "no recipe is called 'mixing-spritez'; did you mean 'mixing-sprites'?"),
    (["train", "mixing-"], "begins the names of several recipes: mixing-"),
    (["train", "beta-vae", "steps"], "write path=value"),
    (["train", "mixing-sprites", "train.step=5"], "train.step"),
    (["train", "mixing-sprites", "--resume"], "--resume needs --out"),
    (["train", "mixing-sprites", "--outt", "x"], "Did you mean '--out'?"),
    (["evaluate", "nowhere"], "no run at nowhere"),
    (["edit", "nowhere", "swop", "A.png"], "'swop' is not one of 'reconstruct', 'swap'"),
    (["edit", "nowhere", "swap", "A.png"], "swap takes two images, found 1"),
    (["doctor", "mixxing"], "no plugin 'mixxing'; did you mean 'mixing'?"),
    (["--plugin", "nowhere.py", "list"], "nowhere.py: no such file"),
    (["draw", "mixing-sprites", "--out", "figure.gif"], "end its name with .svg"),
    (["new-plugin", "Acme-TV"], "unbraid new-plugin acme_tv"),
    (["new-plugin", "class"], "Python or pytest use it"),
    (["new-plugin", "mixing"], "there is a plugin 'mixing' already"),
    (["traverse", "nowhere", "A.png", "--dim", "1", "--factor", "z"], "not both"),
])
def test_says_what_is_wrong(unbraid, arguments: list[str], says: str) -> None:
    said = unbraid(*arguments)
    assert says in said.err
    assert said.code == 2
    assert "Traceback" not in said.err
    assert not said.out


def test_every_mistake_of_a_recipe_is_a_line_with_its_place(unbraid, tiny: Path) -> None:
    tiny.write_text(tiny.read_text().replace("mse(generator(f2), x2)", "mse(generator(f5), x2)")
                    .replace("critic(x1)", "critik(x1)"))
    said = unbraid("check", tiny)
    assert said.code == 2
    lines = said.err.splitlines()
    assert len(lines) == 2
    assert "tiny.yaml:20:35  players.autoencoder.minimizes.rebuild: no value named 'f5'" in lines[0]
    assert "critik" in lines[1]


def test_a_recipe_that_waits_for_pictures_says_how_to_give_them(unbraid, monkeypatch) -> None:
    monkeypatch.delenv("UNBRAID_DATA", raising=False)
    said = unbraid("train", "mixing")
    assert said.code == 2
    assert "unbraid train mixing --data FOLDER" in said.err


@pytest.mark.parametrize(("make", "says"), [
    (lambda p: p.mkdir(), "the folder is empty"),
    (lambda p: None, "there is no such folder"),
    (lambda p: p.write_text("x"), "expected a folder of pictures, or an .npz, .npy or HDF5 file"),
    (lambda p: (p.mkdir(), (p / "notes.txt").write_text("x")), "there are no pictures in"),
])
def test_data_that_is_none_is_refused(unbraid, tmp_path: Path, tiny: Path, make, says: str) -> None:
    make(tmp_path / "pictures")
    said = unbraid("train", tiny, "--data", "pictures", "--out", "run")
    assert says in said.err
    assert said.code == 2
    assert not (tmp_path / "run").exists()


FAULTY = """
from unbraid import hookimpl, loss
import click

@loss
def broken(image):
    \"\"\"Breaks at work.\"\"\"
    return image.mean()

@click.command("explode")
def explode():
    \"\"\"Explode.\"\"\"
    raise ValueError("a fuse of the plugin")

@hookimpl
def unbraid_components():
    return [broken]

@hookimpl
def unbraid_commands():
    return [explode]
"""


def test_a_fault_of_a_plugin_is_told_with_its_name_and_the_traceback_is_kept(unbraid, tmp_path: Path) -> None:
    (tmp_path / "fusebox.py").write_text(FAULTY)
    said = unbraid("--plugin", "fusebox.py", "explode")
    assert said.code == 1
    assert "a fault of the plugin 'fusebox'" in said.err
    assert "a fuse of the plugin" in said.err
    kept = Path(said.err.split("the traceback is in ")[1].strip())
    assert "Traceback" in kept.read_text()
    assert "Traceback" not in said.err
    kept.unlink()
    assert "Traceback" in unbraid("--traceback", "--plugin", "fusebox.py", "explode").err


def test_a_fault_of_unbraid_is_its_own(unbraid, monkeypatch) -> None:
    from unbraid_plugins.tools.lookup import doctor

    monkeypatch.setattr(doctor, "versions", lambda: 1 / 0)
    said = unbraid("doctor", "--traceback")
    assert said.code == 1
    assert "not of yours: ZeroDivisionError" in said.err


def test_a_command_of_a_plugin_runs_and_is_listed(unbraid, tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(FAULTY.replace("raise ValueError(\"a fuse of the plugin\")",
                                                        "click.echo('hello')"))
    assert unbraid("--plugin", "greeter.py", "explode").out == "hello\n"
    assert unbraid("explode", "--plugin", "greeter.py").out == "hello\n"
    assert unbraid("explode", "--plugin=greeter.py").out == "hello\n"
    assert "did you mean 'explode'?" in unbraid("explod", "--plugin", "greeter.py").err
    assert unbraid("plugins", "--plugin", "greeter.py").out.rstrip().endswith("commands of plugins: explode")


def test_a_broken_plugin_costs_one_line_and_no_command(unbraid, tmp_path: Path) -> None:
    (tmp_path / "lame.py").write_text("import no_such_module\n")
    said = unbraid("list", "encoder", "--plugin", "lame.py")
    assert said.code == 0
    assert said.err.count("\n") == 1
    assert "lame" in said.err
    assert "no_such_module" in said.err
    assert "conv_encoder" in said.out
    assert unbraid("list", "encoder", "--plugin", "lame.py", "--strict").code == 2


def test_an_interrupt_is_quiet(unbraid, monkeypatch) -> None:
    from unbraid_plugins.tools.lookup import listing

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "looked_up", interrupted)
    said = unbraid("list")
    assert said.code == 130
    assert said.err.strip() == "Interrupted."


def test_a_reader_that_leaves_early_is_fine() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", "import sys; from unbraid.cli import main; sys.exit(main())", "show",
                           "--json-schema"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_plugins_as_json(unbraid) -> None:
    content = json.loads(unbraid("plugins", "--json", "--no-plugin", "wgan").out)
    states = {p["name"]: p["status"] for p in content["plugins"]}
    assert states["mixing"] == "loaded"
    assert states["wgan"] == "blocked"
