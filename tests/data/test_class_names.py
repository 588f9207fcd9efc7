"""A fit does not depend on the names of the classes."""

import numpy as np
import pytest
from helpers import (
    EVERY_WAY,
    FULL_BATCH,
    PROBLEMS,
    REORDERED,
    SINGLE,
    SMOOTH,
    X,
    Y,
    assert_close,
    assert_identical,
    case_id,
    maker,
    y,
)
from sklearn.utils.class_weight import compute_class_weight

make = maker(**SMOOTH)
X2, y2 = PROBLEMS["binary"]


class Output:
    """Initial weights that are changed for the output layer, and no biases."""

    def __init__(self, n_outputs, change):
        self.n_outputs, self.change = n_outputs, change

    def draw(self, random_state, n_in, n_out, gain):
        W = random_state.uniform(-0.5, 0.5, (n_in, n_out))
        return (self.change(W) if n_out == self.n_outputs else W), np.zeros(n_out)


def permuted(order):
    return Output(3, lambda W: W[:, order])


class TestClassNames:
    """The names of the classes."""

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_does_not_matter_in_the_same_order(self, params, early_stopping):
        if early_stopping and params.get("batch_size") == len(y):
            params = params | {"batch_size": "auto"}
        params = params | {"early_stopping": early_stopping}
        one = make(**params).fit(X, y)
        for labels in ([-5, 0, 99], ["a", "b", "c"], [0.0, 1.0, 7.0]):
            labels = np.array(labels)
            other = make(**params).fit(X, labels[y])
            assert_identical(one, other)
            np.testing.assert_array_equal(other.predict(X), labels[one.predict(X)])

    @pytest.mark.parametrize("params", EVERY_WAY, ids=case_id)
    @pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0]], ids=str)
    def test_in_another_order_permutes_the_outputs(self, params, order):
        order = np.array(order)
        one = make(weight_init=permuted([0, 1, 2]), **params).fit(X, y)
        other = make(weight_init=permuted(np.argsort(order)), **params)
        other.fit(X, order[y])
        # The softmax sums its terms in a different order; minibatches use float32.
        rtol = REORDERED if params in FULL_BATCH else SINGLE
        np.testing.assert_allclose(
            other.predict_proba(X)[:, order], one.predict_proba(X), rtol=rtol, atol=rtol
        )
        assert one.loss_curve_ == pytest.approx(other.loss_curve_, rel=rtol)

    @pytest.mark.parametrize("params", FULL_BATCH, ids=case_id)
    def test_swapped_mirror_two_classes(self, params):
        one = make(weight_init=Output(1, np.positive), **params).fit(X2, y2)
        other = make(weight_init=Output(1, np.negative), **params).fit(X2, 1 - y2)
        np.testing.assert_allclose(
            one.predict_proba(X2),
            other.predict_proba(X2)[:, ::-1],
            rtol=REORDERED,
            atol=REORDERED,
        )

    def test_of_a_class_weight_go_with_the_class(self):
        names = np.array(["z", "y", "x"])
        balanced = compute_class_weight("balanced", classes=np.arange(3), y=y[:99])
        weight = dict(zip(names.tolist(), balanced.tolist(), strict=True))
        one = make(class_weight="balanced").fit(X[:99], names[y[:99]])
        assert_close(one, make(class_weight=weight).fit(X[:99], names[y[:99]]))

    def test_of_labels_may_be_in_any_order(self):
        order = np.array([2, 0, 1])
        one = make(weight_init=permuted([0, 1, 2])).fit(X, Y)
        other = make(weight_init=permuted(order)).fit(X, Y[:, order])
        np.testing.assert_allclose(
            other.predict_proba(X), one.predict_proba(X)[:, order], rtol=REORDERED
        )
