"""What a child does with a hostile model: look at it, load it, run it on three kinds of input."""

import json
from typing import Any


def warm() -> None:
    """Import what the work needs; the runtime stays closed, as it starts threads."""
    import numpy  # noqa: F401 - for its cost only

    import edgeinfer.inspection
    import edgeinfer.session  # noqa: F401 - likewise


def examine(argument: str) -> dict[str, Any]:
    """Inspect, load and run. ``argument``: the path and ``timeout_s`` (None: the default) as JSON.

    Raises what load or run raise. An AssertionError where inspect() and Session() disagree.
    """
    import edgeinfer as ei

    path, timeout_s = json.loads(argument)
    try:
        facts = ei.inspect(path)
    except ei.ModelError:
        facts = None
    try:
        session = ei.Session(path, threads=1, options=ei.SessionOptions(timeout_s=timeout_s))
    except ei.ModelError as error:
        ours = facts is None or any(one.verdict == "refused" for one in facts.problems)
        if ours == ("ONNX Runtime" in str(error)):
            raise AssertionError("inspect and Session disagree") from error
        raise
    assert facts is not None
    assert all(one.verdict != "refused" for one in facts.problems)
    results = [
        {name: [str(value.dtype), *value.shape] for name, value in session.run(inputs).items()}
        for inputs in _inputs(session)
    ]
    return {
        "outputs": results[0],
        "warnings": session.describe()["warnings"],
        "timeout_s": session.describe()["timeout_s"],
    }


def _inputs(session: Any) -> list[dict[str, Any]]:
    """Zeros, ones and noise of the declared shapes; 1 where an axis has no number."""
    import numpy as np

    rng = np.random.default_rng(18)
    makers = (
        np.zeros,
        np.ones,
        lambda shape, dtype: rng.normal(scale=100, size=shape).astype(dtype),
    )
    return [
        {
            spec.name: np.full(shape, "text", object)
            if spec.dtype == "string"
            else maker(shape, np.dtype(spec.dtype))
            for spec in session.inputs
            for shape in [[size if isinstance(size, int) else 1 for size in spec.shape]]
        }
        for maker in makers
    ]
