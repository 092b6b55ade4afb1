"""Who may import whom: registry <- configs <- core <- plugins, and plugins see the public face alone."""

from __future__ import annotations

import pytest
from import_walk import PACKAGES, Import, imports_of

import unbraid

SHARED_FAMILIES = {"convnets", "losses", "operations", "sources", "metrics", "opengl"}
PUBLIC_MODULES = {"code", "values"}                # of `unbraid`, beside the names of its public face
ALLOWED = {
    "unbraid_registry": set(),
    "unbraid_configs": {"unbraid_registry"},
    "unbraid": {"unbraid_registry", "unbraid_configs"},
    "unbraid_plugins": {"unbraid"},
}


def told(imports: list[Import]) -> str:
    return "\n".join(map(str, imports))


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_those_below_them(package):
    found = imports_of(PACKAGES[package])
    assert found
    wrong = [i for i in found if i.package in PACKAGES and i.package not in ALLOWED[package] | {package}]
    assert not wrong, told(wrong)


def test_plugins_use_the_public_face_of_unbraid():
    used = [i for i in imports_of(PACKAGES["unbraid_plugins"]) if i.package == "unbraid"]
    assert used
    modules = {"unbraid", *(f"unbraid.{m}" for m in PUBLIC_MODULES)}
    public = {*unbraid.__all__, *PUBLIC_MODULES}
    wrong = [i for i in used if i.module not in modules or (i.module == "unbraid" and i.name and i.name not in public)]
    assert not wrong, told(wrong)


def test_a_papers_plugin_never_uses_another_papers():
    folder = PACKAGES["unbraid_plugins"]
    wrong = []
    for found in imports_of(folder):
        if found.package != "unbraid_plugins":
            continue
        own = found.file.relative_to(folder).parts[0]
        used = [*found.module.split("."), found.name][1]
        if used != own and used not in SHARED_FAMILIES:
            wrong.append(found)
    assert not wrong, told(wrong)


@pytest.mark.parametrize("package", ["unbraid_registry", "unbraid_configs"])
def test_finding_plugins_and_parsing_know_no_torch(package):
    wrong = [i for i in imports_of(PACKAGES[package]) if i.package in ("torch", "torchvision", "numpy")]
    assert not wrong, told(wrong)


def test_the_walk_sees_every_form_of_import(tmp_path, monkeypatch):
    monkeypatch.setitem(PACKAGES, "thing", tmp_path / "thing")
    inner = tmp_path / "thing" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.py").write_text("import x.y\nfrom . import b\nfrom .. import c\nfrom ..d import e\n"
                                "def f():\n    import z\n    importlib.import_module('w.v')\n")
    seen = {(i.module, i.name) for i in imports_of(tmp_path / "thing")}
    assert seen == {("x.y", ""), ("thing.inner", "b"), ("thing", "c"), ("thing.d", "e"), ("z", ""), ("w.v", "")}
