"""The forward pass: activations of each layer, and dropout."""

import numpy as np
import pytest
from helpers import NO_STEP, ROUNDING, X, maker, parameters, y

from skffnn import ACTIVATIONS, SOLVERS, FFNNClassifier

make = maker(max_iter=5)


class TestDropout:
    """Dropout."""

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_is_on_in_training_and_off_in_prediction(self, solver):
        model = make(dropout=0.5, solver=solver).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
        plain = make(solver=solver).fit(X, y)
        assert not np.array_equal(parameters(model), parameters(plain))

    def test_masks_are_drawn_anew(self):
        losses = make(dropout=0.5, learning_rate_init=NO_STEP).fit(X, y).loss_curve_
        assert len(set(losses)) == len(losses)
        losses = make(dropout=0.0, learning_rate_init=NO_STEP).fit(X, y).loss_curve_
        assert len(set(losses)) == 1

    @pytest.mark.parametrize(
        ("rates", "dropped"),
        [(0.5, (1, 1)), ((0.5, 0), (1, 0)), ([0, 0.5], (0, 1)), ((0, 0), (0, 0))],
    )
    def test_has_a_rate_for_each_layer(self, rates, dropped):
        # The second layer sees the output of the first: all ones, or the dropout mask.
        class Ones:
            def forward(self, a, h, d=None):
                h[...] = 1
                if d is not None:
                    d[...] = 0

        seen = []

        class Spy:
            def __init__(self, k):
                self.k = k

            def forward(self, a, h, d=None):
                if d is not None:
                    seen.append((self.k, a.copy()))
                Ones().forward(a, h, d)

        class Unit:
            def draw(self, random_state, n_in, n_out, gain):
                return np.ones((n_in, n_out)), np.zeros(n_out)

        model = make(
            hidden_layer_sizes=(8, 8),
            activation=(Ones(), Spy(1)),
            dropout=rates,
            weight_init=Unit(),
            learning_rate_init=NO_STEP,
            max_iter=1,
        ).fit(X, y)
        ((_, a),) = seen
        assert (np.unique(a).tolist() != [8.0]) == bool(dropped[0])
        # All logits are equal, so the loss is ln 3 for every mask.
        assert model.loss_ == pytest.approx(
            np.log(3) + model.alpha * (32 + 64 + 24) / 2, rel=ROUNDING
        )


class TestActivations:
    """A separate activation for each layer."""

    @pytest.mark.parametrize("first", ACTIVATIONS)
    def test_each_layer_has_its_activation(self, first):
        model = make(hidden_layer_sizes=(6, 5), activation=(first, "tanh")).fit(X, y)
        a = X @ model.coefs_[0] + model.intercepts_[0]
        h = np.empty_like(a)
        ACTIVATIONS[first]().forward(a, h)
        h = np.tanh(h @ model.coefs_[1] + model.intercepts_[1])
        np.testing.assert_allclose(model.hidden_features(X), h, rtol=ROUNDING)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_an_activation_may_be_an_object(self, solver):
        class Own:
            def forward(self, a, h, d=None):
                h[...] = np.tanh(a)
                if d is not None:
                    d[...] = 1 - h**2

        own = make(activation=Own(), solver=solver).fit(X, y)
        named = make(activation="tanh", solver=solver).fit(X, y)
        np.testing.assert_allclose(parameters(own), parameters(named), rtol=ROUNDING)


def test_dropout_is_off_in_prediction_and_unbiased_in_training():
    from skffnn.nn.network import Dropout

    p, n = 0.3, 200_000
    h, d = np.full((1, n), 2.0), np.full((1, n), 0.5)
    Dropout([p], np.random.default_rng(0)).apply(0, h, d, np.empty((1, n)))
    assert set(np.unique(h)) == {0, 2 / (1 - p)}
    np.testing.assert_array_equal(d, h / 4)  # the same mask
    assert (h == 0).mean() == pytest.approx(p, abs=0.01)  # ten standard errors
    assert h.mean() == pytest.approx(2, abs=0.02)

    model = FFNNClassifier((30,), dropout=0.5, max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
