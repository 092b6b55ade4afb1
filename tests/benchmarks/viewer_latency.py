"""Time from a slider's event to the drawn picture, and of a mesh's update in place, in a real browser.

    python tests/benchmarks/viewer_latency.py RUN [--events 60] [--every 40] [--busy 2] [--mesh]

The slider moves every 40 ms, as a hand does. For every drawing: the time since the first event after the drawing
before, an upper bound. The goal is a 95th percentile under 100 ms for the demo's model. `server` is the part of it that
the server took, from a request's arrival to its answer. --busy starts processes that compute all the time.

With --mesh a ball of 10,242 vertices is drawn instead of the run's images. `update in place` is the time from numbers
that have arrived to a geometry that was handed to WebGL; the goal is less than 50 ms. `update to pixels` also waits for
pixels that are read back: here chromium draws them without a graphics card. Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

MOVE = """([events, every]) => new Promise((done) => {
    const panel = document.querySelector('[role=tabpanel]:not([hidden])');
    const slider = panel.querySelector('input[type=range]'), outputs = panel.querySelector('.outputs');
    const times = []; let began = [], sent = 0;
    new MutationObserver(() => { if (began.length) { times.push(performance.now() - began[0]); began = []; } })
        .observe(outputs, {attributes: true, attributeFilter: ['data-request']});
    const timer = setInterval(() => {
        if (sent++ >= events) { clearInterval(timer); setTimeout(() => done(times), 1000); return; }
        slider.value = (sent % 100) / 100; began.push(performance.now()); slider.dispatchEvent(new Event('input'));
    }, every);
})"""


# A plugin with one view: a ball whose waves a slider moves, coloured by height
BALL = """
import torch
import trimesh
from unbraid import hookimpl
from unbraid_plugins.tools.viewer import View, controls, outputs

ball = trimesh.creation.icosphere(subdivisions=5)
vertices, faces = torch.from_numpy(ball.vertices).float(), torch.from_numpy(ball.faces)


def draw(values):
    height = 1 + 0.1 * torch.sin(8 * vertices[:, :1] + 6 * values["phase"])
    return outputs.Mesh(height * vertices, faces, (0.5 + 0.5 * vertices) * height.clamp(max=1))


@hookimpl
def unbraid_views(scene):
    return [View("ball", [controls.Slider("phase")], draw)]
"""
WATCH = """async () => {
    const {Stage} = await import("/page/mesh.js"), show = Stage.prototype.show;
    [window.updates, window.pixels] = [[], []];
    Stage.prototype.show = async function (...told) {
        const began = performance.now();
        await show.apply(this, told);
        window.updates.push(performance.now() - began);
        const gl = this.renderer.getContext();
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        window.pixels.push(performance.now() - began);
    };
}"""
FLAGS = ["--no-sandbox"]
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]              # without a graphics card
SERVER = "performance.getEntriesByType('resource').flatMap((e) => e.serverTiming).map((t) => t.duration)"


def main() -> None:
    """Serve a run, move its first slider, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--every", type=int, default=40, help="milliseconds")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="so many processes compute all the time")
    parser.add_argument("--mesh", action="store_true")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder, "ball.py")
        plugin.write_text(BALL)
        command = [sys.executable, "-P", "-m", "unbraid", "view", options.run, "--no-browser",
                   *(["--plugin", str(plugin)] if options.mesh else [])]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
            busy: list[subprocess.Popen[bytes]] = []
            try:
                address = next(line.strip() for line in server.stdout or () if re.match("http://", line))
                with sync_playwright() as p:
                    browser = p.chromium.launch(executable_path=shutil.which("chromium"),
                                                args=FLAGS + WEBGL * options.mesh)
                    page = browser.new_page()
                    page.goto(address)
                    page.wait_for_selector("[role=tabpanel]:not([hidden]) .outputs[data-request]")
                    if options.mesh:
                        page.evaluate(WATCH)
                        page.get_by_role("tab", name="ball").click()
                        page.wait_for_selector("[role=tabpanel]:not([hidden]) .outputs[data-request] figure")
                    busy += [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
                    page.evaluate("performance.clearResourceTimings()")
                    times = page.evaluate(MOVE, [options.events, options.every])
                    served = page.evaluate(SERVER)
                    updates, drawn = page.evaluate("[window.updates ?? [], window.pixels ?? []]")
                    browser.close()
            finally:
                for process in busy:
                    process.kill()
                    process.wait()
                server.terminate()
    told = {"events": options.events, "drawn": len(times), **{f"event to picture, {n}": v for n, v in ends(times)},
            **{f"server, {n}": v for n, v in ends(served)},
            **{f"update in place, {n}": v for n, v in ends(updates[1:])},          # the first makes the geometry
            **{f"update to pixels, {n}": v for n, v in ends(drawn[1:])}}
    print(json.dumps({**told, "load": os.getloadavg()[0]}))


def ends(times: list[float]) -> list[tuple[str, Any]]:
    """Median, 95th percentile and maximum of times in milliseconds."""
    if not times:
        return []
    return [(name, round(float(np.percentile(times, q)), 1)) for name, q in (("p50", 50), ("p95", 95), ("most", 100))]


if __name__ == "__main__":
    main()
