"""Who may import whom: the floors of the house, its doors, and no circles.  docs/architecture.md has a picture."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from house import HOUSE, PACKAGES, House, Import

EVERYWHERE = {"unbraid_registry"}                  # packages that all of the core, configs and tools may use
BELOW = {                                          # rooms, and the rooms whose doors they use
    "unbraid_configs.expressions": set(),
    "unbraid_configs.reading": {"expressions"},
    "unbraid_configs.resolving": {"reading", "expressions"},
    "unbraid_configs.checking": {"reading", "resolving", "expressions"},
    "unbraid_configs.writing": {"reading", "resolving", "checking", "expressions"},
    "unbraid.values": set(),
    "unbraid.interfaces": {"values", "data"},      # for types
    "unbraid.data": {"values"},
    "unbraid.flow": set(),
    "unbraid.runs": {"values", "data"},
    "unbraid.model": {"values", "interfaces", "data", "flow", "runs"},
    "unbraid.engine": {"values", "data", "flow", "runs", "model"},
    "unbraid.cli": {"values", "data", "flow", "runs", "model", "engine"},
    "unbraid.testing": {"values", "interfaces", "data", "flow", "runs", "model", "engine"},
    "unbraid_plugins.opengl.numerics": set(),
    "unbraid_plugins.opengl.scene": {"numerics"},
    "unbraid_plugins.opengl.raster": {"numerics", "scene"},
    "unbraid_plugins.opengl.shading": {"numerics", "scene", "raster"},
    "unbraid_plugins.opengl.faces": {"numerics", "scene", "raster", "shading"},
    "unbraid_plugins.opengl.viewing": {"numerics", "scene", "raster", "shading"},
    **{f"unbraid_plugins.shared.{room}": below for room, below in {
        "convnets": set(),
        "losses": set(),
        "operations": set(),
        "views": set(),
        "metrics": set(),
        "sources": {"metrics"},                    # for the folder of the cache
        "keypoints": {"losses", "sources"},
        "published": {"metrics", "sources"},
    }.items()},
    **{f"unbraid_plugins.tools.{tool}": below for tool, below in {
        "adversaries": set(),
        "datasets": set(),
        "display": set(),
        "encoding": set(),
        "export": set(),
        "lookup": set(),
        "new_plugin": set(),
        "profiling": set(),
        "tensorboard": set(),
        "calling": {"display"},
        "editing": {"display", "encoding"},
        "figure": {"display"},
        "reports": {"display"},
        "view_graphs": {"display"},
        "evaluation": {"calling", "display", "editing", "encoding", "reports"},
        "packs": {"display", "editing", "evaluation", "reports"},
        "probing": {"display", "evaluation", "reports"},
        "studies": {"display", "evaluation", "reports"},
        "bench": {"adversaries", "evaluation", "probing", "studies"},
        "demo": {"evaluation"},
        "models": {"datasets", "evaluation", "packs"},
        "viewer": {"editing", "encoding", "packs"},
    }.items()},
}
PRIVATE = {room for room in BELOW if room.partition(".")[0] in ("unbraid", "unbraid_configs") or ".tools." in room}


def room_of(module: str) -> str:
    """The room that a module lies in; a package's own files are a room."""
    return next((room for room in BELOW if module == room or module.startswith(f"{room}.")), module.partition(".")[0])


def told(imports: list[Import]) -> str:
    return "\n".join(f"{i.file.relative_to(HOUSE.root)}:{i.line}  {i.statement}" for i in imports)


def crossing(package: str) -> list[tuple[str, str, Import]]:
    """The imports of a package's files that leave their room: from where, to where, and how."""
    return [(room_of(module), room_of(target), i) for module in HOUSE.within(package) for i in HOUSE.imports[module]
            if (target := HOUSE.target(i)) and room_of(module) != room_of(target)]


@pytest.mark.parametrize(("package", "below"), [
    ("unbraid_registry", set()), ("unbraid_configs", {"unbraid_registry"}),
    ("unbraid", {"unbraid_registry", "unbraid_configs"}),
    ("unbraid_plugins", {"unbraid_registry", "unbraid_configs", "unbraid"})])
def test_packages_import_only_those_below_them(package: str, below: set[str]) -> None:
    found = [i for module in HOUSE.within(package) for i in HOUSE.imports[module]]
    assert found
    assert not (wrong := [i for i in found if i.package in PACKAGES.values() and i.package not in below | {package}]
                ), told(wrong)


@pytest.mark.parametrize("folder", ["unbraid_configs", "unbraid", "unbraid_plugins/shared", "unbraid_plugins/opengl",
                                    "unbraid_plugins/tools"])
def test_every_room_has_its_rules(folder: str) -> None:
    package, _, inner = folder.partition("/")
    rooms = {p.parent.name for p in (HOUSE.folder(package) / inner).glob("*/__init__.py")} - {"recipes"}
    assert rooms == {room.rpartition(".")[2] for room in BELOW if room.rpartition(".")[0] == folder.replace("/", ".")
                     } - {"interfaces"}


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/figures/house.svg"])
def test_the_page_and_the_picture_of_the_house_name_every_room(page: str) -> None:
    text = (HOUSE.root / page).read_text(encoding="utf-8")
    missing = [room for room in BELOW if not re.search(rf"\b{room.rpartition('.')[2]}\b", text)]
    assert not missing


@pytest.mark.parametrize("package", ["unbraid_configs", "unbraid", "unbraid_plugins"])
def test_arrows_between_rooms_lead_down(package: str) -> None:
    wrong = [i for here, there, i in crossing(package) if here in BELOW and there in BELOW
             and here.rpartition(".")[0] == there.rpartition(".")[0] and there.rpartition(".")[2] not in BELOW[here]]
    assert not wrong, told(wrong)


def test_rooms_are_entered_by_their_doors() -> None:
    wrong = [i for package in PACKAGES.values() for _, there, i in crossing(package)
             if there in PRIVATE and i.module != there and HOUSE.doors.get(i.module, {}).get(i.name) is None
             and i.file.name != "__init__.py"]
    wrong = [i for i in wrong if not (i.file.name == "__main__.py" and i.module == "unbraid.cli.entry")]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("package", PACKAGES.values())
def test_no_files_import_each_other(package: str) -> None:
    assert HOUSE.circles(HOUSE.within(package)) == []


def test_a_door_names_no_file_of_its_room() -> None:
    """`engine/train.py` beside `engine.train`, which is loaded when it is first used, would hide the function."""
    for package, names in HOUSE.doors.items():
        if "door(__name__" not in HOUSE.files[package].read_text(encoding="utf-8"):
            continue
        files = {m.rpartition(".")[2] for m in HOUSE.within(package) if m.rpartition(".")[0] == package}
        hidden = {name for name, home in names.items() if home != package} & files
        assert not hidden, f"{package}: {hidden}"


# -- plugins ----------------------------------------------------------------------------------------------------------


def uses(folder: str) -> list[Import]:
    return [i for m in HOUSE.within(f"unbraid_plugins.{folder}") for i in HOUSE.imports[m]
            if i.package in PACKAGES.values() and i.module != "unbraid_registry.doors"]


@pytest.mark.parametrize("folder", ["papers", "shared", "opengl"])
def test_authors_of_components_use_the_public_face_and_values(folder: str) -> None:
    commands = ("unbraid.cli", "unbraid_registry.terminal") if folder == "opengl" else ()
    allowed = ("unbraid", "unbraid.values", *commands)
    wrong = [i for i in uses(folder) if i.package != "unbraid_plugins" and i.module not in allowed]
    assert not wrong, told(wrong)


def test_a_paper_uses_what_is_shared_and_no_other_paper() -> None:
    wrong = []
    for i in uses("papers"):
        if i.package == "unbraid_plugins":
            own = f"unbraid_plugins.papers.{i.file.relative_to(HOUSE.folder('unbraid_plugins')).parts[1]}"
            allowed = (own, "unbraid_plugins.shared", "unbraid_plugins.opengl.scene")
            wrong += [] if f"{i.module}.".startswith(tuple(f"{a}." for a in allowed)) else [i]
    assert not wrong, told(wrong)


def test_nobody_uses_a_tool_but_tools() -> None:
    wrong = [i for folder in ("papers", "shared", "opengl") for i in uses(folder)
             if i.module.startswith("unbraid_plugins.tools")]
    wrong += [i for i in uses("shared") + uses("opengl") if i.module.startswith("unbraid_plugins.papers")]
    assert not wrong, told(wrong)


# -- what is light stays light ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ["unbraid_registry", "unbraid_configs", "unbraid.flow"])
def test_finding_plugins_parsing_and_graphs_know_no_torch(room: str) -> None:
    heavy = ("torch", "torchvision", "numpy")
    wrong = [i for m in HOUSE.within(room) for i in HOUSE.imports[m] if i.package in heavy]
    assert not wrong, told(wrong)


TOOLS = sorted(p.parent.name for p in HOUSE.folder("unbraid_plugins").glob("tools/*/hooks.py"))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_hooks_of_a_tool_import_nothing_but_the_mark(tool: str) -> None:
    file = HOUSE.folder("unbraid_plugins") / "tools" / tool / "hooks.py"
    top = [n for n in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(n, ast.ImportFrom | ast.Import)]
    ours = [n.module for n in top if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("unbraid")]
    assert ours == ["unbraid"]


# -- the size of the core ---------------------------------------------------------------------------------------------


def test_the_core_is_small() -> None:
    assert HOUSE.lines("unbraid") <= 9000
    assert len(HOUSE.entries("unbraid")) <= 12
    assert HOUSE.entries("unbraid_plugins") == ["__init__.py", "opengl", "papers", "py.typed", "shared", "tools"]


def test_the_walk_sees_every_form_of_import(tmp_path: Path) -> None:
    inner = tmp_path / "core" / "unbraid" / "inner"
    inner.mkdir(parents=True)
    for root, package in PACKAGES.items():
        (tmp_path / root / package).mkdir(parents=True, exist_ok=True)
    (inner / "a.py").write_text("import x.y\nfrom . import b\nfrom .. import c\nfrom ..d import e\n"
                                "def f():\n    import z\n    importlib.import_module('w.v')\n"
                                "if TYPE_CHECKING:\n    from t import u\n")
    seen = {(i.module, i.name, i.typed) for i in House(tmp_path).imports["unbraid.inner.a"]}
    assert seen == {("x.y", "", False), ("unbraid.inner", "b", False), ("unbraid", "c", False),
                    ("unbraid.d", "e", False), ("z", "", False), ("w.v", "", False), ("t", "u", True)}


def test_circles_are_found(tmp_path: Path) -> None:
    for root, package in PACKAGES.items():
        (tmp_path / root / package).mkdir(parents=True)
    core = tmp_path / "core" / "unbraid"
    (core / "a.py").write_text("from unbraid.b import x\n")
    (core / "b.py").write_text("def f():\n    from unbraid import c\n")
    (core / "c.py").write_text("if TYPE_CHECKING:\n    from unbraid.a import y\n")
    found = House(tmp_path)
    assert found.circles(found.within("unbraid")) == [["unbraid.a", "unbraid.b", "unbraid.c"]]
    assert found.floors(["unbraid.b", "unbraid.c"]) == {"unbraid.c": 1, "unbraid.b": 2}
