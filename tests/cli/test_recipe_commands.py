"""check, show, draw, list: what they say about a recipe."""

import json
from pathlib import Path

from small_runs import RECIPE, recipe

from unbraid.engine import train


def test_check_tells_networks_forwards_and_hints(unbraid, tiny: Path) -> None:
    said = unbraid("check", tiny)
    assert said.code == 0
    assert said.out.startswith("ok  A tiny mixing\n")
    assert "60 images, 16 x 16 RGB" in said.out
    row = next(line for line in said.out.splitlines() if line.split()[:1] == ["encoder"])
    assert row.split()[1] == "convnets.conv_encoder"
    assert row.split()[-1] == "autoencoder"
    assert "hint: with the players in the order critic, autoencoder a step needs 3 forwards less" in said.out


def test_check_finds_what_nobody_uses(unbraid, tiny: Path) -> None:
    tiny.write_text(tiny.read_text().replace("  x3: ", "  idle: encoder(x2)\n  x3: "))
    assert "hint: idle is used by no loss and no function" in unbraid("check", tiny).out


def test_check_counts_two_trainers(unbraid, tiny: Path) -> None:
    tiny.write_text(tiny.read_text().replace("trains: critic", "trains: [critic, generator]"))
    assert "hint: generator is trained by autoencoder and critic" in unbraid("check", tiny).out


def test_gradients_of_losses(unbraid, tiny: Path) -> None:
    lines = unbraid("check", tiny, "--gradients").out.splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("  autoencoder/", "  critic/"))}
    assert table["autoencoder/rebuild"] == ["x", "x", "."]
    assert table["critic/realism"] == [".", ".", "x"]


def test_show_gives_the_origin_of_values(unbraid, tiny: Path) -> None:
    said = unbraid("show", tiny, "data.batch=7")
    origins = dict(line.split("#") for line in said.out.splitlines() if "batch:" in line or "width:" in line)
    assert origins.popitem()[1].strip().startswith("tiny.yaml:")
    assert "batch: 7" in said.out
    assert next(line for line in said.out.splitlines() if "batch: 7" in line).endswith("# override")


def test_what_show_prints_is_a_recipe(unbraid, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(unbraid("show", tiny).out)
    assert unbraid("check", "shown.yaml").code == 0


def test_show_and_draw_need_no_data(unbraid, monkeypatch) -> None:
    for name in ("UNBRAID_DATA", "UNBRAID_LPC"):
        monkeypatch.delenv(name, raising=False)
    assert "${UNBRAID_DATA}" in unbraid("show", "mixing").out
    assert unbraid("draw", "mixing").out == "wrote mixing.svg\n"
    assert unbraid("show", "unit-lpc").out.count("${UNBRAID_LPC}") == 2        # one variable, two sources


def test_the_schema_is_json(unbraid) -> None:
    assert "properties" in json.loads(unbraid("show", "--json-schema").out)


def test_list_of_one_kind(unbraid) -> None:
    lines = unbraid("list", "losses").out.splitlines()
    assert lines[0].split() == ["name", "plugin"]
    assert any(line.startswith("gan.fool ") for line in lines)
    assert any(line.startswith("mse ") for line in lines)


def test_list_as_json(unbraid) -> None:
    entries = json.loads(unbraid("list", "recipe", "--json").out)
    assert {"kind", "name", "plugin", "summary", "location"} <= entries[0].keys()
    assert all(e["kind"] == "recipe" for e in entries)
    assert "mixing-sprites" in [e["name"] for e in entries]


def test_doctor_tells_the_traceback_of_a_broken_plugin(unbraid, tmp_path: Path) -> None:
    (tmp_path / "lame.py").write_text("import no_such_module\n")
    said = unbraid("doctor", "--plugin", "lame.py")
    assert said.code == 1
    assert "No module named 'no_such_module'" in said.out
    assert "| Traceback" in said.out
    assert "opengl" in said.out


def test_doctor_of_one_plugin(unbraid) -> None:
    said = unbraid("doctor", "mixing")
    assert said.code == 0
    assert "mixing.random_mask" in said.out


def test_check_takes_networks_of_another_run(unbraid, tmp_path: Path) -> None:
    first = train(recipe("train.steps=1"), tmp_path / "first").folder
    taken = {name: {"from": f"{first}#{name}"} for name in ("encoder", "generator")}
    file = tmp_path / "second.yaml"
    file.write_text(json.dumps({**RECIPE, "networks": {**RECIPE["networks"], **taken}, "players": {
        "critic": RECIPE["players"]["critic"]}}))
    said = unbraid("check", file)
    assert said.code == 0, said.err
    assert "mlp_encoder" in said.out
