"""Writes bytes, sha256 and scores of packs into the bundled models' file, so that no number is typed by hand.

    unbraid models make drgan-faces
    python tests/project/record_models.py drgan-faces.safetensors ...

A pack is refused if its recipe is not the one that `unbraid models make NAME` trains today: a run that was trained
otherwise, or a limit of minutes, would give another hash.  Data that the models need must be here.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from unbraid_configs import load_recipe
from unbraid_configs.writing import all_differences, in_words
from unbraid_plugins.tools.models import find_model
from unbraid_plugins.tools.models.hooks import unbraid_models
from unbraid_plugins.tools.packs import Pack


def recorded(text: str, file: Path) -> str:
    """The text of the models' file with the facts of this pack.  Raises SystemExit where it is another model's."""
    entry, pack = find_model(file.stem), Pack.at(file)
    wrong = [d for d in all_differences(load_recipe(entry.recipe, entry.overrides), pack.recipe()) if not d.is_place]
    if wrong:
        sys.exit(f"{file} is not what `{entry.command}` makes: {in_words(wrong)}")
    scores = {name: pack.about["scores"][name]["score"] for name in entry.metrics if name in pack.about["scores"]}
    content = file.read_bytes()
    facts = {"bytes": str(len(content)), "sha256": f'"{hashlib.sha256(content).hexdigest()}"',
             "scores": "{" + ", ".join(f"{name} = {round(score, 4)}" for name, score in scores.items()) + "}"}
    begin = text.index(f"[{entry.name}]\n")
    end = (text.find("\n[", begin) + 1) or len(text)
    table = text[begin:end]
    for name, fact in facts.items():
        table, found = re.subn(rf"^{name} = .*$", f"{name} = {fact}", table, flags=re.MULTILINE)
        assert found == 1, f"{entry.name} has no line {name!r}"
    return text[:begin] + table + text[end:]


def main() -> None:
    """Record each pack that is named."""
    place = unbraid_models()
    for file in sys.argv[1:]:
        place.write_text(recorded(place.read_text(encoding="utf-8"), Path(file)), encoding="utf-8")
        print(f"recorded {file}")


if __name__ == "__main__":
    main()
