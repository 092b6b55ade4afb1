"""Loads everything that comes from files under an audit hook; prints what it saw besides reading.

    python tests/attacks/inert.py FOLDER

Files of FOLDER are loaded twice: whatever must be imported is imported by then, so that the second time nothing may be
executed, unpickled, started, connected, written or imported any more. (Expressions and NumPy's headers are parsed by
Python's parser, which is no execution.)
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import unbraid
from unbraid.data import read_image
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.opengl.scene.mesh_files import FORMATS, read_mesh
from unbraid_plugins.shared.sources import Folder, Npz
from unbraid_plugins.tools.studies import Study
from unbraid_registry import UnbraidError

FORBIDDEN = ("exec", "import", "pickle.find_class", "marshal.load", "marshal.loads", "code.__new__",
             "function.__new__", "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
             "os.spawn", "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "ctypes.dlopen",
             "ctypes.dlsym", "urllib.Request", "webbrowser.open", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree",
             "os.putenv", "shutil.copyfile")


def edited(model: unbraid.Model, image: Path) -> None:
    """What `unbraid edit` does with a run and an image, but for the picture that it writes."""
    channels, *size = model.image_shape
    model.decode(model.encode(read_image(image, tuple(size), channels)[None]).mean)


def load_all(folder: Path) -> dict[str, str]:
    """By file, what became of it."""
    outcomes = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".mtl", ".bin"):        # what meshes name
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if (path / "run.json").exists():
                    model = unbraid.load(path)
                    Run.at(path).metrics()
                    if path.name == "run":
                        edited(model, folder / "b.png")
                elif (path / "study.yaml").exists():
                    Study.at(path).plan()
                elif path.is_dir():
                    Folder(path=str(path), size=16).open()
                elif path.suffix == ".npz":
                    Npz(path=str(path)).open()
                elif path.suffix == ".yaml":
                    load_recipe(path)
                elif path.suffix in FORMATS:
                    read_mesh(path)
                else:
                    read_image(path, (16, 16), 3)
            outcomes[path.name] = "loaded"
        except UnbraidError as error:
            outcomes[path.name] = str(error)
    return outcomes


def main() -> None:
    """Load, watch, load again, and say what was seen."""
    folder = Path(sys.argv[1])
    load_all(folder)
    seen: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in FORBIDDEN:
            seen.append(f"{event} {arguments!r:.120}")
        elif watching and event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            seen.append(f"open to write {arguments[0]!r}")

    sys.addaudithook(hook)
    outcomes = load_all(folder)
    watching = False
    print(json.dumps({"seen": seen, "outcomes": outcomes, "pwned": os.environ.get("PWNED", "")}))


if __name__ == "__main__":
    main()
