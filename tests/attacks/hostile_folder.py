"""A folder that somebody sent, hostile in every part: studies, runs, packs, recipes, data, modules and settings.

`hostile.py` calls every command in it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent
NASTY = "\x1b]0;PWNED\x07 \u202e $\\frac$ <script>alert(1)</script> =cmd|'/C calc'!A0 {{7*7}} ${HOME}"
MARKUP = "<script>alert(1)</script> =cmd|'/C calc'!A0 {{7*7}} ${HOME} [x](javascript:alert(1))"     # on one plain line
VIEW_GRAPH = ("data.source.count=6", "data.source.size=24", "networks.graph.directions=2", "networks.graph.reach=1",
              "networks.graph.tilts=[30.0]", "networks.graph.neighbours=1", "networks.graph.step=24.0",
              "train.device=cpu")


def lay_out(folder: Path) -> None:
    """Everything that a sender could think of, but links and pipes, for which a run is refused as a whole."""
    import numpy as np
    import torch
    from PIL import Image, PngImagePlugin

    import unbraid
    from unbraid_configs import dump_recipe, load_recipe
    from unbraid_plugins.opengl import Mesh, write_mesh
    from unbraid_plugins.tools.studies import Plan, Study

    shutil.copy(HERE / "small.yaml", folder / "recipe.yaml")
    run = unbraid.train(load_recipe(folder / "recipe.yaml"), folder / "run").folder
    shutil.copytree(run, folder / "recipe-run")    # as it was
    study = Study(folder / "st")
    plan = study.begin(Plan.of([str(folder / "recipe.yaml")], ["seed=0"]))
    shutil.copytree(run, study.run(plan.points[0]).folder)
    study.run(plan.points[0]).recipe_file.write_text(dump_recipe(plan.recipe(plan.points[0])))
    arm = {NASTY: {"score": 0.5, NASTY: {NASTY: 1}}, "mig": {"score": 1e308}}
    evaluation = {"format": 1, "step": 2, "title": NASTY, "arms": {"model": arm, NASTY: arm}, "factors": {NASTY: 2},
                  "metrics": {NASTY: {"summary": NASTY}}, "notes": [NASTY], "hooks": {NASTY: NASTY}}
    for where, score in ((run, 1e308), (study.run(plan.points[0]).folder, 0.5)):
        arm["mig"]["score"] = score
        (where / "evaluation.json").write_text(json.dumps(evaluation))
        (where / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(where / "pictures/odd.png", format="EPS")
        text = PngImagePlugin.PngInfo()
        text.add_text("unbraid-rows", json.dumps({"left": 0, "gap": 0, "height": 1, "width": 1, "scale": 1, "rows": [
            {"label": NASTY, "detail": NASTY, "group": "", "columns": [NASTY], "blank": 0, "images": 4}]}))
        Image.new("RGB", (4, 4)).save(where / "pictures/rows.png", pnginfo=text)
        (where / "figure.svg").write_text("<svg onload='alert(1)'>" + "<desc>" * 10_000)
        (where / "metrics.jsonl").open("a").write('{"step": ' + "9" * 401 + '}\n{"step": 2, "' + "x" * 99 + '": 1}\n')
        record = json.loads((where / "run.json").read_text())
        record["sessions"][-1]["plugins"] = {"gone": {"distribution": 'x"; touch PASTED; echo "', "version": "1"}}
        (where / "run.json").write_text(json.dumps(record))
    seeds = folder / "seeds"
    for seed in (0, 1):
        short = load_recipe(folder / "recipe.yaml", ["train.steps=1", f"train.seed={seed}"])
        unbraid.train(short, seeds / f"seed={seed}")
    views = unbraid.train(load_recipe("view-graph-boxes", VIEW_GRAPH), folder / "views").folder
    shutil.copy(run / "evaluation.json", views / "evaluation.json")
    lay_out_packs(folder)
    lay_out_sets(folder / "sets")
    (folder / "nasty.yaml").write_text(f"base: mixing-sprites\ntitle: {json.dumps(NASTY)}\n")
    text = (folder / "recipe.yaml").read_text()
    (folder / "hub.yaml").write_text(text.replace("type: conv_encoder, width: 4, gaussian: true",
                                                  "from: 'hub:evil/${UNBRAID_CACHE}#encoder'"))
    (folder / "hub-data.yaml").write_text("base: recipe.yaml\ndata:\n  source: {type: encoded, run: 'hub:evil/x'}\n")
    (folder / "data.yaml").write_text("base: recipe.yaml\ndata:\n  source: {type: folder, path: '${HOME}/x'}\n")
    (folder / "pictures").mkdir()
    frames = [Image.fromarray(np.full((24, 24, 3), i * 40, np.uint8)) for i in range(5)]
    for name, more in (("animation.gif", {}), ("animation.webp", {"lossless": True})):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:] * 40, **more)
        shutil.copy(folder / name, folder / "pictures" / name)
    frames[1].save(folder / "pictures/eps.png", format="EPS")
    for i, frame in enumerate(frames):
        frame.save(folder / f"pictures/a{i}\x1b[2J.png")
    cube = Mesh.of(torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]]), torch.tensor([[0, 1, 2]]))
    write_mesh(folder / "cube.obj", cube)
    write_mesh(folder / "cube.glb", cube)
    marking = f"open({str(folder.parent / 'marks')!r}, 'a').write(__name__)\n"
    for name in ("numpy", "torch", "PIL", "json", "click", "matplotlib", "sitecustomize", "evilp", "onnx", "moderngl"):
        (folder / f"{name}.py").write_text(marking)
    (folder / "evil-1.0.dist-info").mkdir()
    (folder / "evil-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (folder / "evil-1.0.dist-info/entry_points.txt").write_text("[unbraid]\nevilp = evilp\n")
    (folder / "matplotlibrc").write_text("text.usetex: True\nbackend: module://evilp\n")




def lay_out_packs(folder: Path) -> None:
    """Packs of the run: with texts that a terminal obeys, with lies, and some that load and name what they may not."""
    from damaged_packs import hashed, joined, parts_of, with_about, with_texts

    from unbraid_plugins.tools.packs import write_pack

    whole = write_pack(folder / "recipe-run", folder / "whole.safetensors", everything=True).path.read_bytes()
    (folder / "texts.safetensors").write_bytes(with_about(whole, title=NASTY, scores={NASTY: 1}))
    (folder / "length.safetensors").write_bytes(joined(*parts_of(whole), length=1 << 62))
    header, tensors = parts_of(whole)
    name = next(n for n in header if n != "__metadata__")
    header[name]["shape"] = [1 << 40, 1 << 40]
    (folder / "shapes.safetensors").write_bytes(hashed(joined(header, tensors)))
    markup = with_about(whole, title=MARKUP, paper=MARKUP, licence={"weights": MARKUP, "data": "[[" + MARKUP},
                        scores={MARKUP: {"score": 1e99, "baselines": {MARKUP: 1.0}, "better": MARKUP}})
    source = "type: sources.sprites\n    size: 16\n    count: 24\n    only: {}"
    for name, other in (("secret", f"type: folder\n    path: {folder.parent / 'home'}\n    size: 16"),
                        ("itself", f"type: encoded\n    run: {folder / 'itself.safetensors'}"),
                        ("hub", "type: encoded\n    run: hub:evil/x")):
        (folder / f"{name}.safetensors").write_bytes(with_texts(
            markup, picture="UEsDBA==", recipe=lambda text, to=other: text.replace(source, to)))


def lay_out_sets(folder: Path) -> None:
    """A folder that says to be a copy of the data sets that no hash is published of: a zip that lies, FIFOs, links."""
    from bombs import header, npz

    folder.mkdir()
    npz(folder / "mpi3d_toy.npz", images=header("(1036800, 64, 64, 3)"))
    npz(folder / "mpi3d_realistic.npz", images=(header("(460800, 64, 64, 3)"), 4))
    os.mkfifo(folder / "mpi3d_real.npz")
    (folder / "real3d_complicated_shapes_ordered.npz").symlink_to("/etc/passwd")
    (folder / "nips2015-analogy-data.tar.gz").write_bytes(b"\x1f\x8b" + bytes(99))
    (folder / "unbraid-data.json").write_text('{"mpi3d_toy.npz": {"sha256": ' + "[" * 9999)
