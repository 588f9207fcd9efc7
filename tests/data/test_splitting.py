"""The validation split: stratified, weighted, independent of the row order."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.model_selection import train_test_split

from skffnn.data.splitting import (
    content_keys,
    folds_by_content,
    sorted_by_content,
    split,
)

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 4)).round(2)
CLASSES = RNG.choice(3, N, p=[0.6, 0.3, 0.1])
W = RNG.integers(0, 5, N).astype(float)


def in_two(X, weights, strata, fraction=0.2, seed=0, like_mlp=False):
    rows = np.arange(len(strata)) if weights is None else np.flatnonzero(weights)
    rng = np.random.RandomState(seed)
    return split(X, rows, weights, strata[rows], fraction, rng, like_mlp=like_mlp)


@pytest.mark.parametrize("weights", [None, W], ids=["", "weighted"])
def test_each_class_contributes_its_share_of_the_weight(weights):
    train, val = in_two(X, weights, CLASSES)
    assert not set(train) & set(val)
    w = np.ones(N) if weights is None else weights
    assert w[train].sum() + w[val].sum() == w.sum()
    for label in range(3):
        share = w[val][CLASSES[val] == label].sum() / w[label == CLASSES].sum()
        one_row = w.max() / w[label == CLASSES].sum()
        assert abs(share - 0.2) <= one_row


def test_a_weight_is_equivalent_to_copies_in_any_order():
    train, val = in_two(X, W, CLASSES)
    copies = RNG.permutation(np.repeat(np.arange(N), W.astype(int)))
    copied_train, copied_val = in_two(X[copies], None, CLASSES[copies])
    assert set(copies[copied_val]) == set(val)
    assert set(copies[copied_train]) == set(train)


def test_sparse_rows_have_the_keys_of_dense_rows():
    half_zero = X * (RNG.uniform(size=X.shape) < 0.5)
    half_zero[:, 0] = -half_zero[:, 0]  # turns some zeros into -0
    keys = content_keys(half_zero, np.random.RandomState(0))
    np.testing.assert_array_equal(
        keys, content_keys(csr_array(half_zero), np.random.RandomState(0))
    )


def test_keys_differ_between_rows_but_not_between_float_types():
    keys = content_keys(X, np.random.RandomState(0))
    assert len(np.unique(keys)) == len(np.unique(X, axis=0))
    single = X.astype(np.float32)
    np.testing.assert_array_equal(
        content_keys(single, np.random.RandomState(0)),
        content_keys(single.astype(float), np.random.RandomState(0)),
    )


def test_keys_do_not_depend_on_how_many_rows_there_are():
    # More numbers than are hashed at a time.
    many = np.random.default_rng(0).standard_normal((70_000, 5))
    parts = [
        content_keys(part, np.random.RandomState(0)) for part in (many[:9], many[9:])
    ]
    keys = content_keys(many, np.random.RandomState(0))
    np.testing.assert_array_equal(keys, np.concatenate(parts))


def test_the_seed_determines_the_split():
    first, second, other = (in_two(X, None, CLASSES, seed=s)[1] for s in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert set(first) != set(other)


def test_unweighted_binary_rows_are_split_as_mlpclassifier_does():
    strata = (CLASSES > 0).astype(int)
    ours = in_two(X, None, strata, 0.1, seed=7, like_mlp=True)
    theirs = train_test_split(
        np.arange(N), test_size=0.1, stratify=strata, random_state=7
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "strata",
    [np.r_[np.zeros(29), 1], np.arange(30) % 4],
    ids=["a class of one", "more classes than validation rows"],
)
def test_a_split_too_small_to_stratify_warns(strata):
    for like_mlp in (False, True):
        with pytest.warns(UserWarning, match="too few to hold each of the"):
            train, val = in_two(
                X[:30], None, strata.astype(int), 0.1, like_mlp=like_mlp
            )
        assert len(val) == 3
        assert len(train) == 27


def test_one_row_cannot_be_split():
    with pytest.raises(ValueError, match="n_samples=1"):
        in_two(X[:1], None, CLASSES[:1])


def test_a_split_with_every_class_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_two(X, W, CLASSES)


def test_copies_of_a_common_row_are_split_independently():
    gate = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (50, 1)).astype(float)
    train, val = in_two(gate, np.linspace(1, 2, 200), np.all(gate, axis=1).astype(int))
    assert abs(len(val) - 40) <= 8
    for rows in (train, val):
        assert len(np.unique(gate[rows], axis=0)) == 4


# ------------------------------------------------------------ repeated and unique rows

N_MIXED = 4000
# A validation set or fold is a sample of n rows without replacement, and half of all
# rows are copies. The number of copies in the sample is hypergeometric, with mean n / 2
# and a standard deviation less than sqrt(n) / 2, that of the binomial distribution. A
# deviation of five of these occurs less than once in a million draws.
STANDARD_DEVIATIONS = 5


def half_copies(seed):
    """Return rows, half of them unique and half copies, and a mask of the copies."""
    rng = np.random.default_rng(seed)
    half = N_MIXED // 2
    unique, common = rng.normal(size=(half, 3)), rng.normal(size=(half // 20, 3))
    order = rng.permutation(N_MIXED)
    X = np.vstack([unique, np.repeat(common, 20, axis=0)])[order]
    return X, order >= half


def assert_half(copied):
    """Check that about half of the rows of a sample are copies."""
    n = len(copied)
    assert abs(copied.sum() - n / 2) <= STANDARD_DEVIATIONS * np.sqrt(n) / 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_common_and_unique_rows_have_the_same_share_of_a_split(form, seed):
    X, copied = half_copies(seed)
    _, val = in_two(form(X), None, np.zeros(N_MIXED, int), fraction=0.1, seed=seed)
    assert len(val) == N_MIXED // 10
    assert_half(copied[val])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_common_and_unique_rows_have_the_same_share_of_each_fold(form, seed):
    X, copied = half_copies(seed)
    strata, rng = np.zeros(N_MIXED, int), np.random.RandomState(seed)
    fold = folds_by_content(form(X), None, strata, 8, rng)
    for k in range(8):
        assert_half(copied[fold == k])


NEARLY = 1 + 1e-12  # 1 in float32


@pytest.mark.parametrize("to_rows", [np.asarray, csr_array])
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", "a", "b", "b", "b", "a"], dtype=object),
        np.array([[0.5, 1], [0, 1], [0.5, 1], [0.5, 1], [0.5, 1], [0, 1]]),
        csr_array([[0, 1], [1, 1], [0, 1], [0, 1], [0, 1], [1, 1]]),
    ],
    ids=["strings", "numbers", "sparse"],
)
def test_copies_are_neighbours_and_other_rows_are_no_copies(to_rows, labels):
    #               0         1         2          3              4         5
    rows = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [NEARLY, 0.0], [2.0, 3.0], [1.0, 0.0]]
    X = to_rows(np.array(rows))
    order, is_copy = sorted_by_content(X, labels, np.arange(6))
    assert sorted(order) == list(range(6))
    groups = np.split(order, np.flatnonzero(~is_copy)[1:])
    # Row 3 has the same key as row 0, and may be between it and its copy.
    found = {frozenset(group.tolist()) for group in groups}
    assert found == {
        frozenset({0, 2}),
        frozenset({1, 5}),
        frozenset({3}),
        frozenset({4}),
    }


def test_the_order_by_content_does_not_depend_on_that_of_the_rows():
    copies = RNG.permutation(np.repeat(np.arange(N), W.astype(int)))
    order, is_copy = sorted_by_content(
        X[copies], CLASSES[copies], np.arange(len(copies))
    )
    distinct, is_other_copy = sorted_by_content(X, CLASSES, np.flatnonzero(W))
    np.testing.assert_array_equal(
        X[copies][order][~is_copy], X[distinct][~is_other_copy]
    )
