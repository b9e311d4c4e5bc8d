"""Train the light segmentation network on rendered scenes, on the CPU, and export it.

    python examples/vqi/train.py --out DIR --seed 7 --minutes 30
    python examples/vqi/train.py --out DIR2 --seed 8 --minutes 10 --start DIR/last.pt

Renders the training scenes, trains for the minutes given, judges the result on scenes it has
never seen, writes vqi_light.onnx, labels.txt, recipe.json, training.json, log.csv and last.pt.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import math
import sys
import time
from pathlib import Path

import baseline
import numpy as np
import torch
from dataset import SEEDS_PER_RUN, Scenes, batch, render_all, to_input
from evaluate import EVALUATION_SEEDS, Counts, confusion, figures
from export import export, parity, versions, write_recipe
from network import VqiLight, multiply_adds, parameters
from render import CLASSES
from torch import Tensor, nn
from torch.nn import functional

# Thin classes weigh more, but moderately: the overlap term below already favours them, and heavy
# weights fatten cables, which lowers their IoU.
CLASS_WEIGHTS = (0.8, 0.8, 1.0, 1.5, 2.0)
FULL_SIZE_FROM = 0.6  # share of the training after which whole pictures replace crops
CROP = 224


def loss_of(logits: Tensor, truth: Tensor) -> Tensor:
    """Weighted cross-entropy plus one minus the soft Jaccard index of the three thin classes."""
    entropy = functional.cross_entropy(logits, truth, torch.tensor(CLASS_WEIGHTS))
    share = functional.softmax(logits, dim=1)[:, 2:]
    wanted = torch.stack([truth == label for label in range(2, len(CLASSES))], dim=1).float()
    both = (share * wanted).sum(dim=(0, 2, 3))
    either = (share + wanted).sum(dim=(0, 2, 3)) - both
    return entropy + (1 - (both + 1) / (either + 1)).mean()


def rate_at(progress: float, peak: float) -> float:
    """One cycle: linear warm-up over the first twentieth, then a cosine to nothing."""
    if progress < 0.05:
        return peak * (0.1 + 0.9 * progress / 0.05)
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95))


def judge(model: nn.Module, scenes: Scenes) -> Counts:
    """Confusion counts of the model over ``scenes``."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(scenes), 10):
            found = model(to_input(scenes.images[start : start + 10])).argmax(dim=1)
            counts += confusion(scenes.masks[start : start + 10], found.numpy().astype(np.uint8))
    model.train()
    return counts


def train(
    model: nn.Module, scenes: Scenes, held_out: Scenes, args: argparse.Namespace
) -> tuple[int, int]:
    """Train in place until the minutes are over; return steps taken and pictures seen."""
    rng = np.random.default_rng(args.seed)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.rate)
    order = rng.permutation(len(scenes))
    at = steps = seen = 0
    began = said = time.perf_counter()
    checked, average = 0.0, 0.0
    with (args.out / "log.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(("seconds", "step", "pictures", "rate", "loss", "miou", "iou_cable"))
        while (elapsed := time.perf_counter() - began) < args.minutes * 60:
            progress = elapsed / (args.minutes * 60)
            if at + args.batch > len(order):
                order, at = rng.permutation(len(scenes)), 0
            rate = rate_at(progress, args.rate)
            for group in optimizer.param_groups:
                group["lr"] = rate
            side = CROP if progress < FULL_SIZE_FROM else 320
            inputs, truth = batch(rng, scenes, order[at : at + args.batch], side)
            loss = loss_of(model(inputs), truth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            at, steps, seen = at + args.batch, steps + 1, seen + args.batch
            average = loss.item() if steps == 1 else 0.97 * average + 0.03 * loss.item()
            now = time.perf_counter()
            if now - said < 15:
                continue
            said = now
            scores = ("", "")
            line = f"{progress:5.1%}  step {steps}  loss {average:.3f}  rate {rate:.1e}"
            if progress - checked > 0.1:
                checked = progress
                part = figures(judge(model, held_out))
                scores = (f"{part['miou']:.4f}", f"{part['iou_cable']:.4f}")
                line += f"  mIoU {scores[0]}  cable {scores[1]}"
                torch.save(model.state_dict(), args.out / "last.pt")
            print(f"{line}  {args.minutes - (now - began) / 60:.1f} min left", flush=True)
            log.writerow(
                (f"{now - began:.0f}", steps, seen, f"{rate:.2e}", f"{average:.4f}", *scores)
            )
            file.flush()
    return steps, seen


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(argv: list[str] | None = None) -> int:
    """Render, train, judge, export, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for model and record")
    parser.add_argument("--seed", type=int, default=7, help="0..9: scenes, weights and batches")
    parser.add_argument("--minutes", type=float, default=30.0, help="training proper")
    parser.add_argument("--images", type=int, default=6000, help="training scenes to render")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate")
    parser.add_argument("--start", type=Path, help="weights to go on from (a last.pt)")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    if not 0 <= args.seed <= 9 or not 1 <= args.images <= SEEDS_PER_RUN - 100:
        parser.error("--seed must be 0..9 and --images below 100000: other seeds are kept unseen")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    began = time.perf_counter()
    first = args.seed * SEEDS_PER_RUN
    seeds = range(first, first + args.images)
    scenes = render_all(seeds, processes=2, note="training")
    # For the progress lines only: the evaluation scenes are not looked at before the end.
    watched = range(first + SEEDS_PER_RUN - 60, first + SEEDS_PER_RUN)
    held_out = render_all(watched, processes=2, note="watched")
    rendered_s = time.perf_counter() - began

    model = VqiLight().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.start:
        model.load_state_dict(torch.load(args.start, weights_only=True))
    steps, seen = train(model, scenes, held_out, args)
    torch.save(model.state_dict(), args.out / "last.pt")
    unseen = render_all(EVALUATION_SEEDS, processes=2, note="evaluation")
    scores = figures(judge(model, unseen))
    fitted = slice(0, 1500)  # more scenes no longer change the histograms
    simple = baseline.compare(
        scenes.images[fitted], scenes.masks[fitted], unseen.images, unseen.masks
    )

    path = args.out / "vqi_light.onnx"
    digest = export(model, path)
    record = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": args.seed,
        "training_seeds": [seeds.start, seeds.stop - 1],
        "evaluation_seeds": [EVALUATION_SEEDS.start, EVALUATION_SEEDS.stop - 1],
        "images": len(scenes),
        "minutes": args.minutes,
        "started_from": digest_of(args.start) if args.start else None,
        "render_minutes": round(rendered_s / 60, 2),
        "steps": steps,
        "batch": args.batch,
        "epochs": round(seen / len(scenes), 2),
        "peak_rate": args.rate,
        "torch_threads": args.threads,
        "versions": versions(),
        "parameters": parameters(model),
        "multiply_adds": multiply_adds(model),
        "file": path.name,
        "file_bytes": path.stat().st_size,
        "sha256": digest,
        "evaluation": {name: round(value, 4) for name, value in scores.items()},
        "baseline": simple,
        "parity_max_abs": parity(model, path, unseen.images[:8]),
    }
    write_recipe(args.out)
    (args.out / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
