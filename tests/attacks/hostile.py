"""A folder that somebody sent, hostile in every part, opened with every command under an audit hook.

    python tests/attacks/hostile.py

The folder holds a study, a run, recipes, data, meshes and what Python, git and matplotlib look for in a working folder.
All commands are called in it. None may start a program, open a socket, import from the folder, or write outside of it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
             "os.startfile", "pty.spawn", "webbrowser.open")
SOCKETS = ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
           "shutil.move", "shutil.copyfile", "shutil.rmtree")
OWN = ("uname", "git", "ldconfig", "gcc", "cc", "ld", "fc-list")     # what Python and we ask of this machine itself
NASTY = "\x1b]0;PWNED\x07 \u202e $\\frac$ <script>alert(1)</script> =cmd|'/C calc'!A0 {{7*7}} ${HOME}"
COMMANDS = (
    "check recipe.yaml", "check recipe.yaml --plan", "show recipe.yaml", "draw recipe.yaml", "check nasty.yaml",
    'check mixing-sprites data.source={"type":"folder","path":"pictures","size":16}', "check data.yaml",
    "train recipe.yaml train.steps=1 --yes --out new",
    "train --resume --yes --out run train.steps=3", "evaluate run --images=10 --metrics=reconstruction_error,mig",
    "compare run", "compare run --csv", "compare st", "sweep --resume --only-table --out st", "probe run --images 20",
    "edit run reconstruct animation.gif", "edit run swap animation.gif animation.webp", "sample run",
    "traverse run animation.webp", "translate run animation.gif", "export run encode --to encode.pt2",
    "export run codes --to codes.npz --images 8", "render run --out render.png", "render cube.obj --out cube.png",
    "render cube.glb --out cube.png", "profile recipe.yaml", "list recipe", "plugins", "doctor")


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
    study = Study(folder / "st")
    plan = study.begin(Plan.of([str(folder / "recipe.yaml")], ["seed=0"]))
    shutil.copytree(run, study.run(plan.points[0]).folder)
    study.run(plan.points[0]).recipe_file.write_text(dump_recipe(plan.recipe(plan.points[0])))
    arm = {NASTY: {"score": 0.5, NASTY: {NASTY: 1}}, "mig": {"score": 1e308}}
    evaluation = {"format": 1, "step": 2, "title": NASTY, "arms": {"model": arm, NASTY: arm}, "factors": {NASTY: 2},
                  "metrics": {NASTY: {"summary": NASTY}}, "notes": [NASTY], "hooks": {NASTY: NASTY}}
    for where in (run, study.run(plan.points[0]).folder):
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
    (folder / "nasty.yaml").write_text(f"base: mixing-sprites\ntitle: {json.dumps(NASTY)}\n")
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


def inside(folder: Path) -> dict[str, Any]:
    """Call all commands in the folder; return what became of each, and what the hook saw."""
    seen: Counter[str] = Counter()
    roots = tuple(os.path.realpath(p) + os.sep for p in (folder, os.environ["UNBRAID_CACHE"], os.environ["TMPDIR"]))
    watching = [False]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching[0]:
            return
        if event in PROCESSES:
            program = str(arguments[0] or (arguments[1] or [""])[0])
            if os.path.basename(program) not in OWN:
                seen[f"process: {event} {program[:80]} {str(arguments[1])[:80]}"] += 1
        elif event in SOCKETS:
            seen[f"socket: {event}"] += 1
        elif event in CHANGES or (event == "open" and _writes(arguments)):
            for path in [a for a in arguments[:2 if event in ("os.rename", "shutil.move") else 1] if a]:
                whole = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""
                if whole and not (whole + os.sep).startswith(roots) and not whole.startswith(("/dev/", "/proc/")):
                    seen[f"write: {event} {whole}"] += 1

    sys.addaudithook(hook)
    watching[0] = True
    from unbraid.cli import main

    outcomes = {}
    for command in COMMANDS:
        out, err = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            code = main(command.split(" "))
            told = sys.stdout.getvalue() + sys.stderr.getvalue()
        finally:
            sys.stdout, sys.stderr = out, err
        outcomes[command] = [code, told[-600:]]
        if any(c in told for c in "\x1b\x07\u202e"):
            seen[f"text: {command} printed a control"] += 1
    watching[0] = False
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            seen[f"import: {name}"] += 1
    return {"seen": dict(seen), "outcomes": outcomes}


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool(
        (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def main() -> int:
    """Attack, and say how it went."""
    if sys.argv[1:2] == ["--inside"]:
        print(json.dumps(inside(Path(sys.argv[2]))))
        return 0
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "received")
        for name in ("received", "cache", "tmp"):
            Path(parent, name).mkdir()
        lay_out(folder)
        around = {**os.environ, "UNBRAID_CACHE": f"{parent}/cache", "TMPDIR": f"{parent}/tmp", "OMP_NUM_THREADS": "1",
                  "MPLCONFIGDIR": f"{parent}/cache", "TORCHINDUCTOR_CACHE_DIR": f"{parent}/cache/torch"}
        done = subprocess.run([sys.executable, "-P", __file__, "--inside", str(folder)], cwd=folder, env=around,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-2000:])
            return 1
        found = json.loads(done.stdout.splitlines()[-1])
        marks = Path(parent, "marks")
        if marks.exists():
            found["seen"][f"code: {marks.read_text()}"] = 1
    faults = [*found["seen"], *(f"{command}: exit code {code}: {told}" for command, (code, told)
                                in found["outcomes"].items() if code not in (0, 2) or "fault of" in told)]
    print(*faults, sep="\n")
    if "--tell" in sys.argv:
        for command, (code, told) in found["outcomes"].items():
            print(f"{code}  {command}\n      {told.strip().splitlines()[0][:150] if code else ''}")
    codes = Counter(code for code, _ in found["outcomes"].values())
    print(f"{len(COMMANDS)} commands in a hostile folder: {codes[0]} gave a result, {codes[2]} refused; no program, no "
          f"socket, no import, no write elsewhere; {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
