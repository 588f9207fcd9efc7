"""Networks that are trained in a stack equal networks that are trained alone."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
from helpers import assert_same
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import get_scorer

from skffnn import REGRESSION_LOSSES, SGD, AdamW, FFNNClassifier, FFNNRegressor
from skffnn.fitted import Fitted
from skffnn.fitting.train import runner
from skffnn.optim.descent import layout, run
from skffnn.optim.optimizers import OPTIMIZERS
from skffnn.optim.schedules import Schedule

RNG = np.random.default_rng(0)
N, M = 203, 5
X = RNG.standard_normal((N, 4))
Y = (X[:, :3] + RNG.standard_normal((N, 3))).argmax(axis=1)
WEIGHTS = RNG.uniform(0.5, 2, N)
FOLD = RNG.permutation(N) % M  # of 41 and 40 rows

PARAMS = {"hidden_layer_sizes": (7, 5), "batch_size": 30, "max_iter": 12}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Member:
    """A network and its data, to be trained in a stack or alone."""

    def __init__(self, network, X, y, weights=None, **validation):
        self.network = network
        self.data, self.validation = (X, y, weights), validation

    def prepared(self):
        """Return the training of a fit, before its first epoch."""
        trainings = []
        token = runner.set(trainings.append)  # not trained yet
        try:
            self.alone()
        finally:
            runner.reset(token)
        return trainings[0]

    def alone(self):
        """Return the network, fitted by itself."""
        return clone(self.network).fit(*self.data, **self.validation)


def members(common=None, own=lambda m: {}, labels=Y, weights=None, kind=FFNNClassifier):
    """Return networks for all rows but those of a fold, with M different seeds."""
    for m in range(M):
        params = PARAMS | {"random_state": m} | (common or {}) | own(m)
        train = m != FOLD
        w = None if weights is None else weights[train]
        yield Member(kind(**params), X[train], labels[train], w)


def assert_as_alone(stack):
    """Train members in a stack, and compare each with itself alone, to the bit."""
    stack = list(stack)
    trainings = [member.prepared() for member in stack]
    assert len({layout(training) for training in trainings} - {None}) == 1
    run(trainings)
    networks = [member.alone() for member in stack]
    for training, network in zip(trainings, networks, strict=True):
        assert training.error is None
        assert_same(in_estimator(training, network), network)
    return networks


def in_estimator(training, network):
    """Return a copy of an estimator with the network of a training."""
    copy = clone(network)
    copy.fitted_ = Fitted.from_training(training)
    return copy


def different_numbers(solver):
    """Return optimiser parameters that differ between members."""
    parts = [f for f in fields(OPTIMIZERS[solver]) if isinstance(f.default, float)]
    return lambda m: {f.name: f.default * (1 - 0.1 * m) for f in parts}


# Parameters that the members share, and those of the m-th member.
CASES = {
    "seeds": ({}, lambda m: {}),
    "alpha": ({}, lambda m: {"alpha": 10.0**-m * (m > 0)}),
    "rates": ({}, lambda m: {"learning_rate_init": 0.002 * (m + 1)}),
    "decays": (
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05},
        lambda m: {"learning_rate_init": 0.02 * (m + 1), "n_iter_no_change": 1 + m},
    ),
    "no momentum": ({"solver": "sgd", "momentum": 0}, lambda m: {}),
    "betas": (
        {},
        lambda m: {"beta_1": 0.9 - 0.1 * m, "beta_2": 0.99, "epsilon": 10.0 ** (m - 9)},
    ),
    "decoupled": ({"solver": "adamw"}, lambda m: {"alpha": 0.01 * m}),
    "optimisers": ({}, lambda m: {"solver": AdamW(beta_2=0.9 + 0.01 * m)}),
    "schedules": (
        {},
        lambda m: {"learning_rate": ["cosine", "one_cycle", "constant"][m % 3]},
    ),
    "smoothing": ({}, lambda m: {"label_smoothing": 0.1 * m}),
    "dropout": ({}, lambda m: {"dropout": 0.1 + 0.1 * m}),
    "early stopping": (
        {"early_stopping": True, "n_iter_no_change": 1, "max_iter": 20},
        lambda m: {"learning_rate_init": 0.005 * (m + 1)},
    ),
    "epochs": ({}, lambda m: {"max_iter": 3 + 2 * m}),
    "class weights": ({}, lambda m: {"class_weight": {0: 1 + m, 1: 1, 2: 2}}),
    "scorer": ({"early_stopping": True, "scoring": "neg_log_loss"}, lambda m: {}),
    "callable": (
        {"early_stopping": True, "scoring": get_scorer("f1_macro")},
        lambda m: {},
    ),
    "float64": ({"dtype": "float64"}, lambda m: {"alpha": 0.1 * m}),
    "one batch": ({"batch_size": "auto"}, lambda m: {}),
    "no shuffling": ({"shuffle": False}, lambda m: {}),
    "linear": ({"hidden_layer_sizes": ()}, lambda m: {}),
    "rates of layers": ({"weight_init": "ntk"}, lambda m: {}),
    **{
        f"the numbers of {name}": ({"solver": name}, different_numbers(name))
        for name in OPTIMIZERS
    },
}
ENDINGS = {"early stopping", "epochs"}  # at different epochs


@pytest.mark.parametrize("case", CASES)
def test_classifiers(case):
    networks = assert_as_alone(members(*CASES[case]))
    if case in ENDINGS:
        assert len({network.n_iter_ for network in networks}) > 2


@pytest.mark.parametrize("case", ["seeds", "early stopping", "scorer", "class weights"])
def test_classifiers_of_weighted_rows(case):
    assert_as_alone(members(*CASES[case], weights=WEIGHTS))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_regressors(loss, early_stopping):
    common = {"loss": loss, "early_stopping": early_stopping}
    numbers = np.abs(X[:, 0]) + 1
    assert_as_alone(members(common, labels=numbers, kind=FFNNRegressor))


@pytest.mark.parametrize(
    "labels", [Y > 0, (X[:, :3] > 0).astype(int), np.column_stack([Y, Y % 2])], ids=str
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_other_targets(labels, early_stopping):
    assert_as_alone(members({"early_stopping": early_stopping}, labels=labels))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
def test_validation_sets_of_different_sizes(weights):
    def validated():
        for m, member in enumerate(members(weights=weights)):
            own = m == FOLD
            given = {"X_val": X[own], "y_val": Y[own]}
            if weights is not None:
                given["sample_weight_val"] = weights[own]
            yield Member(member.network, *member.data, **given)

    assert_as_alone(validated())


def test_one_that_diverges_does_not_affect_the_others():
    stack = [
        *members(
            {"solver": "sgd"}, lambda m: {"learning_rate_init": [0.01, 1e30][m == 2]}
        )
    ]
    with pytest.raises(ValueError, match="diverged in epoch 1 at") as alone:
        stack[2].alone()
    trainings = [member.prepared() for member in stack]
    run(trainings)
    assert str(trainings[2].error) == str(alone.value)
    for m in {*range(M)} - {2}:
        network = stack[m].alone()
        assert_same(in_estimator(trainings[m], network), network)


def test_an_error_in_a_scorer_does_not_affect_the_others():
    def failing(estimator, X, y):
        raise RuntimeError("no score")

    def own(m):
        return {"early_stopping": True, "scoring": failing if m == 1 else None}

    stack = [*members(own=own)]
    trainings = [member.prepared() for member in stack]
    run(trainings)
    assert [type(t.error) for t in trainings] == [
        RuntimeError if m == 1 else type(None) for m in range(M)
    ]
    network = stack[4].alone()
    assert_same(in_estimator(trainings[4], network), network)


class InterruptingSchedule(Schedule):
    """A constant learning rate with Ctrl-C in one of its calls."""

    def __init__(self, at):
        self.at, self.n_calls = at, 0

    def factor(self, clock):
        self.n_calls += 1
        if self.n_calls == self.at:
            raise KeyboardInterrupt
        return 1.0


# An epoch has six batches, and the rate is asked for once more, at its start.
@pytest.mark.parametrize("at", [1, 4, 7 * 3 + 1, 7 * 3 + 5])
def test_ctrl_c_keeps_what_all_have_reached(at):
    def own(m):
        rate = InterruptingSchedule(at) if m == 3 else "constant"
        return {"learning_rate": rate, "max_iter": 2 if m == 1 else 12}

    stack = [*members(own=own)]
    trainings = [member.prepared() for member in stack]
    run(trainings)
    ended = at > 2 * 7  # the second member, before Ctrl-C
    assert [t.interrupted for t in trainings] == [m != 1 or not ended for m in range(M)]
    epochs = at // 7
    for m, training in enumerate(trainings):
        assert training.error is None
        assert training.n_iter == (min(epochs, 2) if m == 1 else epochs)
        fitted = Fitted.from_training(training)
        assert len(fitted.progress.loss_curve) == training.n_iter
        if at % 7 == 1 and epochs:  # at the start of an epoch
            network = clone(stack[m].network)
            network.set_params(max_iter=training.n_iter, learning_rate="constant")
            network.fit(*stack[m].data)
            np.testing.assert_array_equal(
                fitted.theta.vector, network.fitted_.theta.vector
            )


@pytest.mark.parametrize("params", [{}, {"early_stopping": True, "dropout": 0.2}])
def test_training_continues_from_where_a_stack_ended(params):
    stack = [*members({"max_iter": 3} | params)]
    trainings = [member.prepared() for member in stack]
    run(trainings)
    for member, training in zip(stack, trainings, strict=True):
        whole = member.alone().set_params(warm_start=True, max_iter=4)
        parts = member.alone().set_params(warm_start=True, max_iter=4)
        parts.fitted_ = Fitted.from_training(training)
        assert_same(parts.fit(*member.data), whole.fit(*member.data))


DIFFERENT = {
    "sizes": {"hidden_layer_sizes": (7, 6)},
    "activation": {"activation": ["tanh", "relu"]},
    "solver": {"solver": "sgd"},
    "momentum or none": {"beta_1": 0.0},
    "dtype": {"dtype": "float64"},
    "dropout or none": {"dropout": 0.1},
    "validation or none": {"early_stopping": True},
    "weights or none": {"class_weight": {0: 2}},
    "size of batches": {"batch_size": 31},
    "number of batches": {"batch_size": 100},
    "rates of layers": {"weight_init": "ntk"},
}


class TestLayout:
    """Only networks of the same layout are trained in a stack."""

    @pytest.mark.parametrize("case", DIFFERENT)
    def test_of_different_networks(self, case):
        usual = next(members())
        other = next(members(DIFFERENT[case]))
        assert layout(usual.prepared()) != layout(other.prepared()) is not None

    def test_of_different_losses(self):
        numbers = np.abs(X[:, 0]) + 1
        layouts = {
            layout(
                next(
                    members({"loss": loss}, labels=numbers, kind=FFNNRegressor)
                ).prepared()
            )
            for loss in REGRESSION_LOSSES
        }
        # "quantile" with its default is half the absolute error: its level is a number.
        assert len(layouts) == len(REGRESSION_LOSSES)

    def test_of_folds_with_different_numbers_of_batches(self):
        layouts = [layout(one.prepared()) for one in members({"batch_size": 81})]
        assert len(set(layouts)) == 2  # 162 rows have two batches, and 163 have three

    def test_parts_of_the_users_own_are_trained_alone(self):
        class Cube:
            def forward(self, a, h, d=None):
                h[...] = a**3

            def backward(self, a, h, d):
                d[...] = 3 * a**2

        class Own(SGD):
            """An optimiser."""

        for params in ({"activation": Cube()}, {"solver": Own()}, {"solver": "lbfgs"}):
            assert layout(next(members(params)).prepared()) is None

    def test_what_listeners_follow_is_trained_alone(self):
        assert layout(next(members({"verbose": 1})).prepared()) is None

    def test_a_fit_that_continues_is_trained_alone(self):
        member = next(members({"warm_start": True}))
        network, trainings = member.alone(), []
        token = runner.set(trainings.append)
        network.fit(*member.data)
        runner.reset(token)
        assert layout(trainings[0]) is None

    def test_sparse_rows_are_trained_alone(self):
        member = next(members())
        member = Member(member.network, csr_array(member.data[0]), member.data[1])
        assert layout(member.prepared()) is None


@dataclass(frozen=True)
class Decaying(SGD):
    """SGD whose state contains a power of the momentum as a number."""

    def init(self, theta):
        return {**super().init(theta), "product": 1.0}

    def update(self, grad, state, eta):
        state["product"] = state["product"] * self.momentum
        return super().update(grad, state, eta)


def test_a_number_in_a_state_cannot_depend_on_the_member(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "decaying", Decaying)
    own = members(own=lambda m: {"solver": Decaying(0.9 - 0.1 * m)})
    trainings = [member.prepared() for member in own]
    run(trainings)
    for training in trainings:
        assert isinstance(training.error, TypeError)
        assert "must be the same" in str(training.error)
        assert "['product'] differ" in str(training.error)
