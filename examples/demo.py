"""The demo: a small network finds towers, cables and insulators in pictures it has never seen.

    python examples/demo.py                  # 24 pictures, results in demo/, under a minute
    python examples/demo.py --count 100 --frame 1080x1920
    python examples/demo.py --json           # the figures as one document

Draws pictures of power lines (examples/vqi/render) from seeds that training never used, runs the
network of examples/vqi/model on them with edgeinfer, judges the masks against the drawn truth, and
times the same job done with OpenCV, NumPy and onnxruntime's Python API, alternating on the same
frames, one thread each. Then it quantises the network in each way and runs the files beside each
other. Writes overlays, those files, and one report.html that needs nothing else.
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
from PIL import Image

import edgeinfer as ei

EXAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(EXAMPLES / "vqi"))

from evaluate import CALIBRATION_SEEDS, EVALUATION_SEEDS, confusion, figures  # noqa: E402
from render import CLASSES, COLORS, render  # noqa: E402

import quantised  # noqa: E402
from our_way import Bytes, OurWay, Times  # noqa: E402
from page import write_report  # noqa: E402
from report import EightBits, Picture, Report, environment  # noqa: E402

# Training used other millions, evaluation the 300 seeds before these.
FIRST_SEED = 1_000_300
STAGES = ("preprocess", "run", "tail")
# Both sides are timed with each: the one of most tutorials, and the one this network learned with.
RESIZES = {"CV2_LINEAR": "OpenCV's resize", "PIL_BILINEAR": "Pillow's resize"}
SIDES = ("edgeinfer", "common way")
REPEATS = 5
SHOWN = 8  # pictures embedded in the report; all of them lie beside it

Way = Callable[[Bytes], tuple[Bytes, Times]]


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
    stream = sys.stderr if options.json else sys.stdout

    def tell(text: str) -> None:
        print(text, file=stream, flush=True)

    recipe = json.loads((options.model / "recipe.json").read_text())
    model, prepare = options.model / "vqi_light.onnx", ei.Preprocess.from_recipe(recipe)
    ours = OurWay(model, prepare)
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
            tell(f"first picture: {pictures[0].caption}\n  {pictures[0].file}")
        race(pairs, frame, tally, done)
        if done % 4 == 0 or done == options.count:
            so_far = figures(tally.at_network)["miou"]
            spent = time.perf_counter() - start
            tell(f"{done:4d}/{options.count}  mIoU {so_far:.3f}  {spent:.0f} s")

    tell("\nthe network in 8 bits")
    eight_bits = quantised.compare(
        model,
        prepare,
        options.out,
        calibrated=options.calibrated,
        held_out=options.held_out,
        tell=tell,
    )
    report = sum_up(options, tally, pictures, ours.description, versions, eight_bits)
    tell(report.text())
    path = options.out / "report.html"
    write_report(path, report)
    tell(f"\n{path} shows all of this; the pictures are {options.out}/*.overlay.jpg")
    tell("\nThis network has seen drawings only: expect little of it on photographs.")
    tell("On your own picture and model:\n  " + "\n  ".join(report.commands))
    if options.json:
        print(json.dumps(report.to_dict(), indent=2, allow_nan=False))
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Options of the demo."""
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(description=lines[0])
    parser.add_argument("--count", type=int, default=24, help="pictures")
    parser.add_argument("--frame", default="720x1280", help="their height and width, HxW")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the results")
    parser.add_argument(
        "--calibrated", type=int, default=48, help="scenes that quantising looks for ranges on"
    )
    parser.add_argument(
        "--held-out", type=int, default=48, help="scenes that quantised files are judged on"
    )
    parser.add_argument("--json", action="store_true", help="figures on stdout, words on stderr")
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
    for name, most in (("calibrated", CALIBRATION_SEEDS), ("held_out", EVALUATION_SEEDS)):
        if not 1 <= getattr(options, name) <= len(most):
            parser.error(f"--{name.replace('_', '-')} must be 1 to {len(most)}")
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
    eight_bits: EightBits,
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
        eight_bits=eight_bits,
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


if __name__ == "__main__":
    sys.exit(main())
