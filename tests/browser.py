"""Headless Chromium over a page, and what its tests look for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDED = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver: apt-get install chromium chromium-driver"
)
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en"),
)

# the contrast of every text with what lies below it (WCAG 2.2), where it is under 4.5
CONTRAST = """
const parse = (color) => {
  const found = [...color.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  return color.startsWith("color(") ? found.map((x, n) => n < 3 ? 255 * x : x) : found;
};
const over = ([r, g, b, a], below) => [r, g, b].map((x, n) => a * x + (1 - a) * below[n]);
const light = (color) => {
  const [r, g, b] = color.map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
  return over(parse(getComputedStyle(element).backgroundColor), below);
};
document.querySelectorAll("details").forEach((each) => { each.open = true; });
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), bad = [];
let count = 0;
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement, style = getComputedStyle(element);
  if (!texts.currentNode.data.trim() || element.closest("defs, style")) continue;
  const below = ground(element), ink = over(parse(element.closest("svg") ? style.fill : style.color), below);
  const [low, high] = [light(ink), light(below)].sort((a, b) => a - b), ratio = (high + 0.05) / (low + 0.05);
  count += 1;
  if (ratio < 4.5) bad.push([texts.currentNode.data.trim(), ratio, ink, below]);
}
return [count, bad];
"""


@contextmanager
def browser(folder: Path) -> Iterator[webdriver.Chrome]:
    """Start Chromium with its own data in an empty folder; its log keeps all errors of pages."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


def show(driver: webdriver.Chrome, width: int, scheme: str = "light", media: str = "") -> None:
    """Set the width of the window in pixels, light or dark, and screen or print."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
