"""``edgeinfer run``: a model on image files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edgeinfer.cli import recipe, values
from edgeinfer.cli.document import print_document
from edgeinfer.cli.images import Found, find
from edgeinfer.cli.job import Job, Report, prepare
from edgeinfer.cli.model import naming
from edgeinfer.cli.pictures import plan_stems
from edgeinfer.cli.progress import Progress
from edgeinfer.cli.rows import Rows
from edgeinfer.cli.table import median, printable

__all__ = ["add_parser", "execute"]

_EPILOG = """\
The input formula, per channel, is (x * scale - mean) / std with x the resized value 0 to 255.

examples:
  A classifier trained with PyTorch's usual ImageNet values:
    edgeinfer run resnet.onnx cat.jpg --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225 \\
        --labels imagenet.txt --softmax
  A TensorFlow model that wants -1 to 1, on a folder, with pictures of the masks:
    edgeinfer run deeplab.onnx photos/ --scale 1/127.5 --mean 1 1 1 --labels voc.txt --out masks/
  All values from the file that came with the model, the answer for a program:
    edgeinfer run model.onnx photos/ --recipe recipe.json --json > results.json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the arguments of ``run``."""
    parser = commands.add_parser(
        "run",
        help="run a model on images",
        description="Run a model on images and folders of images; one line each, with stage times.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, usage_error=parser.error)
    parser.add_argument("model", metavar="MODEL", type=Path, help="an .onnx or .ort file")
    parser.add_argument(
        "images", metavar="IMAGE", type=Path, nargs="+", help="image files and folders of them"
    )
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="look into folders inside folders"
    )

    recipe.add_arguments(parser)

    answer = parser.add_argument_group("what to make of the output")
    answer.add_argument(
        "--task",
        choices=("auto", "classify", "segment", "tensors"),
        default="auto",
        help="default auto: judged by the model's outputs",
    )
    answer.add_argument("--labels", metavar="FILE", type=Path, help="class names, one a line")
    answer.add_argument(
        "--top",
        metavar="K",
        type=values.count,
        default=3,
        help="classes to show; default 3",
    )
    answer.add_argument(
        "--softmax", action="store_true", help="scores are logits: make probabilities of them"
    )
    answer.add_argument(
        "--mask-size",
        choices=("frame", "model"),
        default="frame",
        help="pixels of a mask: those of the image (default) or of the model's output",
    )
    answer.add_argument(
        "--out", metavar="DIR", type=Path, help="write overlays and class maps of masks there"
    )

    runtime = parser.add_argument_group("running")
    runtime.add_argument("--threads", metavar="N", type=values.count, help="default: one per core")
    runtime.add_argument(
        "--no-fuse-tail",
        action="store_true",
        help="run the file's own upsampling, not the fused upsampling and argmax",
    )
    runtime.add_argument(
        "--timeout", metavar="S", type=values.seconds, help="give up on an image after S seconds"
    )

    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    output.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def execute(options: argparse.Namespace) -> int:
    """Run the command; 0 if every image gave a result, else 1."""
    recipe.refuse_flags_beside_recipe(options)
    found = find(options.images, recursive=options.recursive, apart=options.out)
    labels = recipe.read_labels(options.labels) if options.labels else ()

    from edgeinfer.options import SessionOptions
    from edgeinfer.session import Session

    settings = SessionOptions(fuse_tail=not options.no_fuse_tail, timeout_s=options.timeout)
    with naming(options.model):
        # Settings that were tuned for the model hold where nothing else is asked for.
        given = None if settings == SessionOptions() else settings
        session = Session(options.model, threads=options.threads, options=given)
    _mention_recipe(options)
    with session:
        job = prepare(session, options, labels)
        reports = _run_all(job, found, options)
        if options.json:
            print_document("run", _document(options, job, found, reports))
    return 1 if any(report.failed for report in reports) else 0


def _run_all(job: Job, found: Found, options: argparse.Namespace) -> list[Report]:
    """Run every image, with rows or progress as it goes."""
    stages = ("decode", "preprocess", *job.task.stages, "total")
    rows = None if options.json else Rows([item.path for item in found.images], stages)
    if rows is not None:
        rows.begin(_headline(options, job))
    progress = Progress(len(found.images), "images", quiet=options.quiet)
    reports = []
    stems = plan_stems(item.place for item in found.images)
    for item, stem in zip(found.images, stems, strict=True):
        report = job.run(item, stem)
        reports.append(report)
        progress.clear()
        if rows is not None:
            rows.add(item.path, report)
        progress.step()
    progress.clear()
    if rows is not None:
        rows.end(_summary(reports, found))
    return reports


def _headline(options: argparse.Namespace, job: Job) -> str:
    height, width = job.preprocess.size
    return (
        f"{printable(options.model.name)}: {job.task.name}, input {height} high, {width} wide, "
        f"{job.wanted.dtype}; times in ms"
    )


def _mention_recipe(options: argparse.Namespace) -> None:
    """Say so if the model's own recipe lies unused beside it: a wrong one gives wrong answers."""
    path = options.model.with_name("recipe.json")
    given = options.recipe or any(getattr(options, flag) is not None for flag in recipe.FLAGS)
    if not given and not options.quiet and path.is_file():
        print(f"edgeinfer: note: not using {path}; add --recipe {path}", file=sys.stderr)


def _summary(reports: list[Report], found: Found) -> dict[str, Any]:
    good = [report.times_ms for report in reports if not report.failed]
    return {
        "images": len(reports),
        "failed": len(reports) - len(good),
        "skipped": found.skipped,
        "median_ms": {
            stage: median([times[stage] for times in good]) for stage in (good[0] if good else ())
        },
    }


def _document(
    options: argparse.Namespace, job: Job, found: Found, reports: list[Report]
) -> dict[str, Any]:
    height, width = job.preprocess.size
    return {
        "model": str(options.model),
        "task": job.task.name,
        "input": {
            "name": job.wanted.name,
            "dtype": job.wanted.dtype,
            "height": height,
            "width": width,
        },
        "session": job.session.describe(),
        "images": [report.facts for report in reports],
        "summary": _summary(reports, found),
    }
