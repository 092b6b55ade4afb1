"""Time from a slider's event to the drawn picture in a real browser, of `unbraid view`.

    python tests/benchmarks/viewer_latency.py RUN [--events 60] [--every 40]

The slider moves every 40 ms, as a hand does. For every drawing: the time since the first event after the drawing
before, an upper bound. The goal is a 95th percentile under 100 ms for the demo's model. Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

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


def main() -> None:
    """Serve a run, move its first slider, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--every", type=int, default=40, help="milliseconds")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-P", "-m", "unbraid", "view", options.run, "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            address = next(line.strip() for line in server.stdout or () if re.match("http://", line))
            with sync_playwright() as p:
                browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page()
                page.goto(address)
                page.wait_for_selector("[role=tabpanel]:not([hidden]) .outputs[data-request]")
                times = page.evaluate(MOVE, [options.events, options.every])
                browser.close()
        finally:
            server.terminate()
    low, middle, high = np.percentile(times, [5, 50, 95])
    print(json.dumps({"events": options.events, "drawn": len(times), "p5": round(low, 1), "median": round(middle, 1),
                      "p95": round(high, 1), "worst": round(max(times), 1), "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
