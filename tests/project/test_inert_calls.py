"""Calls that could run a program, or open files and print in other ways, stand where they are meant to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from house import HOUSE

PROCESSES = {"subprocess", "multiprocessing", "pty", "webbrowser", "popen2", "commands", "pexpect", "imageio_ffmpeg"}
STARTERS = {"system", "popen", "startfile", "fork", "forkpty", "posix_spawn", "posix_spawnp",
            *(f"{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))}
MEANT = {                                          # who starts something, and what
    "origin.py": "git, in the checkout that Unbraid is installed from",
    "runner.py": "children of a sweep: this Python, without the working folder on its path",
    "plugin.py": "a plugin's suite: this Python, without the working folder on its path",
    "dci.py": "forked workers, or this Python with the path of the one that starts them",
    "command.py": "the browser, at the viewer's address",
    "film.py": "ffmpeg, as imageio-ffmpeg finds it",
    "slurm.py": "sbatch and squeue, as the path has them, asked for by --slurm and --watch",
    "kept.py": "this Python, to make the catalogue anew, without the working folder on its path",
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in HOUSE.files.values():
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """All calls of a function or method of this name."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                yield file, node


def test_processes_are_started_where_they_are_meant_to():
    modules = {(i.file, i.line) for i in HOUSE.everything() if i.package in PROCESSES}
    found = {file for file, _ in modules} | {
        file for file, tree in trees() for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in STARTERS and getattr(node.value, "id", "") == "os"}
    assert {file.name for file in found} == set(MEANT)


def test_python_children_never_import_from_the_working_folder():
    lists = [(file, node) for file, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.List)
             and node.elts and ast.unparse(node.elts[0]) == "sys.executable"]
    assert len(lists) == 3
    for _, node in lists:
        assert ast.literal_eval(node.elts[1]) == "-P"


def test_pillow_is_told_which_formats_to_read():
    """It would recognise any by content, and has Ghostscript run PostScript."""
    opened = [(file, node) for file, node in calls("open") if ast.unparse(node.func) == "Image.open"]
    assert opened
    for file, node in opened:
        assert "formats" in [k.arg for k in node.keywords], f"{file}:{node.lineno}"


def test_matplotlib_is_imported_past_the_settings_of_the_working_folder():
    where = {i.file.name for i in HOUSE.everything() if i.package == "matplotlib"}
    assert where == {"plots.py"}


def test_figures_are_drawn_with_settings_of_ours(tmp_path, monkeypatch):
    """Whatever matplotlib was told before."""
    import matplotlib as mpl
    import numpy as np

    from unbraid_plugins.tools.display import Row, write_rows

    row = Row(np.zeros((2, 1, 8, 8), np.float32), "a $label$")
    pictures = []
    for colour in ("black", "red"):
        with mpl.rc_context({"text.usetex": colour == "red", "figure.facecolor": colour, "font.family": "serif"}):
            pictures.append(write_rows(tmp_path / f"{colour}.png", [row]).read_bytes())
    assert pictures[0] == pictures[1]


PRINTS = {"print", "secho", "print_help"}
PRINTING = {"click.echo", "click.style", "sys.stdout.write", "sys.stderr.write"}
MEANT_TO_PRINT = {                                 # all else goes through unbraid_registry/terminal.py
    "engine/progress.py": "the bar, and lines that it makes printable itself",
    "lookup/kept.py": "completion of a command line, of printable words alone",
    "unbraid_registry/untouched.py": "a developer's check, for a program",
    "display/terminal.py": "tables into a text, by cells that it makes printable itself",
}


def test_texts_get_to_a_terminal_by_one_function():
    """It shows escapes and marks of direction instead of sending them."""
    found = set()
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                name = called.rpartition(".")[2]
                if name in PRINTS or called in PRINTING:
                    found.add("/".join(file.parts[-2:]))
    own = {"unbraid_registry/terminal.py"}
    tell_by_page = {"evaluation/score_table.py", "probing/accuracy_table.py"}      # `page.print`
    assert found - own - tell_by_page == set(MEANT_TO_PRINT)


FILES = {"open", "fdopen", "read_text", "read_bytes", "write_text", "write_bytes", "mkstemp", "mkdtemp", "fromfile",
         "NamedTemporaryFile", "TemporaryDirectory", "load_file", "save_file", "safe_open", "savetxt", "loadtxt",
         "genfromtxt", "memmap", "ZipFile", "copyfile", "copytree", "copy2", "rmtree", "truncate", "symlink_to"}
NOT_OF_FILES = ("spec.value.open", "archive.open", "webbrowser.open")
MEANT_FOR_FILES = {                                # all else goes through unbraid_registry/files
    "unbraid_registry/discovery.py": "metadata of installed packages",
    "unbraid_registry/made_with.py": "a plugin's file, which was loaded",
    "unbraid_registry/suggestions.py": "a file of this package",
    "unbraid_registry/origin.py": "metadata of installed packages",
    "reports/page.py": "templates of this package",
    "new_plugin/command.py": "templates of this package",
    "cli/errors.py": "a traceback, as a temporary file with a random name",
    "cli/session.py": "/dev/null",
    "unbraid_registry/terminal.py": "/dev/null",
    "studies/child_process.py": "/dev/null",
    "figure/files.py": "a picture in memory",
    "scene/pictures.py": "a picture in memory",
    "scene/compressed.py": "gzip in memory, within a bound",
    "published/emnist.py": "gzip in memory, within a bound",
    "sources/kept_pictures.py": "the user's own folder of kept pictures, which no file names",
    "scene/wavefront_writer.py": "whether a picture of that name is of our own, PNG alone",
    "data/image_files.py": "Pillow, after the file was found to be one",
    "sources/npz_file.py": "an archive in an open file",
    "sources/idx.py": "an archive in an open file",
    "images/feature_networks.py": "safetensors, after the file was found to be one",
    "runs/checkpoint.py": "safetensors, and files in a scratch folder",
    "runs/logbook.py": "a scratch file",
    "metrics/cache.py": "the user's own folder of kept tensors, which no file names",
    "export/outputs.py": "flushing of a scratch folder",
    "export/program_files.py": "a scratch file",
    "export/projector.py": "files in a scratch folder",
    "export/table_files.py": "a scratch file",
    "packs/command.py": "a temporary folder",
    "packs/packing.py": "a scratch file",
    "viewer/gallery.py": "a picture that was given, in a temporary folder",
    "lookup/catalogue.py": "the user's own catalogue, in the cache",
    "lookup/kept.py": "the same, and a run's recipe without waiting for a pipe: completion imports nothing of ours",
    "keypoints/persons.py": "a source that opens another",
    "datasets/catalogue.py": "the same",
    "datasets/downloading.py": "an address of the web",
    "published/mpi3d.py": "an archive in an open file",
    "published/small_norb.py": "the same",
    "published/cars3d.py": "the same",
    "published/zipped_pictures.py": "the same, and a picture in memory",
    "viewer/server.py": "the page of this package",
}


def test_files_are_read_and_written_by_one_room():
    """It follows no planted link, waits for no pipe, reads no more than expected, and writes whole or not at all."""
    from_the_room = {(i.file, i.name) for i in HOUSE.everything() if i.package in ("unbraid", "unbraid_registry")}
    found = {}
    for file, tree in trees():
        if file.parent.name == "files" and file.parent.parent.name == "unbraid_registry":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) not in NOT_OF_FILES:
                name = called.rpartition(".")[2]
                own = called.startswith("self.") or (file, name) in from_the_room
                if name in FILES and not own and not (called == "read_text" and file.parent.name == "reading"):
                    found.setdefault("/".join(file.parts[-2:]), f"{file}:{node.lineno}")
    assert {name: where for name, where in found.items() if name not in MEANT_FOR_FILES} == {}
    assert set(MEANT_FOR_FILES) == set(found)
