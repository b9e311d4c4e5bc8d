import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import edgeinfer as ei
from oracles import tail


@given(
    arrays(np.float32, st.integers(1, 60), elements=st.floats(-4, 4, width=16)),
    st.integers(1, 70),
)
def test_the_order_is_that_of_a_stable_sort(scores, k):
    best = ei.classify(scores, k=k)
    wanted = tail.ranked(scores)[:k]
    assert best.indices.dtype == np.int64
    assert best.scores.dtype == np.float32
    np.testing.assert_array_equal(best.indices, wanted)
    np.testing.assert_array_equal(best.scores, scores[wanted])


@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(-100, 100, width=32)))
def test_softmax_gives_probabilities_of_all_classes(scores):
    best = ei.classify(scores, k=1000, softmax=True)
    wanted = tail.softmax(scores.astype(np.float64))[tail.ranked(scores)]
    np.testing.assert_allclose(best.scores, wanted, rtol=1e-6, atol=1e-45)
    assert best.scores.sum(dtype=np.float64) == pytest.approx(1, abs=1e-5)


def test_softmax_over_a_subset_still_divides_by_all():
    best = ei.classify(np.zeros(8, np.float32), k=2, softmax=True)
    assert best.indices.tolist() == [0, 1]
    assert best.scores.tolist() == [0.125, 0.125]


def test_great_scores_do_not_overflow():
    best = ei.classify(np.array([1e30, -1e30, 1e30]), softmax=True)
    assert best.scores.tolist() == [0.5, 0.5, 0]


def test_nan_ranks_last_and_has_no_probability():
    scores = np.array([np.nan, -np.inf, 0.0, np.nan])
    best = ei.classify(scores)
    assert best.indices.tolist() == [2, 1, 0, 3]
    assert np.isnan(best.scores[2:]).all()
    assert ei.classify(scores, softmax=True).scores.tolist() == [1, 0, 0, 0]


def test_infinite_scores_share_the_probability():
    best = ei.classify(np.array([1, np.inf, np.inf]), softmax=True)
    assert best.indices.tolist() == [1, 2, 0]
    assert best.scores.tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint8, np.int32, np.uint16])
def test_any_real_dtype_is_taken(dtype):
    best = ei.classify(np.array([[1, 7, 3]], dtype), k=2)
    assert best.indices.tolist() == [1, 2]
    assert best.scores.tolist() == [7, 3]


def test_bfloat16_is_taken():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    best = ei.classify(np.array([0.5, 2], ml_dtypes.bfloat16))
    assert best.top == (1, 2.0)


def test_memory_order_does_not_matter():
    scores = np.arange(20, dtype=np.float32)
    assert ei.classify(scores[::-2], k=1).indices.tolist() == [0]


def test_results_name_their_classes():
    best = ei.classify(np.array([0.1, np.inf]), labels=["cat", "dog"])
    assert best.to_dict() == {
        "classes": [
            {"index": 1, "label": "dog", "score": None},
            {"index": 0, "label": "cat", "score": pytest.approx(0.1)},
        ]
    }


@pytest.mark.parametrize(
    ("scores", "arguments", "words"),
    [
        (np.zeros((2, 3)), {}, ["float64 (2, 3)", "one frame at a time"]),
        (np.zeros(()), {}, ["(classes,)"]),
        (np.zeros(0), {}, ["no scores"]),
        (np.zeros(3, np.complex64), {}, ["complex64", "real numbers"]),
        (np.array(["a"]), {}, ["real numbers"]),
        (np.zeros(3), {"k": 0}, ["k = 0"]),
        (np.zeros(3), {"k": 1.5}, ["k: found 1.5"]),
        (np.full(3, np.nan), {}, ["every score is NaN"]),
        (np.full(3, -np.inf), {"softmax": True}, ["minus infinity"]),
        (np.zeros(3), {"labels": ["a", "b"]}, ["2 names", "class 2"]),
    ],
)
def test_what_does_not_fit_is_named(scores, arguments, words):
    with pytest.raises(ei.InputError) as caught:
        ei.classify(scores, **arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_k_beyond_64_bits_gives_every_class() -> None:
    assert ei.classify(np.array([1.0, 3.0, 2.0]), k=2**70).indices.tolist() == [1, 2, 0]
    with pytest.raises(ei.InputError, match="k = -1"):
        ei.classify(np.ones(3), k=-(2**70))
