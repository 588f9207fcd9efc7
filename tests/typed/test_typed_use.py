"""Users' code, which `make lint` checks with type checkers in strict mode.

It also runs as tests, because code that passes a type checker must work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import skffnn
from skffnn import (
    NTK,
    Adam,
    AveragedClassifier,
    AveragedRegressor,
    Checkpoint,
    Clock,
    Cosine,
    FFNNClassifier,
    FFNNRegressor,
    GapImputer,
    Gaussian,
    Huber,
    LossCurveDisplay,
    NetworkDisplay,
    RegressionLoss,
    RobustSmoothScaler,
    Schedule,
    TableEncoder,
    Tweedie,
    WeightsDisplay,
    make_tabular_classifier,
    make_tabular_regressor,
)
from skffnn.nn.activations import LeakyReLU
from skffnn.nn.losses import ClassOutput, CrossEntropy, Softmax

Array = NDArray[np.float64]

rng = np.random.default_rng(0)
X: Array = rng.normal(size=(60, 3))
labels: NDArray[np.int64] = (X[:, 0] > 0).astype(np.int64)
TABLE = [[1.0, "red"], [None, "red"], [3.0, None], [4.0, "blue"]] * 20
COLOURS = ["warm", "warm", "none", "cold"] * 20


def probabilities(X: Array, y: Sequence[str] | NDArray[np.int64]) -> Array:
    model = FFNNClassifier(
        (8, 4),
        ["relu", LeakyReLU(slope=0.1)],
        solver=Adam(beta_2=0.95),
        learning_rate="one_cycle",
        weight_init=NTK(first_rate=1.0),
        class_weight={"a": 1, "b": 2} if isinstance(y[0], str) else "balanced",
        dropout=[0.1, 0.0],
        max_iter=3,
        random_state=np.random.RandomState(0),
    )
    return model.fit(X, y, sample_weight=np.ones(len(X))).predict_proba(X)


def test_classifier() -> None:
    assert probabilities(X, labels).shape == (60, 2)
    assert probabilities(X, ["a", "b"] * 30).shape == (60, 2)
    model = FFNNClassifier(hidden_layer_sizes=5, max_iter=3).fit(X, labels)
    model = model.partial_fit(X, labels, classes=[0, 1]).set_params(alpha=0.1)
    accuracy: float = model.score(X, labels)
    losses: list[float] = model.loss_curve_
    weights: list[Array] = model.coefs_
    assert 0 <= accuracy <= 1
    assert len(losses) == 4
    assert weights[0].shape == (3, 5)
    assert model.hidden_features(X).shape == (60, 5)
    assert (model.predict(X.tolist()) == model.classes_[model.predict(X)]).all()
    assert model.get_params()["alpha"] == 0.1
    assert model.max_iter == 3


def score(model: FFNNRegressor) -> float:
    return model.fit(X, X.sum(axis=1)).score(X, X.sum(axis=1))


def test_regressor() -> None:
    assert score(FFNNRegressor("huber", max_iter=2)) <= 1
    assert score(FFNNRegressor(Huber(delta=0.5), max_iter=2)) <= 1
    interval = FFNNRegressor("quantile", quantile=[0.1, 0.9], max_iter=2)
    f: Array = interval.fit(X, X[:, 0].tolist()).predict(X)
    assert f.shape == (60, 2)
    sums = FFNNRegressor(Tweedie(power=1.2), max_iter=2).fit(X, X[:, 0] ** 2)
    assert (sums.predict(X) > 0).all()
    normal = FFNNRegressor(Gaussian(), max_iter=2).fit(X, X[:, 0])
    mean, std = normal.predict(X, return_std=True)
    assert mean.shape == std.shape == normal.predict(X).shape


class Softplus:
    """A user's activation."""

    def forward(self, a: Array, h: Array, d: Array | None = None) -> None:
        np.logaddexp(0, a, out=h)
        if d is not None:
            np.exp(a - h, out=d)


class LogCosh(RegressionLoss):
    """A user's regression loss."""

    def loss_and_error(self, a: Array, y: Array) -> Array:
        a -= y
        ell: Array = np.sum(np.logaddexp(a, -a) - np.log(2), axis=-1, keepdims=True)
        np.tanh(a, out=a)
        return ell


class Half(CrossEntropy):
    """A user's classification loss."""

    def softmax(self) -> ClassOutput:
        return Softmax()


@dataclass(frozen=True)
class Halved(Schedule):
    """A user's schedule."""

    epochs: int = 10

    def factor(self, clock: Clock) -> float:
        return 1.0 if clock.epoch < self.epochs else 0.5


class L1:
    """A user's penalty."""

    def value(self, W: Array) -> float:
        return float(np.abs(W).sum())

    def add_gradient(self, W: Array, alpha: float, grad: Array) -> None:
        grad += alpha * np.sign(W)


class Normal:
    """A user's initialiser."""

    def draw(
        self, random_state: np.random.RandomState, n_in: int, n_out: int, gain: float
    ) -> tuple[Array, Array]:
        return random_state.normal(0, 0.1, (n_in, n_out)), np.zeros(n_out)


def log_loss_of(model: FFNNClassifier, X: Array, y: NDArray[np.int64]) -> float:
    """A user's scorer."""
    chosen: Array = model.predict_log_proba(X)[np.arange(len(y)), y]
    return float(chosen.mean())


def test_parts_of_ones_own() -> None:
    model = FFNNClassifier(
        activation=Softplus(),
        learning_rate=Halved(5),
        loss=Half(),
        penalty=L1(),
        weight_init=Normal(),
        dtype="float64",
        scoring=log_loss_of,
        early_stopping=True,
        max_iter=2,
    )
    assert model.fit(X, labels).n_iter_ == 2
    assert score(FFNNRegressor(LogCosh(), learning_rate=Cosine(2), max_iter=2)) <= 1


def test_tables() -> None:
    model = make_tabular_classifier(
        n_networks=2,
        boosting=False,
        max_iter=3,
        activation="silu",
        hidden_layer_sizes=(8,),
        random_state=0,
    ).fit(TABLE, COLOURS)
    chosen: NDArray[np.str_] = model.predict(TABLE)
    assert model.predict_proba(TABLE).shape == (80, 3)
    assert len(chosen) == len(TABLE)
    assert 0 <= model.score(TABLE, COLOURS) <= 1
    numbers = make_tabular_regressor(
        quantile=(0.1, 0.9), n_networks=2, max_iter=2, hidden_layer_sizes=4
    ).fit(TABLE, [1.0, 2.0, 3.0, 4.0] * 20)
    assert numbers.predict(TABLE).shape == (80, 2)


def test_parts_of_the_pipelines_of_tables() -> None:
    encoder = TableEncoder(target_means="classes").fit(TABLE, COLOURS)
    scaled = RobustSmoothScaler(dtype="float32").fit_transform(encoder.transform(TABLE))
    filled: Array = GapImputer().fit(scaled).transform(scaled)
    assert len(encoder.get_feature_names_out()) < filled.shape[1]
    network = FFNNClassifier((4,), max_iter=2)
    mean = AveragedClassifier(network, n_networks=2, n_jobs=None).fit(filled, COLOURS)
    assert mean.predict(filled).shape == (80,)
    others = AveragedRegressor(FFNNRegressor(max_iter=2), n_networks=2)
    assert others.fit(filled, filled[:, 0]).predict(filled).shape == (80,)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "model.skffnn"
    network = FFNNClassifier(max_iter=2, checkpoint=Checkpoint(path, epochs=1))
    skffnn.save(network.fit(X, labels), path)
    model = skffnn.load(path)
    assert isinstance(model, FFNNClassifier)
    assert (model.predict(X) == network.predict(X)).all()


# Not run, because they need metadata routing and matplotlib.


def with_requests() -> FFNNClassifier:
    network = FFNNClassifier().set_fit_request(sample_weight=True)
    return network.set_score_request(sample_weight="weight")


def pictures(network: FFNNClassifier) -> list[str]:
    LossCurveDisplay.from_estimator(network, panels=["loss"]).plot()
    display = WeightsDisplay.from_estimator(network, X, kind="histograms")
    NetworkDisplay.from_estimator(network, ax=display.axes_[0, 0])
    return list(display.histograms_)
