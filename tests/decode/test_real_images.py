"""Real photographs and the formats' own test pictures: the pixels are Pillow's."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from decode.samples import pillow, pixels


def test_every_picture_equals_pillow(
    shared_data: Path, summary_line: Callable[[str, str], None]
) -> None:
    folder = shared_data / "images"
    rows = list(csv.DictReader((folder / "manifest.csv").read_text().splitlines()))
    decodable = [row for row in rows if row["pillow"] == "ok"]
    kinds: Counter[str] = Counter()
    for row in decodable:
        path = folder / row["path"]
        expected = pillow(path.read_bytes())
        np.testing.assert_array_equal(pixels(path), expected, err_msg=row["path"])
        kinds[row["format"]] += 1
    assert len(decodable) >= 150
    summary_line(
        "decoded pictures",
        f"images: {len(decodable)} of {len(rows)} pictures that Pillow decodes equal its "
        f"convert('RGB') with EXIF applied ({', '.join(f'{n} {k}' for k, n in kinds.items())})",
    )


@pytest.mark.parametrize("folder", ["labelled", "segmentation"])
def test_data_sets_equal_pillow(
    folder: str, shared_data: Path, summary_line: Callable[[str, str], None]
) -> None:
    suffixes = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
    paths = [path for path in (shared_data / folder).rglob("*") if path.suffix.lower() in suffixes]
    for path in paths:
        expected = pillow(path.read_bytes())
        np.testing.assert_array_equal(pixels(path), expected, err_msg=str(path))
    assert len(paths) >= 50
    summary_line(
        "decoded pictures", f"{folder}: {len(paths)} of {len(paths)} pictures equal Pillow's"
    )
