"""A real browser for tests: Chromium without a window, and what all our pages must be like in it."""

import os
import shutil
import time
from pathlib import Path

import pytest

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1100, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}  # of axe-core
# Told from the page: how much it has jumped, what was played when, how loud each sound is (in the order in which they
# were connected to the loudspeaker), its samples and its strongest frequency, and the time of their clock.
WATCH = """
window.jumps = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.jumps += entry.value;
}).observe({ type: "layout-shift", buffered: true });
window.started = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset, ...more) {
  window.started.push({ when, offset, now: this.context.currentTime, at: performance.now() });
  return start.call(this, when, offset, ...more);
};
window.heard = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...more) {
  if (target instanceof AudioDestinationNode) {
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    connect.call(this, analyser);
    window.heard.push(analyser);
  }
  return connect.call(this, target, ...more);
};
window.audioTime = () => window.heard[0].context.currentTime;
window.samples = () => window.heard.map((analyser) => {
  const samples = new Float32Array(2048);
  analyser.getFloatTimeDomainData(samples);
  return [...samples];
});
window.levels = () => window.samples().map((samples) => {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
});
window.hertz = (number) => {
  const analyser = window.heard[number];
  const power = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(power);
  return (power.indexOf(Math.max(...power)) * analyser.context.sampleRate) / analyser.fftSize;
};
"""


def launched():
    """Chromium; skips the test where there is none. A context manager's generator, for a fixture."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, size=DESK, scheme="light", touch=False):
    """A new page of a person who has not been here before; its `errors` are what went wrong in it."""
    page = browser.new_context(viewport=size, color_scheme=scheme, has_touch=touch).new_page()
    page.add_init_script(WATCH)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
    return page


def until(condition, seconds=60):
    """What `condition()` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def check_page(page):
    """What holds for every page: no error, no jump, nothing wider than the screen, no fault of WCAG A and AA."""
    from axe_playwright_python.sync_playwright import Axe

    assert page.errors == []
    assert page.evaluate("window.jumps") < 0.02
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert faults(Axe().run(page, options=RULES).response) == []


def faults(response):
    """What axe-core found: (the rule, the elements) of each fault."""
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in response["violations"]]


def picture(page, name, folder):
    """Keep a picture of the whole page, in the folder that the environment variable SCREENSHOTS names, or `folder`."""
    folder = Path(os.environ.get("SCREENSHOTS", folder))
    page.screenshot(path=folder / f"{name}.png", full_page=True)
