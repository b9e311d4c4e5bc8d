"""Mode "mixed": the drop is kept or nothing is written; times of layers; profiles of machines."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import edgeinfer
from edgeinfer import InputError, ModelError
from edgeinfer.quantize import profile_layers
from edgeinfer.quantize.layer_profile import read_profile, write_profile
from edgeinfer.quantize.layer_time import measure_layers
from edgeinfer.quantize.network import Network, label
from edgeinfer.quantize.plan import Plan, make_plan
from edgeinfer.quantize.prepare import prepare
from edgeinfer.quantize.report import QuantizeReport
from edgeinfer.quantize.targets import choose_target
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")

LAYERS = ("n.t0", "n.t1", "n.t3")
# A weight of 10,000 beside ones of 1 on one grid: the latter are rounded away.
LOUD = 10_000.0


def with_one_bad_layer() -> FloatNetwork:
    """Three convolutions; the first has large weights for what is always zero."""
    net = FloatNetwork(shape=(1, 4, 8, 8))
    first = net.rng.normal(0, 1, (6, 4, 1, 1))
    first[:, 3] = LOUD
    bad = net.node("Conv", ["x", net.constant(first), net.constant(np.zeros(6))])
    middle = net.node("Relu", [net.conv(bad, 6, 6)])
    net.node("Conv", [middle, net.constant(net.rng.normal(0, 1, (5, 6, 1, 1)))])
    return net


@pytest.fixture
def net() -> tuple[FloatNetwork, bytes]:
    net = with_one_bad_layer()
    return net, net.model(net.nodes[-1].output[0]).SerializeToString()


def quiet(net: FloatNetwork, number: int) -> np.ndarray:
    sample = net.sample(number)
    sample[:, 3] = 0
    return sample


def samples(net: FloatNetwork, count: int = 40) -> list[dict[str, np.ndarray]]:
    return [{"x": quiet(net, i)} for i in range(count)]


def profile(path: Path, exact: float, rounded: float) -> Path:
    layers = {name: {"float": exact, "int8": rounded} for name in LAYERS}
    path.write_text(json.dumps({"cpu": "a board", "layers": layers}))
    return path


def for_a_board(net: tuple[FloatNetwork, bytes], out: Path, times: Path) -> QuantizeReport:
    """By times that are given, with any drop allowed."""
    return edgeinfer.quantize(
        net[1],
        out,
        samples=samples(net[0]),
        mode="mixed",
        max_drop=0.99,
        target="a72",
        profile=times,
    )


def decisions(report: QuantizeReport) -> dict[str, str]:
    return {layer.name: layer.decision for layer in report.layers if layer.op == "Conv"}


def test_the_layer_that_hurts_stays_in_float_and_the_drop_is_kept(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    given = samples(net[0])
    plain = edgeinfer.quantize(
        net[1], tmp_path / "static.onnx", samples=given, method="minmax", target="a72"
    )
    assert plain.outputs[0].agreement is not None
    assert plain.outputs[0].agreement < 0.8
    told: list[tuple[str, int, int | None]] = []
    report = edgeinfer.quantize(
        net[1],
        tmp_path / "mixed.onnx",
        samples=given,
        mode="mixed",
        method="minmax",
        max_drop=0.05,
        target="a72",
        profile=profile(tmp_path / "p.json", 2.0, 1.0),
        progress=lambda *step: told.append(step),
    )
    assert decisions(report) == dict(zip(LAYERS, ("float", "int8", "int8"), strict=True))
    first = report.layers[0]
    assert "in integers it alone leaves the results at" in first.reason
    assert first.network_sqnr_db is not None
    assert first.network_sqnr_db < min(
        one.network_sqnr_db for one in report.layers[1:] if one.network_sqnr_db is not None
    )
    assert (first.float_ms, first.int8_ms) == (2.0, 1.0)
    assert first.macs == 4 * 6 * 64
    assert report.max_drop == 0.05
    assert report.drop is not None
    assert report.outputs[0].agreement == pytest.approx(1 - report.drop)
    assert report.drop <= 0.05
    assert report.timing == "profile p.json"
    assert ("search", 0) in {(step, done) for step, done, _ in told}
    kept = {one.key: one.value for one in onnx.load(tmp_path / "mixed.onnx").metadata_props}
    assert json.loads(kept["edgeinfer.quantize"])["mode"] == "mixed"


@pytest.mark.parametrize(("max_drop", "told"), [(0.02, True), (0.05, False), (0.0, False)])
def test_a_drop_of_less_than_one_answer_is_noted(
    tmp_path: Path, max_drop: float, told: bool
) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    pooled = net.node("GlobalAveragePool", [net.conv(net.conv("x", 6, 4), 5, 6)])
    model = net.model(net.node("Flatten", [pooled], axis=1)).SerializeToString()
    report = edgeinfer.quantize(
        model,
        tmp_path / "mixed.onnx",
        samples=[{"x": net.sample(i)} for i in range(40)],
        mode="mixed",
        max_drop=max_drop,
        target="a72",
    )
    notes = [note for note in report.notes if "of 40 answers compared is less than one" in note]
    assert len(notes) == told
    assert not told or "give 50 or more" in notes[0]


def test_a_drop_that_no_choice_keeps_is_told_and_the_old_file_stays(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "mixed.onnx"
    out.write_bytes(b"old")
    calls = []

    def worse_each_time(session: edgeinfer.Session) -> float:
        calls.append(session)
        return -float(len(calls))

    with pytest.raises(ModelError, match=r"drop of 1 in score at best.*wanted at most 0\.5"):
        edgeinfer.quantize(
            net[1],
            out,
            samples=samples(net[0], 4),
            mode="mixed",
            max_drop=0.5,
            evaluate=worse_each_time,
        )
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["mixed.onnx"]


def test_the_callers_measure_chooses_and_is_reported(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    sample = quiet(net[0], 77)
    with edgeinfer.Session(net[1], cache=False) as session:
        (wanted,) = session.run(sample).values()

    def share(session: edgeinfer.Session) -> float:
        (found,) = session.run(sample).values()
        return float((found.argmax(1) == wanted.argmax(1)).mean())

    report = edgeinfer.quantize(
        net[1],
        tmp_path / "mixed.onnx",
        samples=samples(net[0]),
        mode="mixed",
        method="minmax",
        max_drop=0.1,
        evaluate=share,
    )
    assert report.float_score == 1.0
    assert report.score is not None
    assert report.score >= 0.9
    with edgeinfer.Session(tmp_path / "mixed.onnx", cache=False) as session:
        assert report.score == pytest.approx(share(session), abs=0.02)
    assert report.layers[0].decision == "float"
    assert report.timing == "measured on this CPU"


def test_integers_that_are_slower_are_written_when_asked_for_and_called_useless(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    times = profile(tmp_path / "slow.json", 1.0, 3.0)
    report = for_a_board(net, tmp_path / "mixed.onnx", times)
    assert set(decisions(report).values()) == {"int8"}
    assert "do not make this network faster on the machine of profile slow.json" in report.advice
    assert "9.00 ms a run, in float 3.00 ms" in report.advice


def test_a_layer_that_is_slower_in_integers_stays_in_float_for_the_time(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    path = profile(tmp_path / "p.json", 2.0, 1.0)
    document = json.loads(path.read_text())
    document["layers"]["n.t3"]["int8"] = 4.0
    path.write_text(json.dumps(document))
    report = for_a_board(net, tmp_path / "mixed.onnx", path)
    assert decisions(report) == dict(zip(LAYERS, ("int8", "int8", "float"), strict=True))
    assert report.layers[-1].reason == "faster in float"
    assert report.advice == ""


def test_a_target_nobody_measured_is_ranked_by_multiply_adds_and_says_so(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    report = edgeinfer.quantize(
        net[1],
        tmp_path / "mixed.onnx",
        samples=samples(net[0], 4),
        mode="mixed",
        max_drop=0.99,
        target="a72" if choose_target(None).name != "a72" else "x86-64",
    )
    assert report.timing == "no timing known"
    assert any("multiply-adds" in note for note in report.notes)
    assert all(layer.float_ms is None for layer in report.layers)


def test_static_mode_tells_of_each_layer_when_asked(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    given = samples(net[0], 4)
    plain = edgeinfer.quantize(net[1], tmp_path / "a.onnx", samples=given)
    full = edgeinfer.quantize(net[1], tmp_path / "b.onnx", samples=given, analyse=True)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert plain.timing == ""
    assert all(layer.sqnr_db is None for layer in plain.layers)
    for layer in full.layers:
        assert (layer.sqnr_db is None) == (layer.decision != "int8")
        assert (layer.int8_ms is None) == (layer.decision == "merged")
    json.dumps(full.to_dict(), allow_nan=False)


def test_times_are_told_by_layer_through_what_the_runtime_fuses() -> None:
    net = FloatNetwork(shape=(1, 8, 64, 64))
    big = net.node("Relu", [net.conv("x", 64, 8, kernel=3)])
    small = net.conv(net.node("MaxPool", [big], kernel_shape=[8, 8], strides=[8, 8]), 4, 64)
    last = net.node("Softmax", [small], axis=1)
    network = prepare(net.model(last).SerializeToString()).network
    plan = make_plan(network)
    before = network.model.SerializeToString()
    times = measure_layers(network, plan, choose_target(None), {"x": net.sample()}, threads=1)
    places = {node.output[0]: i for i, node in enumerate(network.nodes)}
    conv = places[network.nodes[places[big]].input[0]]
    # Relu counts to the convolution that it is fused into.
    assert places[big] not in times.float_ms
    assert places[big] not in times.int8_ms
    for found in (times.float_ms, times.int8_ms):
        assert found[conv] > found[places[small]] > 0
        assert found[places[last]] > 0
    assert times.rounding_ms > 0
    assert network.model.SerializeToString() == before


@pytest.fixture
def planned(net: tuple[FloatNetwork, bytes]) -> tuple[Network, Plan]:
    network = prepare(net[1]).network
    return network, make_plan(network)


def test_a_profile_comes_back_as_it_was_written(
    net: tuple[FloatNetwork, bytes], planned: tuple[Network, Plan], tmp_path: Path
) -> None:
    times = measure_layers(*planned, choose_target(None), {"x": net[0].sample()})
    file = tmp_path / "pi.json"
    write_profile(file, planned[0], times, "Cortex-A72", "a72")
    found = read_profile(file, *planned)
    assert found.source == "profile pi.json"
    for mine, theirs in ((times.float_ms, found.float_ms), (times.int8_ms, found.int8_ms)):
        assert {k: v for k, v in theirs.items() if v} == pytest.approx(dict(mine), abs=1e-6)
    assert json.loads(file.read_text())["cpu"] == "Cortex-A72"


GOOD: dict[str, Any] = {"layers": {name: {"float": 2, "int8": 1.5} for name in LAYERS}}


def altered(change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(json.dumps(GOOD))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no JSON"),
        ("\udcff", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "list"),
        ("{}", "layers: NoneType"),
        (altered(lambda d: d.update(layers=[1])), "layers: list"),
        (altered(lambda d: d.update(cpu=["x"])), "cpu"),
        (altered(lambda d: d.update(edgeinfer_profile=2)), "version 2"),
        (altered(lambda d: d["layers"].pop("n.t1")), r"1 layers.*'n\.t1'"),
        (altered(lambda d: d["layers"]["n.t0"].pop("int8")), r"'n\.t0'"),
        (altered(lambda d: d["layers"].update({"n.t0": 3})), "int"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8=-1)), "-1"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8=float("nan"))), "nan"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8=float("inf"))), "inf"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8="1")), "'1'"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8=True)), "True"),
        (altered(lambda d: d["layers"]["n.t0"].update(int8=10**400)), "1000"),
        (altered(lambda d: d.update(rounding_ms_per_million=-3)), "-3"),
        ('{"layers": {"n.t0": {"int8": ' + "9" * 5000 + "}}}", "no JSON"),
        (" " * ((1 << 24) + 1), "more than 16 MB"),
    ],
)
def test_a_profile_that_is_none_is_refused_by_what_is_wrong(
    planned: tuple[Network, Plan], tmp_path: Path, text: str, found: str
) -> None:
    file = tmp_path / "p.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"profile p\.json: found .*{found}"):
        read_profile(file, *planned)


def test_a_profile_that_is_not_there_is_refused_before_anything_is_run(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        edgeinfer.quantize(
            net[1],
            tmp_path / "o.onnx",
            samples=samples(net[0], 2),
            mode="mixed",
            profile=tmp_path / "none.json",
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"max_drop": -0.1}, "max_drop: found -0.1"),
        ({"max_drop": float("nan")}, "max_drop: found nan"),
        ({"max_drop": True}, "max_drop: found True"),
        ({"max_drop": 0.1, "mode": "static"}, "mode 'static'"),
        ({"samples": None}, "samples: found none"),
        ({"evaluate": lambda session: "good"}, "evaluate: found str"),
        ({"evaluate": lambda session: float("nan")}, "evaluate: found nan"),
        ({"judged": -1}, "judged: found -1"),
    ],
)
def test_arguments_that_do_not_fit_leave_no_file(
    net: tuple[FloatNetwork, bytes], tmp_path: Path, arguments: dict, text: str
) -> None:
    given = {"samples": samples(net[0], 2), "mode": "mixed", **arguments}
    with pytest.raises(InputError, match=text):
        edgeinfer.quantize(net[1], tmp_path / "int8.onnx", **given)
    assert list(tmp_path.iterdir()) == []


def test_the_commands_make_a_profile_and_use_it(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(net[1])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgeinfer", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    table = run("profile", "model.onnx", "--out", "here.json")
    assert table.returncode == 0, table.stderr
    assert "n.t3" in table.stdout
    assert "sum of layers: float" in table.stdout
    done = run("profile", "model.onnx", "--out", "here.json", "--json")
    facts = json.loads(done.stdout)
    kept = json.loads((tmp_path / "here.json").read_text())
    assert facts["cpu"] == kept["cpu"]
    assert {row["name"] for row in facts["layers"]} == set(LAYERS)
    assert kept["layers"].keys() == set(LAYERS)
    assert run("quantize", "model.onnx", "--mode", "mixed", "--out", "o.onnx").returncode == 2
    missing = run("profile", "none.onnx", "--out", "other.json")
    assert (missing.returncode, (tmp_path / "other.json").exists()) == (1, False)


def test_a_profile_needs_axes_of_known_size(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 8, 8))
    model = net.model(net.conv("x", 3, 4))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    with pytest.raises(ModelError, match="axes height without a size"):
        profile_layers(model.SerializeToString(), tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


def test_in_static_mode_the_callers_measure_is_reported(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    report = edgeinfer.quantize(
        net[1],
        tmp_path / "o.onnx",
        samples=samples(net[0], 4),
        evaluate=lambda session: float(session.run(quiet(net[0], 1))["t3"].max()),
    )
    assert report.float_score is not None
    assert report.score is not None
    assert report.score != report.float_score
    assert report.drop == report.float_score - report.score


def test_a_real_network_keeps_its_answers_with_few_layers_in_float(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "labelled" / "person_presence"
    lines = (folder / "labels.csv").read_text().splitlines()[1:]
    rows = [(folder / path, int(person)) for path, person, *_ in (one.split(",") for one in lines)]
    preprocess = edgeinfer.Preprocess((96, 96))
    seen = rows[::3]

    def right(session: edgeinfer.Session) -> float:
        scores = [
            next(iter(session.run(preprocess(edgeinfer.decode(path)).tensor).values()))
            for path, _ in seen
        ]
        return float(
            np.mean([one.argmax() == person for one, (_, person) in zip(scores, seen, strict=True)])
        )

    model = shared_data / "models" / "vww_mobilenet_v1_0.25_96.onnx"
    # What the machine happens to be busy with must not decide.
    times = {label(node): {"float": 2, "int8": 1} for node in prepare(model).network.nodes}
    (tmp_path / "times.json").write_text(json.dumps({"layers": times}))
    report = edgeinfer.quantize(
        model,
        tmp_path / "mixed.onnx",
        samples=[path for path, _ in seen],
        preprocess=preprocess,
        mode="mixed",
        max_drop=0.0,
        evaluate=right,
        profile=tmp_path / "times.json",
    )
    with (
        edgeinfer.Session(model, cache=False) as exact,
        edgeinfer.Session(tmp_path / "mixed.onnx", cache=False) as rounded,
    ):
        assert right(rounded) >= right(exact)
    assert report.count("int8") > 20
    measured = [one for one in report.layers if one.network_sqnr_db is not None]
    assert len(measured) >= 28
    assert all(one.float_ms is not None for one in measured)
