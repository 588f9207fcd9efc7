"""Labels of every kind: encoded as scikit-learn does, and decoded to what they were."""

import pickle

import numpy as np
import pytest
from helpers import Y, y
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from skffnn.data.labels import Labels

NAMES = np.array(["setosa", "versicolor", "virginica"])[y]
KINDS = {
    "classes": NAMES,
    "two classes": y % 2,
    "one class": np.full(len(y), 7),
    "indicator": Y,
    "sparse indicator": sparse.csr_array(Y),
    "columns": np.column_stack([NAMES, np.where(y > 1, "red", "blue"), NAMES]),
    "two columns of two": np.column_stack([y % 2, y // 2]) * 2 - 1,
}
ROWS = {
    "slice": slice(3, 50),
    "index": np.array([5, 0, 149, 5]),
}


def dense(table):
    return table.toarray() if sparse.issparse(table) else table


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def table(request):
    return request.param


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_encoded_as_by_scikit_learn(table, rows, dtype):
    columns = dense(table).reshape(len(y), -1)
    theirs = OneHotEncoder(drop="if_binary", sparse_output=False, dtype=dtype)
    expected = theirs.fit_transform(columns)[rows]
    ours = Labels.from_labels(table).encode(table, dtype)[rows]
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours, expected)


def test_smoothing_mixes_with_equal_probabilities(table):
    labels = Labels.from_labels(table)
    n_classes = [
        max(len(classes), 1)
        for classes in labels.classes_of_columns()
        for _ in range(1 if len(classes) == 2 else len(classes))
    ]
    hard = labels.encode(table, np.float64)[:]
    for epsilon in (0.1, 0.3):
        soft = labels.encode(table, np.float64, smoothing=epsilon)[:]
        expected = (1 - epsilon) * hard + epsilon / np.array(n_classes)
        np.testing.assert_allclose(soft, expected, rtol=1e-15)


def test_they_are_decoded_to_what_they_were(table):
    labels = Labels.from_labels(table)
    decisions = labels.loss.decide(labels.encode(table, np.float64)[:])
    decoded = labels.decode(decisions)
    assert sparse.issparse(decoded) == sparse.issparse(table)
    np.testing.assert_array_equal(dense(decoded), dense(table))
    assert decoded.dtype == table.dtype


def test_there_is_a_name_and_a_column_for_each_output(table):
    labels = Labels.from_labels(table)
    n_outputs = labels.encode(table, np.float64)[:].shape[1]
    assert n_outputs == labels.n_outputs == len(set(labels.output_names()))


def test_they_are_a_value(table):
    labels = Labels.from_labels(table)
    other = pickle.loads(pickle.dumps(labels))
    assert other.is_like(labels)
    assert labels.continuing(other) is labels
    others = [Labels.from_labels(kind) for kind in KINDS.values()]
    # Whether y was sparse does not matter.
    assert sum(labels.is_like(each) for each in others) == 1 + labels.multilabel


def test_parts_are_joined_to_all_classes():
    parts = [Labels.from_labels(NAMES[y == k]) for k in (2, 0, 1)]
    assert Labels.joined(parts).is_like(Labels.from_labels(NAMES))
    halves = [Labels.from_labels(Y[:50]), Labels.from_labels(Y[50:])]
    assert Labels.joined(halves).is_like(Labels.from_labels(Y))


@pytest.mark.parametrize(
    "parts", [[y, Y], [Y, Y[:, :2]], [KINDS["columns"]] * 2], ids=len
)
def test_parts_of_different_forms_cannot_be_joined(parts):
    with pytest.raises(ValueError, match=r"one label for each row, or .* in all"):
        Labels.joined([Labels.from_labels(part) for part in parts])
