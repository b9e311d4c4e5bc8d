"""The demo: a small network finds towers, cables and insulators in pictures it has never seen.

    python examples/demo.py                  # 24 pictures, results in demo/, about half a minute
    python examples/demo.py --count 100 --frame 1080x1920

Draws pictures of power lines (examples/vqi/render) from seeds that training never used, runs the
network of examples/vqi/model on them with edgeinfer, judges the masks against the drawn truth, and
times the same job done with OpenCV, NumPy and onnxruntime's Python API, alternating on the same
frames, one thread each. Writes overlays and one report.html that needs nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import edgeinfer as ei

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES / "vqi"))

from evaluate import confusion, figures  # noqa: E402
from render import CLASSES, COLORS, render  # noqa: E402

from report import Picture, Report, environment, write_report  # noqa: E402

# Training used other millions, evaluation the 300 seeds before these.
FIRST_SEED = 1_000_300
STAGES = ("preprocess", "run", "tail")
# Both sides are timed with each: the one of most tutorials, and the one this network learned with.
RESIZES = {"CV2_LINEAR": "OpenCV's resize", "PIL_BILINEAR": "Pillow's resize"}
SIDES = ("edgeinfer", "common way")
REPEATS = 5
SHOWN = 8  # pictures embedded in the report; all of them lie beside it

Bytes = NDArray[np.uint8]
Times = dict[str, float]
Way = Callable[[Bytes], tuple[Bytes, Times]]


class OurWay:
    """Frame to mask with edgeinfer, stage by stage."""

    def __init__(self, model: Path, prepare: ei.Preprocess) -> None:
        self._prepare = prepare
        # The binding keeps what it needs of the session alive.
        session = ei.Session(model, threads=1)
        self.description = session.describe()
        self._binding = session.bind()
        (self._input,) = self._binding.inputs.values()

    def __call__(self, frame: Bytes, size: tuple[int, int] | None = None) -> tuple[Bytes, Times]:
        """The mask, of the network's size if no other is wanted, and milliseconds by stage."""
        start = time.perf_counter()
        self._prepare(frame, out=self._input)
        prepared = time.perf_counter()
        mask = self._binding.segment(size=size)
        times = self._binding.last_times
        # Five classes fit into bytes; a mask of more than 256 would hold uint16.
        return mask.classes.astype(np.uint8, copy=False), {
            "preprocess": (prepared - start) * 1e3,
            "run": times.run_ms,
            "tail": times.tail_ms,
        }


@dataclass
class Tally:
    """What adds up over the pictures."""

    times: dict[str, list[Times]] = field(default_factory=dict)
    agreement: dict[str, list[float]] = field(default_factory=dict)
    at_network: Any = 0
    at_frame: Any = 0


def main(argv: list[str] | None = None) -> int:
    """Run the demo; 0 when every picture was done."""
    options = parse(argv)
    recipe = json.loads((options.model / "recipe.json").read_text())
    model = options.model / "vqi_light.onnx"
    ours = OurWay(model, ei.Preprocess.from_recipe(recipe))
    pairs, versions = contestants(model, recipe)
    options.out.mkdir(parents=True, exist_ok=True)

    tally, pictures, start = Tally(), [], time.perf_counter()
    for done, (seed, frame, truth) in enumerate(scenes(options), 1):
        mask, _ = ours(frame)
        at_frame, _ = ours(frame, frame.shape[:2])
        tally.at_network += confusion(render(seed, mask.shape).mask, mask)
        tally.at_frame += confusion(truth, at_frame)
        pictures.append(draw(options.out, seed, frame, truth, at_frame))
        if done == 1:
            print(f"first picture: {pictures[0].caption}\n  {pictures[0].file}", flush=True)
        race(pairs, frame, tally, done)
        if done % 4 == 0 or done == options.count:
            so_far = figures(tally.at_network)["miou"]
            spent = time.perf_counter() - start
            print(f"{done:4d}/{options.count}  mIoU {so_far:.3f}  {spent:.0f} s", flush=True)

    report = sum_up(options, tally, pictures, ours.description, versions)
    print_report(report)
    path = options.out / "report.html"
    write_report(path, report)
    print(f"\n{path} shows all of this; the pictures are {options.out}/*.overlay.jpg")
    print("\nThis network has seen drawings only: expect little of it on photographs.")
    print("On your own picture and model:\n  " + "\n  ".join(report.commands))
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Options of the demo."""
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(description=lines[0])
    parser.add_argument("--count", type=int, default=24, help="pictures")
    parser.add_argument("--frame", default="720x1280", help="their height and width, HxW")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument(
        "--model", type=Path, default=EXAMPLES / "vqi" / "model", help="folder of the network"
    )
    options = parser.parse_args(argv)
    try:
        height, width = (int(side) for side in options.frame.split("x"))
    except ValueError:
        parser.error(f"--frame: expected HxW such as 720x1280, got {options.frame!r}")
    if options.count < 1 or min(height, width) < 64:
        parser.error("--count must be at least 1 and --frame at least 64x64")
    if not (options.model / "vqi_light.onnx").is_file():
        parser.error(
            f"--model: no vqi_light.onnx in {options.model}; examples/vqi/train.py makes it"
        )
    options.frame = (height, width)
    return options


def scenes(options: argparse.Namespace) -> Iterator[tuple[int, Bytes, Bytes]]:
    """Seed, picture and true mask, one after the other."""
    for seed in range(FIRST_SEED, FIRST_SEED + options.count):
        scene = render(seed, options.frame)
        yield seed, scene.image, scene.mask


def contestants(model: Path, recipe: dict[str, Any]) -> tuple[dict[str, list[Way]], str]:
    """By resize: ours and, where its libraries are installed, the common way; their versions."""
    pairs: dict[str, list[Way]] = {
        name: [OurWay(model, ei.Preprocess.from_recipe({**recipe, "resize": name}))]
        for name in RESIZES
    }
    for library in ("cv2", "onnxruntime"):
        if importlib.util.find_spec(library) is None:
            return pairs, f"{library} is not installed"
    from common_way import VERSIONS, CommonWay

    settings = {key: recipe[key] for key in ("scale", "mean", "std")}
    for name, pair in pairs.items():
        pair.append(CommonWay(model, size=tuple(recipe["size"]), resize=name, **settings))
    return pairs, VERSIONS


def race(pairs: dict[str, list[Way]], frame: Bytes, tally: Tally, turn: int) -> None:
    """Time every way on one frame, in an order that changes, after comparing their masks."""
    ways: dict[str, Way] = {}
    for name, pair in pairs.items():
        # This round warms caches and is not timed.
        masks = [way(frame)[0] for way in pair]
        if len(masks) == 2:
            equal = float((masks[0] == masks[1]).mean())
            tally.agreement.setdefault(name, []).append(equal)
        ways |= {f"{side}, {RESIZES[name]}": way for side, way in zip(SIDES, pair, strict=False)}
    names = list(ways)
    for name in names:
        tally.times.setdefault(name, [])
    for repeat in range(REPEATS):
        first = (turn + repeat) % len(names)
        for name in names[first:] + names[:first]:
            tally.times[name].append(ways[name](frame)[1])


def draw(folder: Path, seed: int, photo: Bytes, truth: Bytes, found: Bytes) -> Picture:
    """Write the overlay of one picture and keep small copies for the report."""
    palette = np.array(COLORS, np.uint8)
    areas = np.bincount(found.ravel(), minlength=len(CLASSES))
    mask = ei.Mask(found, areas, CLASSES)
    overlay = mask.overlay(photo, palette=palette)
    path = folder / f"{seed}.overlay.jpg"
    Image.fromarray(overlay).save(path, quality=90)
    drawn = ei.Mask(truth, np.bincount(truth.ravel(), minlength=len(CLASSES)), CLASSES)
    small = [
        jpeg_for_report(picture)
        for picture in (
            photo,
            mask.overlay(photo, palette=palette, legend=False),
            drawn.overlay(photo, palette=palette, legend=False),
        )
    ]
    shares = ", ".join(
        f"{entry['label']} {entry['share']:.1%}" for entry in mask.to_dict()["classes"]
    )
    return Picture(seed, str(path), shares, *small)


def jpeg_for_report(picture: Bytes) -> bytes:
    """A JPEG at most 640 pixels wide."""
    image = Image.fromarray(picture)
    image.thumbnail((640, 640), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=82)
    return file.getvalue()


def sum_up(
    options: argparse.Namespace,
    tally: Tally,
    pictures: list[Picture],
    described: dict[str, Any],
    versions: str,
) -> Report:
    """Medians and figures of the whole run."""
    stages = {
        way: {stage: statistics.median(times[stage] for times in all_times) for stage in STAGES}
        for way, all_times in tally.times.items()
    }
    height, width = options.frame
    folder = from_here(options.model)
    recipe_flags = f"--recipe {folder / 'recipe.json'} --labels {folder / 'labels.txt'}"
    return Report(
        count=options.count,
        frame=f"{width} x {height}",
        environment=environment(described),
        stages=stages,
        pairs=[
            (f"{SIDES[0]}, {RESIZES[name]}", f"{SIDES[1]}, {RESIZES[name]}", min(equal))
            for name, equal in tally.agreement.items()
        ],
        versions=versions,
        at_network=figures(tally.at_network),
        at_frame=figures(tally.at_frame),
        training=read_training(options.model),
        pictures=pictures[:SHOWN],
        classes=list(zip(CLASSES, COLORS, strict=True)),
        commands=[
            f"{program()} run {folder / 'vqi_light.onnx'} PICTURE.jpg {recipe_flags} --out masks",
            f"{program()} run MODEL.onnx PICTURE.jpg "
            "--mean 0.485 0.456 0.406 --std 0.229 0.224 0.225",
        ],
    )


def from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def program() -> str:
    """What to type for this installation's command: its path, where the shell would not find it."""
    installed = Path(sys.executable).with_name("edgeinfer")
    found = shutil.which("edgeinfer")
    same = found is not None and Path(found).resolve() == installed.resolve()
    return "edgeinfer" if same or not installed.exists() else str(from_here(installed))


def read_training(folder: Path) -> dict[str, Any]:
    """The record of the training run: seeds, figures, and how far colour alone gets."""
    record: dict[str, Any] = json.loads((folder / "training.json").read_text())
    return record


def print_report(report: Report) -> None:
    """Figures on the terminal."""
    print(f"\nmasks against the drawn truth, {report.count} pictures, IoU")
    header = "".join(f"{name:>11}" for name in ("mean", *CLASSES))
    print(f"  {'':34}{header}")
    for label, values in report.accuracy():
        row = "".join(f"{values[key]:11.3f}" for key in ("miou", *(f"iou_{c}" for c in CLASSES)))
        print(f"  {label:34}{row}")

    print(f"\nmilliseconds a frame of {report.frame}, one thread, medians")
    header = "".join(f"{name:>12}" for name in (*STAGES, "sum"))
    print(f"  {'':34}{header}")
    for way, times in report.stages.items():
        row = "".join(f"{value:12.2f}" for value in (*times.values(), sum(times.values())))
        print(f"  {way:34}{row}")
    print(f"  common way: {report.versions}")
    for ours, common, agreement in report.pairs:
        print(
            f"  {ours}: {report.speedup(ours, common):.2f} x as fast; "
            f"{report.equal_masks(agreement)}"
        )


if __name__ == "__main__":
    sys.exit(main())
