"""A folder that somebody sent, hostile in every part, opened with every command under an audit hook.

    python tests/attacks/hostile.py

All commands are called in the folder of `hostile_folder.py`, in one process. None may start a program, open a socket,
import from the folder, or write outside of it; the viewer may listen on this machine. `--tell` says what each did;
`--quick` leaves out three that read little of it and take as long as a third of all.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
             "os.startfile", "pty.spawn", "webbrowser.open")
SOCKETS = ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
           "shutil.move", "shutil.copyfile", "shutil.rmtree")
OWN = ("uname", "git", "ldconfig", "gcc", "cc", "ld", "fc-list")     # what Python and we ask of this machine itself
OURSELVES = "127.0.0.1"
LONG = ("demo --steps 1 --images 10 --out demo", "profile recipe.yaml",
        "models make mixing-sprites --minutes 0.001 --out made")
COMMANDS = (
    "check recipe.yaml", "check recipe.yaml --plan", "show recipe.yaml", "draw recipe.yaml", "check nasty.yaml",
    'check mixing-sprites data.source={"type":"folder","path":"pictures","size":16}', "check data.yaml",
    "check hub.yaml", "check hub-data.yaml", "train recipe.yaml train.steps=1 --yes --out new",
    "train --resume --yes --out run train.steps=3", "train-seeds recipe.yaml 0,1 train.steps=1 --yes --out several",
    "train-seeds 0,1 --resume --out seeds", "evaluate run --images=10 --metrics=reconstruction_error,mig",
    "compare run", "compare run --csv", "compare st", "sweep --resume --only-table --out st", "probe run --images 20",
    "edit run reconstruct animation.gif", "edit run swap animation.gif animation.webp", "sample run",
    "call run encode animation.gif", "call run decode 0,0,0,0,0", "call views turn animation.gif 0.1",
    "traverse run animation.webp", "translate run animation.gif", "export run encode --to encode.pt2",
    "export run codes --to codes.npz --images 8", "render run --out render.png", "render cube.obj --out cube.png",
    "render cube.glb --out cube.png", "graph run", "graph views", "graph views --to graph.graphml",
    "pack run --to run.safetensors --card", "pack secret.safetensors --to again.safetensors --card",
    "pack itself.safetensors --to itself-again.safetensors", "show texts.safetensors", "show length.safetensors",
    "show secret.safetensors", "edit shapes.safetensors reconstruct animation.gif",
    "edit secret.safetensors swap animation.gif animation.webp", "call hub.safetensors encode animation.gif",
    "export itself.safetensors codes --to itself.npz", "export hub.safetensors codes --to hub.npz",
    "push run me/model", "push secret.safetensors me/model", "view run --no-browser", "view texts.safetensors",
    "view secret.safetensors --no-browser", "data list", "data show cars3d", "data get cars3d --from sets",
    "data get mpi3d-toy --from sets", "data get mpi3d-realistic --from sets", "data get mpi3d-real --from sets",
    "data get mpi3d-real-complex --from sets", "data verify mnist",
    "bench", "bench sprites --plan --out benches",
    "models list", "models show mixing-sprites", "models get mixing-sprites",
    "call model:mixing-sprites encode animation.gif", "list recipe", "plugins",
    "doctor", "completion bash", "new-plugin tv", *LONG)


class Watch:
    """An audit hook: programs, sockets, and writes outside of some folders, counted while it is on."""

    def __init__(self, *folders: str | Path) -> None:
        self.seen: Counter[str] = Counter()
        self.roots = tuple(os.path.realpath(p) + os.sep for p in folders)
        self.on = self.serving = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in PROCESSES:
            program = str(arguments[0] or (arguments[1] or [""])[0])
            if os.path.basename(program) not in OWN:
                self.seen[f"process: {event} {program[:80]} {str(arguments[1])[:80]}"] += 1
        elif event in SOCKETS:
            if not (self.serving and _at_home(event, arguments)):
                self.seen[f"socket: {event}"] += 1
        elif event in CHANGES or (event == "open" and _writes(arguments)):
            for path in [a for a in arguments[:2 if event in ("os.rename", "shutil.move") else 1] if a]:
                whole = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""
                if whole and not (whole + os.sep).startswith(self.roots) and not whole.startswith(("/dev/", "/proc/")):
                    self.seen[f"write: {event} {whole}"] += 1


def _at_home(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "socket.__new__":
        return True
    address = arguments[0 if event == "socket.getaddrinfo" else 1]
    return (address[0] if isinstance(address, tuple) else address) == OURSELVES


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(set(mode) & set("wax+")) if isinstance(mode, str) else bool(
        (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def inside(folder: Path, commands: tuple[str, ...]) -> dict[str, Any]:
    """Call commands in the folder; return what became of each, and what the hook saw."""
    watch = Watch(folder, os.environ["UNBRAID_CACHE"], os.environ["TMPDIR"])
    watch.on = True
    from unbraid.cli import main

    outcomes = {}
    for command in commands:
        words, began = command.split(" "), time.process_time()
        out, err = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            watch.serving = words[0] == "view"
            if watch.serving:
                threading.Thread(target=look_at, args=(sys.stdout, watch), daemon=True).start()
            code = main(words)
            told = sys.stdout.getvalue() + sys.stderr.getvalue()
        finally:
            sys.stdout, sys.stderr, watch.serving = out, err, False
        outcomes[command] = [code, told[-600:], time.process_time() - began]
        if any(c in told for c in "\x1b\x07\u202e"):
            watch.seen[f"text: {command} printed a control"] += 1
    watch.on = False
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            watch.seen[f"import: {name}"] += 1
    return {"seen": dict(watch.seen), "outcomes": outcomes}


def look_at(printed: io.StringIO, watch: Watch) -> None:
    """Look at all views at the address that `unbraid view` prints, as its page does, and end it by Ctrl-C."""
    until = time.monotonic() + 60
    while not (found := re.search(r"http://([\d.]+):(\d+)/#(\S+)", printed.getvalue())):
        if time.monotonic() > until or sys.stdout is not printed:
            return                                 # it refused to begin
        time.sleep(0.05)
    try:
        client = HTTPConnection(found[1], int(found[2]), timeout=60)

        def ask(path: str, body: Any = None) -> bytes:
            client.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body),
                           {"x-unbraid-token": found[3]})
            answer = client.getresponse()
            content = answer.read()
            if answer.status >= 500:
                watch.seen[f"the viewer answers {answer.status} to {path}"] += 1
            return content

        ask("/")
        for number, view in enumerate(json.loads(ask("/api/model"))["views"]):
            values = {c["name"]: c["pictures"][c["start"]] if c.get("pictures") else c.get("start", 0)
                      for c in view["controls"]}
            ask(f"/api/views/{number}", {"values": values, "tab": "one", "request": 1})
        client.close()
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def attack(parent: Path, *options: str) -> tuple[list[str], dict[str, Any]]:
    """Lay out the folder, and call all commands in a process that begins there; return the faults and outcomes."""
    from hostile_folder import lay_out  # the other process looks for modules nowhere here

    folder = parent / "received"
    for name in ("received", "cache", "tmp", "home"):
        (parent / name).mkdir()
    lay_out(folder)
    around = {**os.environ, "UNBRAID_CACHE": f"{parent}/cache", "TMPDIR": f"{parent}/tmp", "OMP_NUM_THREADS": "1",
              "MPLCONFIGDIR": f"{parent}/cache", "TORCHINDUCTOR_CACHE_DIR": f"{parent}/cache/torch",
              "UNBRAID_DATA": f"{parent}/cache/data", "HF_HOME": f"{parent}/cache/hub", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-P", __file__, "--inside", str(folder), *options], cwd=folder, env=around,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stderr[-2000:]], {}
    found = json.loads(done.stdout.splitlines()[-1])
    if (parent / "marks").exists():
        found["seen"][f"code: {(parent / 'marks').read_text()}"] = 1
    outcomes = found["outcomes"]
    return [*found["seen"], *(f"{command}: exit code {code}: {told}" for command, (code, told, _) in outcomes.items()
                              if code not in (0, 2) or "fault of" in told)], outcomes


def main() -> int:
    """Attack, and say how it went."""
    if sys.argv[1:2] == ["--inside"]:
        chosen = [c for c in COMMANDS if c not in LONG or "--quick" not in sys.argv]
        print(json.dumps(inside(Path(sys.argv[2]), tuple(chosen))))
        return 0
    with tempfile.TemporaryDirectory() as parent:
        faults, outcomes = attack(Path(parent), *sys.argv[1:])
    print(*faults, sep="\n")
    if "--tell" in sys.argv:
        for command, (code, told, seconds) in outcomes.items():
            print(f"{code} {seconds:5.1f} s  {command}\n      {told.strip().splitlines()[0][:150] if code else ''}")
    codes = Counter(code for code, *_ in outcomes.values())
    print(f"{codes.total()} commands in a hostile folder: {codes[0]} gave a result, {codes[2]} refused; no program, "
          f"no socket, no import, no write elsewhere; {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
