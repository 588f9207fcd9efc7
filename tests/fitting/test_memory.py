"""Memory does not grow with the rows times the width of the network."""

import tracemalloc

import numpy as np
import pytest
from helpers import STEPPERS, X, maker, y
from scipy import sparse

from skffnn import SOLVERS
from skffnn.data.dataset import FEW_EPOCHS

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

    def test_a_few_epochs_make_no_copy_of_X(self):
        X_, y_ = np.tile(X, (400, 10)), np.tile(y, 400)
        assert X_.dtype == np.float64
        few = peak_memory(make(max_iter=FEW_EPOCHS).fit, X_, y_)
        many = peak_memory(make(max_iter=FEW_EPOCHS + 1).fit, X_, y_)
        assert few < X_.nbytes / 4
        assert X_.nbytes / 2 < many < X_.nbytes * 3 / 4  # X in float32

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_rows_are_the_same_whether_converted_at_once_or_batch_by_batch(
        self, container
    ):
        params = {"batch_size": 16, "early_stopping": True}
        few = make(max_iter=FEW_EPOCHS, **params).fit(container(X), y)
        many = make(max_iter=FEW_EPOCHS + 1, **params).fit(container(X), y)
        assert few.loss_curve_ == many.loss_curve_[:FEW_EPOCHS]
        assert few.validation_scores_ == many.validation_scores_[:FEW_EPOCHS]

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
