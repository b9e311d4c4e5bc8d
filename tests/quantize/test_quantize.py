"""From a file and samples to a file and a report."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

import edgeinfer
from edgeinfer import InputError, ModelError
from oracles.integer_network import FloatNetwork

pytestmark = pytest.mark.filterwarnings("ignore::edgeinfer.CalibrationWarning")


@pytest.fixture
def net() -> tuple[FloatNetwork, bytes]:
    net = FloatNetwork(shape=(1, 3, 16, 16))
    first = net.node("Relu", [net.conv("x", 8, 3, kernel=3)])
    second = net.node("Relu", [net.conv(first, 8, 8, kernel=3, group=8)])
    last = net.node("Softmax", [net.conv(net.node("Add", [first, second]), 5, 8)], axis=1)
    return net, net.model(last).SerializeToString()


def samples(net: FloatNetwork, count: int = 40) -> list[dict[str, np.ndarray]]:
    return [{"x": net.sample(i)} for i in range(count)]


def test_a_quantised_file_is_written_and_reported(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "int8.onnx"
    report = edgeinfer.quantize(net[1], out, samples=samples(net[0]), target="a76", judged=12)
    assert report.int8_bytes == out.stat().st_size
    assert (report.activations, report.samples, report.judged) == ("int8", 40, 12)
    assert [layer.decision for layer in report.layers].count("int8") == 4
    (softmax,) = (layer for layer in report.layers if layer.op == "Softmax")
    assert (softmax.decision, softmax.reason) == ("float", "no integer kernel for Softmax")
    (output,) = report.outputs
    assert output.sqnr_db > 25
    assert output.agreement is not None
    assert output.agreement > 0.95
    kept = {one.key: one.value for one in onnx.load(out).metadata_props}
    assert json.loads(kept["edgeinfer.quantize"])["samples"] == 40
    json.dumps(report.to_dict())


def test_the_report_judges_what_the_file_gives(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "int8.onnx"
    given = samples(net[0])
    report = edgeinfer.quantize(net[1], out, samples=given, judged=5)
    signal = error = same = 0.0
    with (
        edgeinfer.Session(net[1], cache=False) as exact,
        edgeinfer.Session(out, cache=False) as rounded,
    ):
        for sample in given[:5]:
            (want,), (have,) = exact.run(sample).values(), rounded.run(sample).values()
            signal += float(np.sum(want.astype(np.float64) ** 2))
            error += float(np.sum((want.astype(np.float64) - have) ** 2))
            same += float((want.argmax(1) == have.argmax(1)).mean()) / 5
    assert report.outputs[0].sqnr_db == pytest.approx(10 * np.log10(signal / error), abs=0.01)
    assert report.outputs[0].agreement == pytest.approx(same)


def test_samples_that_come_once_give_the_same_file(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    def once() -> Iterator[dict[str, np.ndarray]]:
        yield from samples(net[0])

    one, two = tmp_path / "one.onnx", tmp_path / "two.onnx"
    first = edgeinfer.quantize(net[1], one, samples=once())
    second = edgeinfer.quantize(net[1], two, samples=samples(net[0]))
    assert one.read_bytes() == two.read_bytes()
    assert first.outputs == second.outputs


def test_a_calibration_of_the_file_serves_instead_of_samples(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    ranges = edgeinfer.calibrate(net[1], samples(net[0]), method="mse")
    report = edgeinfer.quantize(net[1], tmp_path / "int8.onnx", ranges=ranges)
    assert (report.method, report.samples, report.judged) == ("mse", 40, 0)
    other = FloatNetwork(shape=(1, 3, 16, 16), seed=1)
    model = other.model(other.conv("x", 4, 3)).SerializeToString()
    with pytest.raises(InputError, match="calibrate this one"):
        edgeinfer.quantize(model, tmp_path / "int8.onnx", ranges=ranges)


def test_biases_undo_what_the_rounding_of_weights_does_to_means(tmp_path: Path) -> None:
    net = FloatNetwork(shape=(1, 4, 12, 12))
    weights = net.rng.normal(0, 0.02, (6, 4, 1, 1))
    weights[:, 0] = 1.0  # one large weight a channel: the small ones are rounded away
    weights[:, 1:] = np.abs(weights[:, 1:]) % 0.0039
    last = net.node("Conv", ["x", net.constant(weights), net.constant(np.zeros(6))])
    model = net.model(last).SerializeToString()
    given = [{"x": np.abs(net.sample(i)) + 2} for i in range(40)]
    shift = {}
    for correct in ((), ("bias",)):
        out = tmp_path / f"{len(correct)}.onnx"
        edgeinfer.quantize(model, out, samples=given, method="minmax", repairs=correct, judged=1)
        with (
            edgeinfer.Session(model, cache=False) as exact,
            edgeinfer.Session(out, cache=False) as rounded,
        ):
            pairs = [(*exact.run(s).values(), *rounded.run(s).values()) for s in given]
        shift[correct] = np.abs(np.mean([a - b for a, b in pairs], axis=(0, 1, 3, 4))).mean()
    assert shift[("bias",)] < 0.3 * shift[()]


def test_the_largest_scores_are_never_cut_off(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    given = samples(net[0])
    ranges = edgeinfer.calibrate(net[1], given, method="percentile", parameter=90)
    report = edgeinfer.quantize(net[1], tmp_path / "int8.onnx", ranges=ranges)
    whole = ranges.with_method("minmax")
    inner, last = (next(one for one in report.layers if one.name == f"n.t{i}") for i in (4, 5))
    assert inner.high is not None
    assert last.high is not None
    assert last.high == pytest.approx(whole.range("t5").high, rel=0.01)
    assert inner.high < 0.9 * whole.range("t4").high


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"mode": "best"}, "mode: found 'best'"),
        ({"target": "z80"}, "target: found 'z80'"),
        ({"samples": None}, "samples: found none"),
        ({"samples": []}, "empty list"),
        ({"method": "guess"}, "guess"),
        ({"exclude": "Conv"}, "wanted a list"),
        ({"samples": [{"x": np.zeros((1, 3, 4, 4), np.float32)}]}, "x"),
    ],
)
def test_arguments_that_do_not_fit_leave_no_file(
    net: tuple[FloatNetwork, bytes], tmp_path: Path, arguments: dict, text: str
) -> None:
    given = {"samples": samples(net[0], 2), **arguments}
    with pytest.raises(InputError, match=text):
        edgeinfer.quantize(net[1], tmp_path / "int8.onnx", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_layers_to_quantise_is_refused(tmp_path: Path) -> None:
    net = FloatNetwork()
    model = net.model(net.node("Softplus", ["x"])).SerializeToString()
    with pytest.raises(ModelError, match=r"no layer to quantise.*Softplus"):
        edgeinfer.quantize(model, tmp_path / "o.onnx", samples=[{"x": net.sample()}])


def test_a_disk_that_is_full_leaves_the_old_file(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "int8.onnx"
    out.write_bytes(b"old")
    (tmp_path / "model.onnx").write_bytes(net[1])
    np.save(tmp_path / "sample.npy", net[0].sample())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import signal, resource, numpy, edgeinfer\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
            "sample = {'x': numpy.load('sample.npy')}\n"
            "try: edgeinfer.quantize('model.onnx', 'int8.onnx', samples=[sample])\n"
            "except OSError as error: print('refused', error.errno)\n",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "int8.onnx",
        "model.onnx",
        "sample.npy",
    ]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 512


def test_dynamic_quantises_products_and_refuses_convolutions(
    net: tuple[FloatNetwork, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "int8.onnx"
    with pytest.raises(ModelError, match=r"3 convolutions.*as long as in float"):
        edgeinfer.quantize(net[1], out, mode="dynamic")
    assert not out.exists()
    forced = edgeinfer.quantize(
        net[1], out, mode="dynamic", force_convolutions=True, samples=samples(net[0], 3)
    )
    assert [node.op_type for node in onnx.load(out).graph.node].count("ConvInteger") == 3
    assert forced.outputs[0].sqnr_db > 20
    assert not caplog.records  # the quantiser inside would tell to prepare what is prepared

    products = FloatNetwork(shape=(1, 64))
    last = products.node("MatMul", ["x", products.constant(products.rng.normal(0, 1, (64, 9)))])
    model = products.model(last).SerializeToString()
    report = edgeinfer.quantize(model, out, mode="dynamic", samples=samples(products, 3))
    assert "MatMulInteger" in {node.op_type for node in onnx.load(out).graph.node}
    assert (report.count("int8"), report.method) == (1, None)
    assert report.outputs[0].sqnr_db > 30


def test_the_command_prints_layers_and_a_document(
    net: tuple[FloatNetwork, bytes], tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(net[1])
    edgeinfer.calibrate(net[1], samples(net[0])).save(tmp_path / "model.ranges")
    command = [sys.executable, "-m", "edgeinfer", "quantize", "model.onnx"]
    command += ["--ranges", "model.ranges", "--out", "int8.onnx", "--target", "x86-64"]
    table = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert table.returncode == 0, table.stderr
    assert "no integer kernel for Softmax" in table.stdout
    assert "4 layers int8, 2 merged into them, 1 float" in table.stdout
    assert "weights have 7 bits" in table.stdout
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True)
    facts = json.loads(done.stdout)
    assert (facts["command"], facts["target"], facts["weight_bits"]) == ("quantize", "x86-64", 7)
    assert facts["int8_bytes"] == (tmp_path / "int8.onnx").stat().st_size


def test_the_command_without_samples_is_wrong_usage(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgeinfer", "quantize", "model.onnx", "--out", "o.onnx"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "SAMPLES" in done.stderr) == (2, True)
