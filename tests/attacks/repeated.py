"""Files of one piece, repeated without end: reading must take time in proportion to their length.

    python tests/attacks/repeated.py --kilobytes 200

Mutations find no slow readers, because those take many thousand equal characters. Each kind of file is read at the
given length and at a quarter of it: four times as long may not take much more than four times as much time.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs
import torch
from PIL import Image, PngImagePlugin

import unbraid
from unbraid.runs import Run
from unbraid_configs import Expression, load_recipe
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.tools.display import read_rows
from unbraid_plugins.tools.reports import write_report
from unbraid_plugins.tools.studies import Study
from unbraid_plugins.tools.studies.axes import read_axis
from unbraid_registry import UnbraidError

RECIPE = Path(__file__).with_name("small.yaml")
SLOWEST = 0.03                                     # seconds a kilobyte, on a busy machine
STEEPEST = 9.0                                     # what four times as long may take, in times; a square takes 16
NOTICED = 0.2                                      # seconds beyond what any text takes; less is not compared
YAML = ("base: mixing\nx{}y", "title: {}", "a: 'b{}", 'a: "{}', "a: [{}", "a: {{{}", "{}: 1", "? {}", "- {}",
        "a:\n{}", "a: b{}: c: d", "a: |\n {}", "# {}\na: b: c", "flow: {{x: {}", "a: !<{}>\n", "{}")
YAML_PIECES = (" ", "\t", "k", "a: ", "- ", "[", "{", "(", "'", '"', "#", " #", "\n", "\n ", "x\n", ":", ",", "&a ",
               "*a ", "!a ", "${", "$${", "a.", "\\u0041", "|", "\u00e9", "%", "? ", "a\n\n")
SVG = ("<svg{}", '<svg viewBox="0 0 {}', "<svg><desc>{}", "<svg><metadata>{}", "<svg>{}</svg>", '<svg d="M{}')
SVG_PIECES = ("<desc>", "<desc ", "<metadata>", "</metadata> ", " ", "1", "1.", "10.001", "-10.00", "&amp;", "&",
              "<!--", ">")
JSON_ = ('{{"a": {}', "[{}", '"{}', "{}", '{{"arms": {{"model": {}', '{{"format": 1, "arms": {{{}')
JSON_PIECES = ("[", '{"a":', "1", "1e", "-", '"', "\\", " ", "\n", "null,", '"a":{},', "NaN,", "\\u00", "{},")
MESH = ("{}", "v 0 0 0\nf {}", "mtllib {}", "usemtl {}\nf 1", "v {}", "ply\n{}", "ply\nformat ascii 1.0\n{}",
        "# {}\nv 0 0 0")
MESH_PIECES = (" ", "\n", "\t", "0 ", "1/", "1/1/1 ", ".mtl ", "a.mtl", "-s 1 ", "#", "\\\n", "f ", "v 0 0 0\n",
               "usemtl a\n", "comment a\n", "property float x\n", "element face 1\n", "element vertex 9\n", "x", "-")
MTL = ("newmtl {}", "newmtl a\nmap_Kd {}", "newmtl a\n{}", "{}")
TEXTS = ("{}", "a={}", "a:b={}", "mse({}", "f(x){}", "1{}", "'{}")
TEXT_PIECES = (" ", ":", ",", "=", "[", "(", "'", '"', "1", "1..", "1,", "-", "a.", "a,", "x+", "-(", "\n", "\\",
               "#", "f(", "not ")


@attrs.frozen
class Kind:
    """A kind of file or text.  read: reads a content; forms: contents with a place for the pieces."""

    name: str
    read: Callable[[str], object]
    forms: tuple[str, ...]
    pieces: tuple[str, ...]


def kinds(folder: Path) -> list[Kind]:
    """Return every kind of text that is read."""
    run = unbraid.train(load_recipe(RECIPE, ["train.steps=1"]), folder / "run").folder
    study = Study(folder / "study")

    def within(path: Path, read: Callable[[], object]) -> Callable[[str], object]:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else None

        def reading(content: str) -> object:
            path.write_text(content, encoding="utf-8")
            try:
                return read()
            finally:
                path.unlink() if before is None else path.write_bytes(before)

        return reading

    (folder / "named.obj").write_text(
        "mtllib named.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl a\nf 1/1 2/1 3/1\n"
    )

    def rows_of(content: str) -> object:
        text = PngImagePlugin.PngInfo()
        text.add_text("unbraid-rows", content)
        Image.new("RGB", (4, 4)).save(folder / "rows.png", pnginfo=text)
        with Image.open(folder / "rows.png", formats=["PNG"]) as picture:
            return read_rows(picture)

    return [
        Kind("recipe", within(folder / "a.yaml", lambda: load_recipe(folder / "a.yaml")), YAML, YAML_PIECES),
        Kind(
            "TOML",
            within(folder / "a.toml", lambda: load_recipe(folder / "a.toml")),
            (*YAML[:7], "{} = 1", "[{}"),
            YAML_PIECES,
        ),
        Kind("override", lambda text: load_recipe(RECIPE, [f"title={text}"]), TEXTS, TEXT_PIECES),
        Kind("path of an override", lambda text: load_recipe(RECIPE, [f"{text}=1"]), ("{}", "a.{}"), TEXT_PIECES),
        Kind("expression", Expression, TEXTS, TEXT_PIECES),
        Kind("axis", read_axis, TEXTS, TEXT_PIECES),
        Kind(
            "study",
            within(study.plan_file, study.plan),
            ('format: 1\nrecipe: ["{}', 'format: 1\nrecipe: [a]\narguments: ["{}"]'),
            TEXT_PIECES,
        ),
        Kind("record", within(run / "run.json", lambda: Run.at(run).record()), JSON_, JSON_PIECES),
        Kind("log", within(run / "metrics.jsonl", lambda: Run.at(run).metrics()), JSON_, JSON_PIECES),
        Kind(
            "state",
            within(max((run / "checkpoints").iterdir()) / "state.json", lambda: unbraid.load(run)),
            JSON_,
            JSON_PIECES,
        ),
        Kind(
            "evaluation in a report", within(run / "evaluation.json", lambda: write_report(run)), JSON_, JSON_PIECES
        ),
        Kind("probe in a report", within(run / "probe.json", lambda: write_report(run)), JSON_, JSON_PIECES),
        Kind("figure in a report", within(run / "figure.svg", lambda: write_report(run)), SVG, SVG_PIECES),
        Kind("rows of a picture", rows_of, JSON_, JSON_PIECES),
        Kind("obj", within(folder / "a.obj", lambda: read_mesh(folder / "a.obj")), MESH, MESH_PIECES),
        Kind("ply", within(folder / "a.ply", lambda: read_mesh(folder / "a.ply")), MESH, MESH_PIECES),
        Kind("mtl", within(folder / "named.mtl", lambda: read_mesh(folder / "named.obj")), MTL, MESH_PIECES),
    ]


def texts(kind: Kind, length: int) -> Iterator[tuple[str, str]]:
    """Yield texts of this length, each after its form and piece."""
    for form in kind.forms:
        for piece in kind.pieces:
            yield f"{form!r} with {piece!r}", form.format(piece * (length // len(piece.encode()) + 1))


def seconds(kind: Kind, text: str) -> float:
    """Return the seconds of reading.  Raises errors that are not ours."""
    began = time.process_time()  # others may keep the machine busy
    with suppress(UnbraidError):
        kind.read(text)
    return time.process_time() - began


def too_slow(quick: float, slow: float, kilobytes: int) -> bool:
    """Return whether these seconds, of a text and of one four times as long, are too many, or grow too fast."""
    return max(quick, slow) >= SLOWEST * kilobytes or (slow > NOTICED and slow > STEEPEST * quick)


def attack(chosen: list[Kind], kilobytes: int) -> tuple[list[str], int, float]:
    """Return the faults, the number of texts, and the most seconds a kilobyte."""
    found, count, slowest = [], 0, 0.0
    for kind in chosen:
        with suppress(UnbraidError):
            kind.read(kind.forms[0].format(""))  # imports what it needs
        least = seconds(kind, kind.forms[0].format(""))
        for (what, short), (_, long) in zip(texts(kind, kilobytes << 8), texts(kind, kilobytes << 10), strict=True):
            count += 1
            try:
                for _ in range(3):                 # a slow reader is slow again
                    quick, slow = seconds(kind, short) - least, 0.0
                    if quick < SLOWEST * kilobytes:
                        slow = seconds(kind, long) - least
                    if not too_slow(quick, slow, kilobytes):
                        break
            except Exception as error:
                found.append(f"{kind.name}, {what}: {type(error).__name__}: {str(error)[:200]}")
                continue
            if too_slow(quick, slow, kilobytes):
                found.append(f"{kind.name}, {what}: {quick:.2f} s and {slow:.2f} s")
            slowest = max(slowest, slow / kilobytes)
    return found, count, slowest


def main() -> int:
    """Attack, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilobytes", type=int, default=64)
    parser.add_argument("--only", default="", help="kinds whose name has this word")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        chosen = [kind for kind in kinds(Path(folder)) if asked.only in kind.name]
        found, count, slowest = attack(chosen, asked.kilobytes)
        shutil.rmtree(folder, ignore_errors=True)
    print(*found, sep="\n")
    print(f"{count} texts of {asked.kilobytes} kB, {len(found)} faults; at most {1000 * slowest:.0f} ms a kB")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
