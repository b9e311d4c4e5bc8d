"""Masks before and after, on the report's page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from edgeinfer.quantize.page.wording import agreed, name, text
from edgeinfer.quantize.report import MaskPictures, QuantizeReport

__all__ = ["data_url", "masks_section"]


def data_url(file: bytes, kind: str) -> str:
    """A picture file as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def masks_section(report: QuantizeReport, labels: Sequence[str]) -> str:
    """Each picture beside its masks; the class ``frame-N`` of the style holds the picture itself.

    Args:
        labels: names of the classes; missing ones are numbered.
    """
    if not report.pictures:
        return ""
    which = "Masks over what the network was given. The background is not coloured."
    if len(report.pictures) == 3 and report.judged > 3:
        which = (
            f"Of {report.judged} samples the one that changed most, a typical one, and the one "
            "that changed least. The background is not coloured."
        )
    shots = "".join(_shot(i, one, labels) for i, one in enumerate(report.pictures))
    return f"<section>\n<h2>Before and after</h2>\n<p>{text(which)}</p>\n{shots}</section>"


def _shot(place: int, shot: MaskPictures, labels: Sequence[str]) -> str:
    def called(number: int) -> str:
        return labels[number] if number < len(labels) else f"class {number}"

    def told(shares: Iterable[float]) -> str:
        pairs = zip(shot.classes, shares, strict=True)
        return ", ".join(f"{called(one.number)} {agreed(share)}" for one, share in pairs)

    before, after = (one.before for one in shot.classes), (one.after for one in shot.classes)

    panels = (
        (b"", "The picture", f"The picture {shot.name}", ""),
        (shot.float_mask, "Float", f"Mask of the float network: {told(before)}", ""),
        (shot.int8_mask, "Quantised", f"Mask of the quantised network: {told(after)}", ""),
        (
            shot.difference,
            "What changed",
            f"Pixels whose class changed: {agreed(1 - shot.agreement, up=True)}",
            " pale",
        ),
    )
    drawn = ""
    for mask, caption, alt, pale in panels:
        file = data_url(mask, "png") if mask else data_url(_see_through(shot), "svg+xml")
        drawn += (
            '<figure class="panel"><div class="stack">'
            f'<div class="base frame-{place}{pale}"></div><img src="{file}" width="{shot.width}" '
            f'height="{shot.height}" alt="{text(alt)}"></div><p>{text(caption)}</p></figure>'
        )
    key = "".join(
        '<li><svg class="swatch" viewBox="0 0 1 1" aria-hidden="true">'
        f'<rect fill="{text(one.colour)}" width="1" height="1"/></svg><b>{text(called(one.number))}'
        f"</b> {agreed(one.before)} → {agreed(one.after)}</li>"
        for one in shot.classes
        if one.number
    )
    return (
        f'<figure class="card shot"><figcaption><b>{name(shot.name)}</b>'
        f'<span class="soft">same class in {agreed(shot.agreement)} of pixels</span>'
        "</figcaption>\n"
        f'<div class="panels">{drawn}</div><ul class="key">{key}</ul></figure>\n'
    )


def _see_through(shot: MaskPictures) -> bytes:
    size = f'width="{shot.width}" height="{shot.height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}/>'.encode()
