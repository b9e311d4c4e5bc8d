"""The report as one HTML page that loads nothing from elsewhere.

Names in it come from model files and file systems of strangers: everything goes through ``text``,
and the page's own policy forbids all but what it brings along.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Final

from edgeinfer._core import __version__
from edgeinfer.quantize.page.charts import bar, shares
from edgeinfer.quantize.page.layers import layers_section, ranges_section
from edgeinfer.quantize.page.masks import data_url, masks_section
from edgeinfer.quantize.page.wording import agreed, decibels, milliseconds, name, size_of, text
from edgeinfer.quantize.report import QuantizeReport

__all__ = ["page"]

_TERMS: Final = (
    (
        "Agreement",
        "Share of pictures, or of pixels, in which both networks find the same class; of boxes, "
        "how far they overlap on average.",
    ),
    (
        "SQNR",
        "Signal over error, in decibels: 20 dB is an error of a tenth, 40 dB of a hundredth. Of a "
        "layer: its own result when it alone computes in integers, and what that does to the "
        "network's results, before a Softmax or Sigmoid at the end. Of repairs: the mean of the "
        "samples' decibels.",
    ),
    (
        "Range",
        "What the integers of a result span. Values outside of it are cut off; a narrower range "
        "has finer steps. Histograms have a logarithmic scale, and leave exact zeros out.",
    ),
    ("int8, float", "Whether a layer computes in 8-bit integers or as it did before."),
    (
        "Conv + Relu",
        "The second costs nothing: it is expressed by the range of the first one's integers.",
    ),
)


def page(report: QuantizeReport, title: str = "", labels: Sequence[str] = ()) -> str:
    """The page.

    Args:
        title: of the model; "": none is told.
        labels: names of the classes of masks.
    """
    style = _file("page.css") + "".join(
        f".frame-{i}{{background-image:url({data_url(one.frame, 'jpeg')})}}\n"
        for i, one in enumerate(report.pictures)
    )
    script = _file("page.js")
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    sections = (
        _head(report, title),
        _tiles(report),
        _said(report),
        masks_section(report, labels),
        _outputs(report),
        _repairs(report),
        ranges_section(report),
        layers_section(report),
        _made(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title or 'Model')}, quantised</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n<main>\n{chr(10).join(filter(None, sections))}\n"
        f"<footer>Made by edgeinfer {text(__version__)}. This page loads nothing from elsewhere."
        f"</footer>\n</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _file(name: str) -> str:
    return resources.files("edgeinfer.quantize.page").joinpath(name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return f"sha256-{digest}"


def _head(report: QuantizeReport, title: str) -> str:
    facts = [f"{report.mode} for {report.target}", f"activations {report.activations}"]
    facts.append(f"weights {report.weight_bits} bits")
    if report.method is not None:
        parameter = "" if report.parameter is None else f" {report.parameter:g}"
        facts.append(f"{report.method}{parameter} on {report.samples} samples")
    return (
        '<header>\n<p class="kind">Quantised by edgeinfer</p>\n'
        f"<h1>{text(title or 'Report')}</h1>\n"
        f'<p class="facts">{text(", ".join(facts))}</p>\n'
        f'<p class="verdict">{text(_verdict(report))}</p>\n</header>'
    )


def _verdict(report: QuantizeReport) -> str:
    said = [f"has {report.size_ratio:.2f} of the size"]
    if report.speedup is not None:
        if report.speedup >= 1:
            said.append(f"runs {report.speedup:.2f} times as fast on this CPU")
        else:
            said.append(f"takes {1 / report.speedup:.2f} times as long on this CPU")
    agreement = _agreement(report)
    if report.score is not None and report.float_score is not None:
        said.append(
            f"scores {report.score:.4g} where the float network scores {report.float_score:.4g}"
        )
    elif agreement is not None:
        if report.pictures:
            said.append(f"finds the float network's class in {agreed(agreement)} of pixels")
        else:
            said.append(f"agrees with the float network to {agreed(agreement)}")
    *first, last = said
    return f"The new file {', '.join(first)}{' and ' if first else ''}{last}."


def _agreement(report: QuantizeReport) -> float | None:
    """Of the output that agrees least."""
    known = [one.agreement for one in report.outputs if one.agreement is not None]
    return min(known) if known else None


def _tiles(report: QuantizeReport) -> str:
    tiles = (_size(report), _time(report), _accuracy(report), _layers(report))
    return f'<div class="tiles">\n{"".join(tiles)}</div>'


def _tile(title: str, figure: str, small: str, rest: str) -> str:
    return (
        f'<section class="tile"><h3>{text(title)}</h3><div class="figure">{text(figure)} '
        f"<small>{text(small)}</small></div>{rest}</section>\n"
    )


def _pair(before: tuple[float, str], after: tuple[float, str]) -> str:
    """Two bars: float and new, each (amount, as text)."""
    most = max(before[0], after[0]) or 1.0
    return (
        f"<dl><dt>float</dt><dd>{bar(before[0] / most, 'float')}</dd><dd>{text(before[1])}</dd>"
        f"<dt>new</dt><dd>{bar(after[0] / most, 'int8')}</dd><dd>{text(after[1])}</dd></dl>"
    )


def _size(report: QuantizeReport) -> str:
    bars = _pair(
        (report.float_bytes, size_of(report.float_bytes)),
        (report.int8_bytes, size_of(report.int8_bytes)),
    )
    return _tile("File", f"{report.size_ratio:.2f}", "of its size", bars)


def _time(report: QuantizeReport) -> str:
    if report.float_ms is None or report.int8_ms is None or report.speedup is None:
        why = f"The file is for {report.target}: a time taken elsewhere would tell nothing."
        if not report.judged:
            why = "No samples to run it on."
        return _tile("Time", "unknown", "", f"<p>{text(why)}</p>")
    bars = _pair(
        (report.float_ms, milliseconds(report.float_ms)),
        (report.int8_ms, milliseconds(report.int8_ms)),
    )
    return _tile("Time, this CPU", f"{report.speedup:.2f}", "times as fast", bars)


def _accuracy(report: QuantizeReport) -> str:
    limit = _limit(report)
    if report.score is not None and report.float_score is not None:
        low, high = sorted((report.score, report.float_score))
        bars = ""
        if low >= 0 and high > 0:
            bars = _pair(
                (report.float_score, f"{report.float_score:.4g}"),
                (report.score, f"{report.score:.4g}"),
            )
        return _tile("Accuracy", f"{report.score:.4g}", "score", bars + limit)
    agreement = _agreement(report)
    if agreement is not None:
        what = "pixels of the same class" if report.pictures else "the same class or boxes"
        rest = f"{bar(agreement, 'int8')}<p>{what}, on {report.judged} samples</p>"
        return _tile("Agreement with float", agreed(agreement), "", rest + limit)
    worst = min((one.sqnr_db for one in report.outputs), default=None)
    if worst is None:
        return _tile("Accuracy", "unknown", "", "<p>No samples to compare on.</p>")
    rest = f"<p>signal over error of the results, on {report.judged} samples</p>"
    return _tile("Distance from float", decibels(worst), "", rest + limit)


def _limit(report: QuantizeReport) -> str:
    if report.drop is None:
        return ""
    if report.max_drop is None:
        return f"<p>{text(_change(report.drop))}</p>"
    kept = report.drop <= report.max_drop
    badge = (
        f'<span class="badge is-{"good" if kept else "bad"}">{"kept" if kept else "missed"}</span>'
    )
    said = f"{_change(report.drop)}; {report.max_drop:.4g} worse is allowed"
    return f"<p>{badge} {text(said)}</p>"


def _change(drop: float) -> str:
    return f"worse by {drop:.3g}" if drop > 0 else f"better by {-drop:.3g}" if drop else "no change"


def _layers(report: QuantizeReport) -> str:
    counts: dict[str, int] = {}
    for layer in report.layers:
        counts[layer.decision] = counts.get(layer.decision, 0) + 1
    order = sorted(
        counts,
        key=lambda one: (
            ("int8", "merged").index(one) if one in ("int8", "merged") else 2 + (one == "float")
        ),
    )
    kinds = [one if one in ("int8", "merged", "float") else "other" for one in order]
    drawn = shares([(counts[one], kind) for one, kind in zip(order, kinds, strict=True)])
    named = {"merged": "merged into them"}
    key = "".join(
        f'<li><svg class="swatch" viewBox="0 0 1 1" aria-hidden="true"><rect class="{kind}" '
        f'width="1" height="1"/></svg><b>{counts[one]}</b> {text(named.get(one, one))}</li>'
        for one, kind in zip(order, kinds, strict=True)
    )
    integers = sum(count for one, count in counts.items() if one != "float")
    return _tile(
        "Layers",
        str(integers),
        f"of {len(report.layers)} in integers",
        f'{drawn}<ul class="key">{key}</ul>',
    )


def _said(report: QuantizeReport) -> str:
    said = [f"<li><b>{text(report.advice)}</b></li>"] if report.advice else []
    said += [f"<li>{text(_sentence(note))}</li>" for note in report.notes]
    return f'<ul class="said">{"".join(said)}</ul>' if said else ""


def _sentence(note: str) -> str:
    return note[:1].upper() + note[1:] + ("" if note.endswith((".", "!")) else ".")


def _outputs(report: QuantizeReport) -> str:
    if not report.outputs:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{name(one.name)}</th><td class="n">'
        f'{text(decibels(one.sqnr_db))}</td><td class="n">'
        f"{'' if one.agreement is None else text(agreed(one.agreement))}</td></tr>"
        for one in report.outputs
    )
    return (
        f"<section>\n<h2>Results</h2>\n<p>{report.judged} samples through both networks.</p>\n"
        '<div class="card scroll"><table class="tight"><thead><tr><th scope="col">Output</th>'
        '<th scope="col" class="n">SQNR</th><th scope="col" class="n">Agreement</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n</section>"
    )


def _repairs(report: QuantizeReport) -> str:
    if not report.repairs:
        return ""
    rows = ""
    for one in report.repairs:
        state = "in the file" if one.applied else "left out"
        won = ""
        if one.before is not None and one.after is not None:
            gain = one.after - one.before
            kind = "good" if gain > 0 else "bad" if gain < 0 else ""
            won = (
                f"<span>{one.before:.4g} → {one.after:.4g} {text(one.unit)} "
                f'<span class="{kind}">({gain:+.3g})</span></span>'
            )
        rows += (
            f'<tr><th scope="row">{text(one.name)}</th><td data-title="State"><span '
            f'class="badge{" is-int8" if one.applied else ""}">{state}</span></td>'
            f'<td class="n" data-title="Without and with it">{won}</td><td class="n" '
            f'data-title="Took">{one.seconds:.2f} s</td>'
            f'<td data-title="What it did">{text(one.note)}</td></tr>'
        )
    return (
        "<section>\n<h2>Repairs</h2>\n<p>What was tried to keep the accuracy, and what it bought "
        'on calibration samples.</p>\n<div class="card scroll"><table class="stacked"><thead><tr>'
        '<th scope="col">Repair</th><th scope="col">State</th>'
        '<th scope="col" class="n">Without and with it</th><th scope="col" class="n">Took</th>'
        f'<th scope="col">What it did</th></tr></thead><tbody>{rows}</tbody></table></div>\n'
        "</section>"
    )


def _made(report: QuantizeReport) -> str:
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report.seconds.items())
    prepared = ", ".join(f"{step}: {count}" for step, count in report.prepared.items())
    facts = (
        ("Prepared", prepared),
        ("Times of layers", report.timing),
        ("Took", f"{sum(report.seconds.values()):.1f} s: {steps}" if report.seconds else ""),
    )
    rows = "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in facts if v)
    terms = "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in _TERMS)
    return (
        f'<section>\n<h2>How it was made</h2>\n<p></p>\n<dl class="card made">{rows}</dl>\n'
        f'<details class="card terms"><summary>What the words mean</summary><dl>{terms}</dl>'
        "</details>\n</section>"
    )
