"""new-plugin: the package that it writes is a plugin, and passes its own tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_package_passes_its_own_tests(unbraid, tmp_path: Path) -> None:
    said = unbraid("new-plugin", "acme_tv")
    assert said.code == 0, said.err
    package = tmp_path / "unbraid-acme-tv"
    assert f"wrote {Path('unbraid-acme-tv/pyproject.toml')}" in said.out
    assert "$" not in (package / "pyproject.toml").read_text()
    info = tmp_path / "site" / "unbraid_acme_tv-0.1.0.dist-info"         # as an installer would write it
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unbraid-acme-tv\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[unbraid]\nacme_tv = unbraid_acme_tv\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (package, tmp_path / "site")))}
    tests = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=package,
                           env=environment, capture_output=True, text=True)
    assert tests.returncode == 0, tests.stdout[-3000:]
    assert "skipped" in tests.stdout or "passed" in tests.stdout
    check = subprocess.run([sys.executable, "-c", "import sys; from unbraid.cli import main; sys.exit(main())", "check",
                            "acme_tv.example"], env=environment, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert "acme_tv.strided" in check.stdout


def test_two_packages_are_tested_in_one_call(unbraid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The files of their tests carry the names of the packages, so that pytest can import them side by side."""
    packages = [tmp_path / f"unbraid-acme-{name}" for name in ("film", "radio")]
    for package in packages:
        assert unbraid("new-plugin", package.name.removeprefix("unbraid-").replace("-", "_")).code == 0
        monkeypatch.syspath_prepend(str(package))
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--collect-only", f"--rootdir={tmp_path}", *map(str, packages)])
    said = capsys.readouterr().out
    assert code == 0, said
    for package in packages:
        for tests in ("plugin.py::TestPlugin::", "components.py::TestStrided::"):
            assert f"{package.name}/tests/test_{package.name.replace('-', '_')}_{tests}" in said


def test_nothing_is_overwritten(unbraid, tmp_path: Path) -> None:
    (tmp_path / "unbraid-acme-tv").mkdir()
    said = unbraid("new-plugin", "acme_tv")
    assert said.code == 2
    assert "is there already" in said.err
    assert not list((tmp_path / "unbraid-acme-tv").iterdir())
