"""Target encoding, compared with scikit-learn and with values computed by hand."""

import numpy as np
import pytest
import sklearn
from sklearn.preprocessing import TargetEncoder

import skffnn
from skffnn import InvalidParameterError, TableEncoder, make_tabular_classifier
from skffnn.tabular.columns import TargetMeans

RNG = np.random.default_rng(0)
N = 600
NAMES = [f"city {k}" for k in range(60)]
CODES = RNG.integers(60, size=N)
CELLS = [NAMES[k] for k in CODES]
EFFECT = RNG.normal(size=60)
Y = (EFFECT[CODES] + 0.3 * RNG.normal(size=N) > 0).astype(int)
LABELS = np.array(["no", "yes"])[Y]
THREE = np.digitize(EFFECT[CODES], [-0.5, 0.5])


@pytest.mark.parametrize(
    ("kind", "y"), [("classes", LABELS), ("numbers", EFFECT[CODES])]
)
def test_means_are_those_of_scikit_learn(kind, y):
    means, _ = TargetMeans.fit_transform(CELLS, NAMES, y, kind)
    encoder = TargetEncoder(target_type="binary" if kind == "classes" else "continuous")
    encoder.fit(np.array(CELLS, dtype=object)[:, np.newaxis], y)
    cells = np.array([*NAMES, "nowhere"], dtype=object)[:, np.newaxis]
    np.testing.assert_allclose(
        means.transform([*NAMES, "nowhere"]), encoder.transform(cells)
    )


def test_three_classes_have_a_mean_each():
    means, of_rows = TargetMeans.fit_transform(CELLS, NAMES, THREE, "classes")
    assert of_rows.shape == (N, 3)
    np.testing.assert_allclose(means.table.sum(axis=1), 1, atol=0.1)
    np.testing.assert_allclose(means.table[-1], np.bincount(THREE) / N)


def test_the_mean_for_a_row_does_not_know_its_label():
    y = Y.copy()
    _, before = TargetMeans.fit_transform(CELLS, NAMES, y, "classes")
    for row in range(0, N, 97):
        y[row] = 1 - y[row]
        _, after = TargetMeans.fit_transform(CELLS, NAMES, y, "classes")
        assert after[row] == before[row]
        y[row] = 1 - y[row]


def test_categories_that_occur_once_have_the_mean_of_all_rows():
    names = [f"id {i}" for i in range(N)]
    means, of_rows = TargetMeans.fit_transform(names, names, Y, "classes")
    assert np.ptp(of_rows) < 0.05
    assert means.transform(["unknown"]) == pytest.approx(Y.mean())


def table(n=N):
    return np.array(
        [[cell, x] for cell, x in zip(CELLS, RNG.normal(size=n), strict=True)],
        dtype=object,
    )


def test_a_column_with_an_other_gets_means():
    X = table()
    encoder = TableEncoder(max_categories=5, target_means="classes")
    trained = encoder.fit_transform(X, LABELS)
    names = list(encoder.get_feature_names_out())
    assert names[4:] == ["x0_other", "x0_mean", "x1"]
    rows = encoder.transform(X)
    assert trained.shape == rows.shape == (N, 7)
    others = [0, 1, 2, 3, 4, 6]
    np.testing.assert_array_equal(trained[:, others], rows[:, others])
    means, of_rows = TargetMeans.fit_transform(CELLS, NAMES, LABELS, "classes")
    np.testing.assert_array_equal(trained[:, 5], of_rows[:, 0])
    np.testing.assert_allclose(rows[:, 5], means.transform(CELLS)[:, 0])
    unseen = encoder.transform([["nowhere", 1.0], [None, 1.0]])
    np.testing.assert_allclose(unseen[:, 5], Y.mean())


@pytest.mark.parametrize(
    ("params", "y"),
    [
        ({"target_means": None}, LABELS),
        ({"target_means": "classes"}, None),
        ({"target_means": "classes"}, np.column_stack([Y, Y])),
        ({"target_means": "classes", "max_categories": 60}, LABELS),
    ],
)
def test_there_are_none_without_need(params, y):
    encoder = TableEncoder(**{"max_categories": 5} | params).fit(table(), y)
    assert encoder.means_ == [None, None]


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize(
    ("kind", "y"),
    [("classes", np.array(["no", "yes", "yes", "no", "no"])), ("numbers", EFFECT)],
)
def test_there_may_be_fewer_rows_than_folds(kind, y, n):
    X, y = [["a"], ["b"], ["c"], ["a"], ["a"]][:n], y[:n]
    encoder = TableEncoder(max_categories=2, target_means=kind)
    trained, later = encoder.fit_transform(X, y), encoder.transform([["d"]])
    numbers = y == "yes" if kind == "classes" else y
    assert np.isfinite(trained).all()
    np.testing.assert_allclose(later[0, 2:], numbers.mean())
    # No row contributes to its own mean: b occurs once, so it has that of the others.
    assert trained[1, 2] == pytest.approx(np.delete(numbers, 1).mean())


def test_the_output_of_scikit_learns_transformers_makes_no_difference():
    pytest.importorskip("pandas")
    encoder = TableEncoder(max_categories=5, target_means="classes")
    X = table()
    expected = encoder.fit_transform(X, LABELS)
    with sklearn.config_context(transform_output="pandas"):
        frame = encoder.fit_transform(X, LABELS)
    np.testing.assert_array_equal(frame, expected)
    assert list(frame) == list(encoder.get_feature_names_out())


def test_wrong_parameters():
    for params in ({"target_means": "mean"}, {"max_columns": 1}, {"max_columns": "a"}):
        with pytest.raises(InvalidParameterError, match=next(iter(params))):
            TableEncoder(**params).fit(table(), Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TableEncoder(max_categories=5, target_means="classes").fit(table(), Y[:-1])


def test_columns_share_the_maximum():
    X = np.array([[f"a {i % 30}", f"b {i % 7}", f"c {i}"] for i in range(N)], object)
    encoder = TableEncoder(max_columns=47).fit(X)
    assert [len(c) for c in encoder.categories_] == [20, 7, 20]
    assert encoder.transform(X).shape == (N, 47)
    few = TableEncoder(max_columns=2).fit(X)  # at least 2 per column
    assert [len(c) for c in few.categories_] == [2, 2, 2]


def test_a_table_of_many_categories_is_learnt_and_saved(tmp_path):
    model = make_tabular_classifier(max_iter=20, n_networks=2, random_state=0)
    model.set_params(encode__max_categories=5)
    X = table()
    model.fit(X[:400], LABELS[:400])
    assert model.score(X[400:], LABELS[400:]) > 0.85
    plain = make_tabular_classifier(max_iter=20, n_networks=2, random_state=0)
    plain.set_params(encode__max_categories=5, encode__target_means=None)
    assert plain.fit(X[:400], LABELS[:400]).score(X[400:], LABELS[400:]) < 0.75
    skffnn.save(model, tmp_path / "f")
    loaded = skffnn.load(tmp_path / "f")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.long
def test_a_hundred_thousand_categories_take_no_column_each():
    n = 120_000
    codes = RNG.integers(100_000, size=n)
    effect = RNG.normal(size=100_000)
    y = (effect[codes] > 0).astype(int)
    X = np.array([f"user {k}" for k in codes], dtype=object)[:, np.newaxis]
    encoder = TableEncoder(target_means="classes")
    assert encoder.fit_transform(X, y).shape == (n, 101)
