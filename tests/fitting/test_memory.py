"""Memory does not grow with the rows times the width of the network."""

import tracemalloc

import numpy as np
import pytest
from helpers import STEPPERS, X, maker, y

from skffnn import SOLVERS

make = maker(max_iter=5)


def peak_memory(function, *args):
    """Return the peak memory of a function call in bytes."""
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class TestMemory:
    """Memory of training and prediction."""

    @pytest.mark.parametrize(
        "method",
        ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"],
    )
    def test_rows_are_predicted_in_blocks(self, method):
        n, width = 20_000, 200
        model = make(hidden_layer_sizes=(width,), max_iter=1).fit(X, y)
        X_ = np.tile(X, (n // len(X) + 1, 1))[:n]
        args = (X_, np.tile(y, n // len(y) + 1)[:n]) if method == "score" else (X_,)
        # The hidden layer of all rows alone has n × width × 8 = 32 MB.
        assert peak_memory(getattr(model, method), *args) < n * width * 8 / 3

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_training_does_not_grow_with_the_rows_times_the_width(self, solver):
        n, width = 30_000, 200
        X_ = np.tile(X, (n // len(X) + 1, 1))[:n]
        y_ = np.tile(y, n // len(y) + 1)[:n]
        model = make(hidden_layer_sizes=(width,), max_iter=1, solver=solver)
        assert peak_memory(model.fit, X_, y_) < n * width * 8 / 3

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_X_is_copied_only_to_convert_it_to_a_smaller_type(
        self, early_stopping, dtype
    ):
        X_ = np.tile(X, (400, 40)).astype(dtype)
        model = make(max_iter=1, early_stopping=early_stopping)
        peak = peak_memory(model.fit, X_, np.tile(y, 400))
        converted = X_.nbytes / 2 if dtype == np.float64 else 0  # X in float32
        held_out = 0.2 * X_.nbytes if early_stopping else 0
        assert converted <= peak < converted + held_out + X_.nbytes / 10

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_a_step_makes_nothing_as_large_as_the_parameters(self, solver):
        class Watched:
            decoupled = SOLVERS[solver].decoupled
            real, largest = SOLVERS[solver](), 0

            def init(self, theta):
                return self.real.init(theta)

            def update(self, grad, state, eta):
                _, peak = tracemalloc.get_traced_memory()
                if self.begun:
                    self.largest = max(self.largest, peak - self.used)
                delta = self.real.update(grad, state, eta)
                self.begun = True
                tracemalloc.reset_peak()
                self.used = tracemalloc.get_traced_memory()[0]
                return delta

            begun = False

        watched = Watched()
        X_ = np.tile(X, (8, 100))  # six batches of 200 rows
        y_ = np.tile(y, 8)
        # During a single epoch, nothing is validated or recorded between steps.
        peak_memory(
            make(hidden_layer_sizes=(400,), solver=watched, max_iter=1).fit, X_, y_
        )
        assert 0 < watched.largest < 400 * 400 * 4
