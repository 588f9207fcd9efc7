"""Networks trained in a stack equal networks trained alone."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
from helpers import assert_same
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer

import skffnn.many as many
from skffnn import SGD, AdamW, FFNNClassifier
from skffnn.data.dataset import Dataset
from skffnn.fitting.stack import layout, run
from skffnn.many import Job, fit_many, fit_stacked
from skffnn.optim.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
N, M = 203, 5
X = RNG.standard_normal((N, 4))
Y = (X[:, :3] + RNG.standard_normal((N, 3))).argmax(axis=1)
WEIGHTS = RNG.uniform(0.5, 2, N)
FOLD = RNG.permutation(N) % M  # of 41 and 40 rows

PARAMS = {"hidden_layer_sizes": (7, 5), "batch_size": 30, "max_iter": 12}


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
    "momentum": ({"solver": "sgd"}, lambda m: {"momentum": 0.9 - 0.1 * m}),
    "no momentum": ({"solver": "sgd", "momentum": 0}, lambda m: {}),
    "betas": (
        {},
        lambda m: {"beta_1": 0.9 - 0.1 * m, "beta_2": 0.99, "epsilon": 10.0 ** (m - 9)},
    ),
    "decoupled": ({"solver": "adamw"}, lambda m: {"alpha": 0.01 * m}),
    "optimisers": ({}, lambda m: {"solver": AdamW(beta_2=0.9 + 0.01 * m)}),
    "horizon": ({"learning_rate": "cosine"}, lambda m: {}),
    "schedules": (
        {},
        lambda m: {"learning_rate": ["cosine", "one_cycle", "constant"][m % 3]},
    ),
    "smoothing": ({}, lambda m: {"label_smoothing": 0.1 * m}),
    "dropout": ({}, lambda m: {"dropout": 0.1 + 0.1 * m}),
    "early stopping": ({"early_stopping": True, "n_iter_no_change": 2}, lambda m: {}),
    "epochs": ({}, lambda m: {"max_iter": 3 + 2 * m}),
    "class weights": ({}, lambda m: {"class_weight": {0: 1 + m, 1: 1, 2: 2}}),
    "scorer": ({"early_stopping": True, "scoring": "neg_log_loss"}, lambda m: {}),
    "callable": (
        {"early_stopping": True, "scoring": get_scorer("f1_macro")},
        lambda m: {},
    ),
    "float32": ({"dtype": "float32"}, lambda m: {"alpha": 0.1 * m}),
    "all rows, of most": ({"batch_size": 162}, lambda m: {}),
    "no shuffling": ({"shuffle": False}, lambda m: {}),
    "linear": ({"hidden_layer_sizes": ()}, lambda m: {}),
    "rates of layers": ({"weight_init": "ntk"}, lambda m: {}),
    **{
        f"the numbers of {name}": ({"solver": name}, different_numbers(name))
        for name in OPTIMIZERS
    },
}


def jobs_of(common, own, *, validated=False, weights=None, labels=Y):
    """Return jobs for networks that train on different folds."""
    data = Dataset(X, labels, weights)
    jobs = []
    for m in range(M):
        params = {"dtype": "float64", "random_state": m} | PARAMS | common | own(m)
        network = FFNNClassifier(**params)
        network.n_features_in_ = X.shape[1]
        held_out = data.take(np.flatnonzero(m == FOLD))
        train = data.take(np.flatnonzero(m != FOLD))
        jobs.append(Job(network, train, held_out if validated else None))
    return jobs


def alone(job):
    """Fit the network of a job with its `fit` method."""
    fit_params = {}
    weights = job.train.weights
    if weights is not None:
        fit_params["sample_weight"] = weights[job.train.index]
    if job.validation is not None:
        fit_params["X_val"], fit_params["y_val"] = job.validation.select()
        if weights is not None:
            fit_params["sample_weight_val"] = weights[job.validation.index]
    network = FFNNClassifier(**job.estimator.get_params())
    return network.fit(*job.train.select(), **fit_params)


def assert_alike(network, expected):
    """Compare all fitted attributes."""
    for name in ("n_iter_", "t_", "n_features_in_", "classes_", "out_activation_"):
        assert np.all(getattr(network, name) == getattr(expected, name))
    rtol = 1e-4 if network.dtype == "float32" else 1e-9
    for name in ("coefs_", "intercepts_"):
        pairs = zip(getattr(network, name), getattr(expected, name), strict=True)
        for value, wanted in pairs:
            np.testing.assert_allclose(value, wanted, rtol=rtol, atol=1e-5 * rtol)
    for name in ("loss_curve_", "learning_rate_curve_", "validation_scores_"):
        value, wanted = getattr(network, name), getattr(expected, name)
        assert (value is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(value, wanted, rtol=rtol)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestMembers:
    """Each member of a stack equals a network trained alone with the same seed."""

    @pytest.mark.parametrize("case", CASES)
    def test_alone_and_in_a_stack(self, case):
        jobs = jobs_of(*CASES[case])
        for job, result in zip(jobs, fit_stacked(jobs), strict=True):
            assert_alike(result.estimator, alone(job))

    def test_they_are_in_one_stack(self):
        kinds = {}
        for case, (common, own) in CASES.items():
            fits = [
                job.estimator._new_fit(job.train, None) for job in jobs_of(common, own)
            ]
            kinds[case] = {layout(fit) for fit in fits}
            assert None not in kinds[case]
        # In that case, folds of 162 rows have one batch, and folds of 163 two.
        several = {case for case, layouts in kinds.items() if len(layouts) > 1}
        assert several == {"all rows, of most"}

    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
    def test_with_validation_sets(self, weights):
        jobs = jobs_of({}, lambda m: {}, validated=True, weights=weights)
        for job, result in zip(jobs, fit_stacked(jobs), strict=True):
            assert_alike(result.estimator, alone(job))

    def test_multi_label(self):
        labels = (X[:, :3] > RNG.standard_normal((N, 3))).astype(int)
        jobs = jobs_of({}, lambda m: {}, labels=labels)
        for job, result in zip(jobs, fit_stacked(jobs), strict=True):
            assert_alike(result.estimator, alone(job))

    def test_two_classes(self):
        jobs = jobs_of({}, lambda m: {}, labels=Y > 0)
        for job, result in zip(jobs, fit_stacked(jobs), strict=True):
            assert_alike(result.estimator, alone(job))

    def test_one_that_diverges_disturbs_nobody(self):
        def own(m):
            return {"learning_rate_init": 1e30 if m == 2 else 0.01}

        jobs = jobs_of({"solver": "sgd"}, own)
        with pytest.raises(ValueError, match="diverged in epoch 1 at") as wanted:
            alone(jobs[2])
        results = fit_stacked(jobs)
        assert str(results[2].error) == str(wanted.value)
        with pytest.raises(ValueError, match="diverged"):
            results[2].fitted()
        for m in {*range(M)} - {2}:
            assert_alike(results[m].estimator, alone(jobs[m]))

    def test_training_goes_on_from_where_a_stack_has_left_it(self):
        jobs = jobs_of({"max_iter": 3}, lambda m: {})
        for job, result in zip(jobs, fit_stacked(jobs), strict=True):
            more = {"warm_start": True, "max_iter": 4}
            wanted, rows = alone(job).set_params(**more), job.train.select()
            network = result.estimator.set_params(**more)
            assert_same(network.fit(*rows), wanted.fit(*rows))


def test_a_number_of_an_optimiser_cannot_be_of_one_member(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "decaying", Decaying)
    jobs = jobs_of({}, lambda m: {"solver": Decaying(0.9 - 0.1 * m)})
    with pytest.raises(TypeError, match=r"must be the same.*\['product'\]"):
        fit_stacked(jobs)


@dataclass(frozen=True)
class Decaying(SGD):
    """SGD whose state contains a power of the momentum as a number."""

    def init(self, theta):
        return {**super().init(theta), "product": 1.0}

    def update(self, grad, state, eta):
        state["product"] = state["product"] * self.momentum
        return super().update(grad, state, eta)


def test_they_warn_as_if_they_were_alone():
    jobs = jobs_of({"max_iter": 2}, lambda m: {})
    for result in fit_stacked(jobs):
        assert [w.category for w in result.warnings] == [ConvergenceWarning]
        with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs"):
            result.fitted()


def test_ctrl_c_keeps_what_all_have_reached(monkeypatch):
    fits = [
        job.estimator._new_fit(job.train, None) for job in jobs_of({}, lambda m: {})
    ]
    stopped = fits[1].training.end_epoch

    def end_epoch(*args, **kwargs):
        stopped(*args, **kwargs)
        if fits[1].n_iter == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(fits[1].training, "end_epoch", end_epoch)
    for outcome in run(fits):
        assert outcome.error is None
        assert outcome.fitted["n_iter_"] in (2, 3)
        (warning,) = outcome.warnings
        assert "was interrupted in epoch" in str(warning.message)


class TestHowManyToStack:
    """Assignment of networks to stacks and cores."""

    def test_small_networks_share_a_stack_on_each_core(self):
        groups = many.stacks_of(jobs_of({}, lambda m: {}), n_cores=2)
        assert [len(group) for group in groups] == [3, 2]
        assert sorted(i for group in groups for i in group) == list(range(M))

    def test_large_networks_are_trained_one_by_one(self):
        jobs = jobs_of({"hidden_layer_sizes": (1000, 1000)}, lambda m: {})
        assert [len(group) for group in many.stacks_of(jobs, 1)] == [1] * M

    def test_memory_is_bounded_by_the_setting_of_scikit_learn(self):
        from sklearn import config_context

        jobs = jobs_of({}, lambda m: {})
        step = many.cost_of_step(jobs[0])
        with config_context(working_memory=2.5 * (step.bytes + step.kept) / 2**20):
            assert many.members_of_a_stack(jobs[0]) == 2
            assert [len(group) for group in many.stacks_of(jobs, 1)] == [2, 2, 1]

    @pytest.mark.parametrize(
        "params", [{"verbose": 1}, {"warm_start": True}, {"checkpoint": "x"}], ids=str
    )
    def test_others_stay_alone(self, params):
        jobs = jobs_of({}, lambda m: params if m == 0 else {})
        groups = many.stacks_of(jobs, 1)
        assert sorted(map(len, groups)) == [1, M - 1]

    def test_parts_of_the_users_own_stay_alone(self):
        class Cube:
            def forward(self, a, h, d=None):
                h[...] = a**3

        for params in ({"activation": Cube()}, {"solver": "lbfgs"}):
            jobs = jobs_of(params, lambda m: {})
            fits = [job.estimator._new_fit(job.train, None) for job in jobs]
            assert {layout(fit) for fit in fits} == {None}

    def test_networks_of_different_layers_are_not_mixed(self):
        jobs = jobs_of({}, lambda m: {"hidden_layer_sizes": (4 + m % 2,)})
        groups = many.stacks_of(jobs, 1)
        assert {frozenset(group) for group in groups} == {
            frozenset({0, 2, 4}),
            frozenset({1, 3}),
        }

    def test_processes_are_started_for_long_fits_alone(self):
        from joblib import Parallel, delayed, parallel_config

        def decided(backend=None):
            return Parallel(n_jobs=2, backend=backend)(
                delayed(many.processes_for)(long) for _ in range(2)
            )

        short = jobs_of({}, lambda m: {})
        long = jobs_of({"max_iter": 10**6}, lambda m: {})
        assert many.processes_for(short) is None
        assert many.processes_for(long) == -1
        # Not in code that already runs in parallel, and not against the user's setting.
        assert decided("loky") == decided("threading") == [None, None]
        with parallel_config(n_jobs=2):
            assert many.processes_for(long) is None

    @pytest.mark.skipif(effective_n_jobs(-1) < 2, reason="needs two cores")
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize("is_large", [False, True])
    def test_this_process_does_not_train_on_large_tables(self, is_large, monkeypatch):
        monkeypatch.setattr(many, "WORTH_PROCESSES", 0)
        if is_large:
            monkeypatch.setattr(many, "LARGE", 0)
        jobs = jobs_of({}, lambda m: {})
        results = dict(many.fit_many(jobs, "auto"))
        assert sorted(results) == list(range(M))
        # Other processes return copies.
        own = [results[i].estimator is job.estimator for i, job in enumerate(jobs)]
        assert any(own) is not is_large
        # What joblib does elsewhere is not changed.
        assert get_active_backend()[0].inner_max_num_threads is None

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_all_are_fitted_whatever_they_share(self):
        def own(m):
            return [
                {"solver": "lbfgs"},
                {"activation": "tanh"},
                {"alpha": -1},
                {"hidden_layer_sizes": (300, 300)},
                {},
            ][m]

        jobs = jobs_of({}, own)
        results = dict(fit_many(jobs))
        assert sorted(results) == list(range(M))
        assert "alpha must be" in str(results[2].error)
        for m in {*range(M)} - {2}:
            assert_alike(results[m].estimator, alone(jobs[m]))
            assert results[m].seconds > 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_sparse_rows_are_trained_one_by_one():
    from scipy.sparse import csr_array

    jobs = jobs_of({}, lambda m: {})
    for job in jobs:
        index = job.train.index
        job.train = Dataset(csr_array(X), Y, index=index)
    assert all(len(group) == 1 for group in many.stacks_of(jobs, 1))
    for i, result in fit_many(jobs):
        assert_alike(result.estimator, alone(jobs[i]))
