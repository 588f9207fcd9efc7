"""Batches contain each row once, and avoid unnecessary copies."""

import numpy as np
import pytest
from helpers import STEPPERS, maker
from scipy.sparse import csr_array
from sklearn.datasets import load_iris

from skffnn.data.batches import Batches

make = maker(hidden_layer_sizes=(8, 4), max_iter=3)
few_rows, few_labels = (a[::3] for a in load_iris(return_X_y=True))

N = 10
X = np.arange(3.0 * N).reshape(N, 3)
Y = np.arange(N, dtype=float)[:, np.newaxis]
S = np.arange(1.0, N + 1)[:, np.newaxis]
S /= S.mean()


def dense(x):
    return x.toarray() if hasattr(x, "toarray") else x


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 99])
@pytest.mark.parametrize("order", [None, np.arange(N), np.array([7, 2, 5, 0])], ids=str)
def test_each_row_comes_once_with_its_target_and_weight(order, batch_size, sparse):
    batches = Batches(
        csr_array(X) if sparse else X,
        Y,
        S,
        None if order is None else order.copy(),
        batch_size=batch_size,
    )
    rng = np.random.RandomState(0)
    for _ in range(2):
        batches.shuffle(rng)
        rows, sizes = [], []
        for x, y, w in batches:
            index = y[:, 0].astype(int)
            np.testing.assert_array_equal(dense(x), X[index])
            np.testing.assert_allclose(w, S[index] / len(y), rtol=1e-15)
            assert w.shape == y.shape
            rows += index.tolist()
            sizes.append(len(y))
        expected = range(N) if order is None else order
        assert sorted(rows) == sorted(expected)
        assert len(sizes) == len(batches)
        assert max(sizes) <= batch_size


def test_parts_have_the_weights_of_their_rows():
    for weights, expected in ((None, np.ones((N, 1))), (S, S)):
        parts = Batches(X, Y, weights, batch_size=4, estimate=False)
        np.testing.assert_array_equal(np.vstack([w for *_, w in parts]), expected)


def test_rows_in_their_own_order_are_views_and_others_share_a_buffer():
    assert all(np.shares_memory(x, X) for x, _, _ in Batches(X, Y, batch_size=3))
    shuffled = Batches(X, Y, None, np.arange(N), batch_size=3)
    epochs = [[x.base for x, _, _ in shuffled] for _ in range(2)]
    assert len({id(buffer) for bases in epochs for buffer in bases}) == 1


def test_the_shuffle_is_that_of_scikit_learn():
    from sklearn.utils import shuffle

    batches = Batches(X, Y, None, np.arange(N), batch_size=3, shuffled=True)
    ours, theirs = np.random.RandomState(4), np.random.RandomState(4)
    order = np.arange(N)
    for _ in range(3):
        batches.shuffle(ours)
        order = shuffle(order, random_state=theirs)
        np.testing.assert_array_equal(batches.order, order)


def test_batches_have_the_type_of_y():
    single = X.astype(np.float32)
    for data in (single, csr_array(single)):
        assert all(x.dtype == Y.dtype for x, _, _ in Batches(data, Y, batch_size=4))


class TestBatchLargerThanTheData:
    """A batch size larger than the number of rows."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_is_a_warning_and_a_full_batch(self, solver):
        with pytest.warns(UserWarning, match=r"batch_size=1000 is more than the 50"):
            model = make(batch_size=1000, solver=solver).fit(few_rows, few_labels)
        full = make(batch_size=50, solver=solver).fit(few_rows, few_labels)
        np.testing.assert_array_equal(
            model.predict_proba(few_rows), full.predict_proba(few_rows)
        )
