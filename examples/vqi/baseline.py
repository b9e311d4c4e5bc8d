"""How far colour alone gets: the yardstick the network has to beat clearly.

    python examples/vqi/baseline.py --images 600

Three classifiers that see one pixel at a time, fitted on training seeds:
    box         per class the best box (low and high limit of three channels), in RGB and in
                luma/opponent colours. Each class is judged alone, as if the others never claimed
                its pixels, which favours the boxes.
    histogram   Bayes over a 32 x 32 x 32 colour histogram.
    rows        the same over 16 x 16 x 16 colours and 16 bands of picture rows.
The prior's weight in the last two is chosen for the best mIoU on the training scenes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

import numpy as np
from evaluate import EVALUATION_SEEDS, Counts, confusion, figures, iou, scenes
from numpy.typing import NDArray
from render import CLASSES

Bytes = NDArray[np.uint8]
Index = NDArray[np.int32]
_Index = Callable[[Bytes], Index]

_COUNT = len(CLASSES)
_PRIOR_WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def opponent(pixels: Bytes) -> Bytes:
    """Luma, red minus green and yellow minus blue, each fitted into 0..255; (..., 3) uint8."""
    red, green, blue = (pixels[..., channel].astype(np.int16) for channel in range(3))
    luma = (2 * red + 5 * green + blue) >> 3
    tones = (luma, (red - green) // 2 + 128, (red + green - 2 * blue) // 4 + 128)
    return np.stack(tones, axis=-1).astype(np.uint8)


def bins(pixels: Bytes, bits: int) -> Index:
    """Index of the colour cube cell of (..., 3) pixels, ``bits`` per channel."""
    kept = (pixels >> (8 - bits)).astype(np.int32)
    cell: Index = (kept[..., 0] << (2 * bits)) | (kept[..., 1] << bits) | kept[..., 2]
    return cell


def fine_bins(pixels: Bytes) -> Index:
    """Cell of the 32 x 32 x 32 RGB cube."""
    return bins(pixels, 5)


def tone_bins(pixels: Bytes) -> Index:
    """Cell of the 32 x 32 x 32 luma and opponent colour cube."""
    return bins(opponent(pixels), 5)


def row_bins(pixels: Bytes) -> Index:
    """Colour at four bits per channel, with one of 16 bands of rows; (N, H, W, 3) pixels."""
    rows = pixels.shape[1]
    band = (np.arange(rows, dtype=np.int32) * 16 // rows)[None, :, None]
    cell: Index = (band << 12) | bins(pixels, 4)
    return cell


def tally(cells: Index, masks: Bytes, size: int) -> Counts:
    """Pixels of each class in each cell: (classes, size)."""
    joint = masks.astype(np.int64).ravel() * size + cells.ravel()
    return np.bincount(joint, minlength=_COUNT * size).reshape(_COUNT, size)


def best_box(counts: Counts, label: int) -> tuple[NDArray[np.bool_], float]:
    """Cells of the box with the highest IoU for ``label``, found by moving one face at a time.

    counts: (classes, side ** 3). Starts at several quantile boxes; returns cells and IoU.
    """
    side = round(counts.shape[1] ** (1 / 3))
    mine = counts[label].reshape(side, side, side).astype(np.float64)
    others = counts.sum(axis=0).reshape(side, side, side) - mine
    total = mine.sum()
    best: tuple[float, list[int]] = (0.0, [0, side, 0, side, 0, side])
    for tail in (0.0, 0.02, 0.1, 0.25, 0.4):
        box = []
        for axis in range(3):
            rising = mine.sum(axis=tuple({0, 1, 2} - {axis})).cumsum() / total
            low, high = np.searchsorted(rising, (tail, 1.0 - tail - 1e-12))
            box += [int(low), int(high) + 1]
        score, moved = -1.0, True
        while moved:
            moved = False
            for axis in range(3):
                area = [slice(box[2 * k], box[2 * k + 1]) for k in range(3)]
                area[axis] = slice(None)
                away = tuple({0, 1, 2} - {axis})
                hits = np.concatenate([[0.0], mine[tuple(area)].sum(axis=away).cumsum()])
                wrong = np.concatenate([[0.0], others[tuple(area)].sum(axis=away).cumsum()])
                gained, spoiled = hits[None] - hits[:, None], wrong[None] - wrong[:, None]
                table = np.where(gained > 0, gained / (total + np.maximum(spoiled, 0)), 0.0)
                low, high = divmod(int(table.argmax()), side + 1)
                if table[low, high] > score + 1e-9:
                    score, moved = float(table[low, high]), True
                    box[2 * axis : 2 * axis + 2] = [low, high]
        if score > best[0]:
            best = (score, box)
    inside = np.zeros((side, side, side), np.bool_)
    box = best[1]
    inside[box[0] : box[1], box[2] : box[3], box[4] : box[5]] = True
    return inside.ravel(), best[0]


def fit_bayes(counts: Counts) -> Bytes:
    """Class of each cell: highest count over prior ** weight, the weight with the best mIoU."""
    prior = counts.sum(axis=1, keepdims=True) / counts.sum()
    found, top = np.zeros(counts.shape[1], np.uint8), -1.0
    for weight in _PRIOR_WEIGHTS:
        table = (counts / np.maximum(prior, 1e-12) ** weight).argmax(axis=0).astype(np.uint8)
        joint = np.zeros((_COUNT, _COUNT), np.int64)
        for label in range(_COUNT):
            joint[:, label] = counts[:, table == label].sum(axis=1)
        score = float(np.nanmean(iou(joint)))
        if score > top:
            found, top = table, score
    return found


def compare(
    images: Bytes, masks: Bytes, unseen_images: Bytes, unseen_masks: Bytes
) -> dict[str, dict[str, float]]:
    """Fit on (N, H, W, 3) images and (N, H, W) masks, judge on the unseen ones.

    Returns: figures by classifier: mIoU and the IoU of every class, rounded to four places.
    """
    cells = 32**3
    result: dict[str, dict[str, float]] = {}
    boxes: tuple[tuple[str, _Index], ...] = (("box_rgb", fine_bins), ("box_opponent", tone_bins))
    for name, place in boxes:
        seen = _tally_all(images, masks, cells, place)
        judged = _tally_all(unseen_images, unseen_masks, cells, place)
        each = {}
        for label, class_name in enumerate(CLASSES):
            inside, _ = best_box(seen, label)
            hits = judged[label, inside].sum()
            union = judged[label].sum() + judged[:, inside].sum() - hits
            each[f"iou_{class_name}"] = round(float(hits / union), 4)
        result[name] = {"miou": round(sum(each.values()) / _COUNT, 4), **each}
    tables: tuple[tuple[str, _Index, int], ...] = (
        ("histogram", fine_bins, cells),
        ("rows", row_bins, 16**4),
    )
    for name, index, size in tables:
        table = fit_bayes(_tally_all(images, masks, size, index))
        counts = np.zeros((_COUNT, _COUNT), np.int64)
        for image, mask in zip(unseen_images, unseen_masks, strict=True):
            counts += confusion(mask, table[index(image[None])][0])
        result[name] = {key: round(value, 4) for key, value in figures(counts).items()}
    return result


def _tally_all(images: Bytes, masks: Bytes, size: int, index: _Index) -> Counts:
    counts = np.zeros((_COUNT, size), np.int64)
    for start in range(0, len(images), 8):
        part = np.s_[start : start + 8]
        counts += tally(index(images[part]), masks[part], size)
    return counts


def main(argv: list[str] | None = None) -> int:
    """Fit on the first training seeds of seed 7 and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=600, help="training scenes")
    parser.add_argument("--count", type=int, default=len(EVALUATION_SEEDS), help="unseen scenes")
    args = parser.parse_args(argv)
    arrays: list[Bytes] = []
    for seeds in (range(700_000, 700_000 + args.images), EVALUATION_SEEDS[: args.count]):
        drawn = list(scenes(seeds))
        arrays += [np.stack([s.image for s in drawn]), np.stack([s.mask for s in drawn])]
    print(json.dumps(compare(*arrays), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
