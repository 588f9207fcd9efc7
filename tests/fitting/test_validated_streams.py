"""Validation of a stream: the best parameters are kept, and its end is known."""

import numpy as np
import pytest
from helpers import X, y
from sklearn.metrics import accuracy_score

import skffnn
from skffnn import FFNNClassifier, FFNNRegressor

TRAIN, VAL = np.arange(150) % 3 != 0, np.arange(150) % 3 == 0
CHUNKS = np.array_split(np.flatnonzero(TRAIN), 4)


def stream(model, n, **validation):
    """Train on chunks in turn; return the predictions for X after each call."""
    found = []
    options = {"classes": [0, 1, 2]} if isinstance(model, FFNNClassifier) else {}
    for i in range(n):
        rows = CHUNKS[i % len(CHUNKS)]
        model.partial_fit(X[rows], y[rows], **options, **validation)
        found.append(model.predict(X))
    return found


def test_the_best_parameters_so_far_predict():
    model = FFNNClassifier(learning_rate_init=0.3, solver="sgd", random_state=0)
    found = stream(model, 12, X_val=X[VAL], y_val=y[VAL])
    scores = model.validation_scores_
    kept = [accuracy_score(y[VAL], labels[VAL]) for labels in found]
    np.testing.assert_allclose(kept, np.maximum.accumulate(scores))
    best = max(scores)
    assert model.best_validation_score_ == best > min(scores[scores.index(best) :])


def test_training_itself_goes_on_from_the_last_parameters():
    one, other = (
        FFNNClassifier(learning_rate_init=0.3, solver="sgd", random_state=0)
        for _ in range(2)
    )
    stream(one, 12, X_val=X[VAL], y_val=y[VAL])
    stream(other, 12)
    assert one.loss_curve_ == other.loss_curve_


def test_it_converges_when_patience_is_over():
    params = {"n_iter_no_change": 3, "learning_rate_init": 1e-6, "random_state": 0}
    model = FFNNClassifier(**params)
    validation = {"X_val": X[VAL], "y_val": y[VAL]}
    stream(model, 4, **validation)
    assert not model.converged_  # the first score, then three without an improvement
    stream(model, 1, **validation)
    assert model.converged_
    stream(model, 1)
    assert not model.converged_


@pytest.mark.parametrize("model", [FFNNClassifier(), FFNNRegressor()])
def test_it_survives_a_file(model, tmp_path):
    model.set_params(random_state=0)
    validation = {"X_val": X[VAL], "y_val": y[VAL], "sample_weight_val": y[VAL] + 1}
    stream(model, 3, **validation)
    skffnn.save(model, tmp_path / "stream")
    loaded = skffnn.load(tmp_path / "stream")
    for one in (model, loaded):
        stream(one, 3, **validation)
    assert model.validation_scores_ == loaded.validation_scores_
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))


def test_the_scale_of_targets_may_change():
    model = FFNNRegressor(random_state=0)
    validation = {"X_val": X[VAL], "y_val": X[VAL, 0]}
    for i in range(60):
        rows = CHUNKS[i % len(CHUNKS)]
        scale = 1e-3 if i == 0 else 1
        model.partial_fit(X[rows], X[rows, 0] * scale, **validation)
    assert model.score(X[VAL], X[VAL, 0]) == pytest.approx(model.best_validation_score_)
    assert model.best_validation_score_ > 0.5


def test_half_a_validation_set_is_refused():
    with pytest.raises(ValueError, match="y_val is None"):
        FFNNClassifier().partial_fit(X, y, classes=[0, 1, 2], X_val=X)
