"""The report's page as a real browser shows it: Chromium, without a network.

The page's own policy forbids it to load anything; what a browser refuses by it, it says on the
console. So a console without a word means that nothing was asked for outside of the page.
"""

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from edgeinfer.quantize.page import page
from quantize.reports import full_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Alone, away from the user's settings, and with no way to any host.
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars", "--enable-logging=stderr"),
)


def opened(
    source: str, folder: Path, *, size: tuple[int, int] = (1280, 900), flags: tuple[str, ...] = ()
) -> tuple[str, list[str]]:
    """The page's elements after its script ran, and what the browser said on its console."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"found no browser, looked for {', '.join(BROWSERS)}; apt-get install chromium")
    path = folder / "page.html"
    path.write_text(source, encoding="utf-8")
    command = [browser, *FLAGS, *flags, f"--user-data-dir={folder / 'profile'}"]
    command += [f"--window-size={size[0]},{size[1]}", "--dump-dom", path.as_uri()]
    if os.getuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium refuses to be root in its sandbox
    # What the sanitised tests load before Python is not for a browser.
    surroundings = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=surroundings)
    assert done.returncode == 0, done.stderr
    assert "</html>" in done.stdout, done.stderr
    return done.stdout, re.findall(r"CONSOLE:?\S* (.*)", done.stderr)


def answering(source: str, script: str) -> str:
    """The page without its policy, with a script more that ends in ``say(text)``."""
    bare = re.sub(r"<meta http-equiv[^>]*>", "", source)
    say = "const say = text => { document.body.dataset.said = text; };"
    return bare.replace("</body>", f"<script>{say}{script}</script></body>")


def said(elements: str) -> str:
    (text,) = re.findall(r'data-said="([^"]*)"', elements)
    return html.unescape(text)


def test_the_page_opens_without_a_network_and_without_a_word(tmp_path: Path) -> None:
    elements, console = opened(page(full_report(), "net.onnx"), tmp_path)
    assert console == []
    # The script ran: titles are buttons.
    assert elements.count("<button") > 5


def test_what_would_reach_outside_is_refused_and_heard_of(tmp_path: Path) -> None:
    more = (
        '<img src="http://127.0.0.1:9/a.png"><script>document.title = "taken"</script>'
        '<link rel="stylesheet" href="http://127.0.0.1:9/a.css">'
    )
    source = page(full_report(), "net.onnx").replace("</main>", f"{more}</main>")
    elements, console = opened(source, tmp_path)
    assert "<title>taken" not in elements
    assert len([line for line in console if "Content Security Policy" in line]) == 3


def test_all_pictures_of_the_page_load(tmp_path: Path) -> None:
    script = """say([...document.images].map(one => `${one.complete} ${one.naturalWidth}`).join()
        + getComputedStyle(document.querySelector(".base")).backgroundImage.slice(0, 20))"""
    elements, _ = opened(answering(page(full_report(), "t"), script), tmp_path)
    assert said(elements) == ",".join(["true 24"] * 4) + 'url("data:image/jpeg'


def test_a_click_on_a_title_sorts_and_unknown_figures_stay_last(tmp_path: Path) -> None:
    script = """
        const titles = [...document.querySelectorAll(".sortable thead th")];
        const title = titles.find(one => one.textContent === "SQNR, network");
        const names = () => [...document.querySelectorAll(".sortable tbody bdi")]
            .map(one => one.textContent).join(" ");
        const all = [names()];
        for (let i = 0; i < 2; ++i) {
            title.firstChild.click();
            all.push(`${title.getAttribute("aria-sort")}: ${names()}`);
        }
        titles[0].firstChild.click();
        all.push(names(), title.getAttribute("aria-sort"));
        say(all.join("; "));"""
    elements, _ = opened(answering(page(full_report(), "t"), script), tmp_path)
    assert said(elements) == (
        "first second last; ascending: second first last; descending: first second last; "
        "first second last; "
    )


@pytest.mark.parametrize("width", [360, 500, 800, 1280, 1920])
def test_nothing_hangs_over_the_edge_at_any_width(width: int, tmp_path: Path) -> None:
    # A frame is as narrow as a phone; the window of some versions is not.
    inner = html.escape(re.sub(r"<meta http-equiv[^>]*>", "", page(full_report(), "t" * 60)))
    source = (
        f'<!doctype html><html><body><iframe width="{width}" height="800" srcdoc="{inner}">'
        "</iframe><script>const say = text => { document.body.dataset.said = text; };"
        "const frame = document.querySelector('iframe'); frame.onload = () => {"
        "const root = frame.contentDocument.documentElement;"
        "say(`${root.scrollWidth} ${root.clientWidth}`); }</script></body></html>"
    )
    elements, _ = opened(source, tmp_path, size=(2000, 900))
    scroll, client = map(int, said(elements).split())
    assert scroll <= client <= width


@pytest.mark.parametrize(("scheme", "brightness"), [("1", (200, 255)), ("0", (0, 60))])
def test_light_and_dark_follow_the_reader(
    scheme: str, brightness: tuple[int, int], tmp_path: Path
) -> None:
    picture = tmp_path / "page.png"
    flags = (f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
    opened(page(full_report(), "t"), tmp_path, flags=flags)
    with Image.open(picture) as image:
        low, high = brightness
        assert low <= image.convert("L").getpixel((5, 5)) <= high
