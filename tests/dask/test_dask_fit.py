"""Fits on a cluster of processes, compared with FFNNClassifier."""

import inspect
import pickle
import re

import numpy as np
import pytest
from helpers import (
    ROUNDING,
    assert_close,
    assert_same_training,
    curves,
    parameters,
)
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import get_scorer

import skffnn
from skffnn import FFNNClassifier

da = pytest.importorskip("dask.array", reason="needs Dask")
dd = pytest.importorskip("dask.dataframe", reason="needs Dask")
pd = pytest.importorskip("pandas")

from skffnn.dask import DaskFFNNClassifier  # noqa: E402

# Sums in a different order, over 20 iterations of L-BFGS.
SUMMED_APART = 1e-8

X, y = make_classification(
    300, 6, n_informative=4, n_classes=3, class_sep=0.8, random_state=0
)
_, Y = make_multilabel_classification(300, 6, n_classes=3, random_state=0)
WEIGHTS = np.random.default_rng(0).uniform(0, 2, 300) * (np.arange(300) % 7 > 0)
CHUNKS = (90, 110, 0, 100)
PARAMS = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}


def in_chunks(*arrays, chunks=CHUNKS):
    """Split arrays into partitions of rows."""
    return tuple(
        da.from_array(a, chunks=(chunks, *((n,) for n in a.shape[1:]))) for a in arrays
    )


def pair(**params):
    """Return an estimator for a cluster and one for a single machine."""
    params = PARAMS | params
    return DaskFFNNClassifier(**params), FFNNClassifier(**params)


class TestLBFGS:
    @pytest.mark.parametrize(
        ("params", "weights"),
        [
            ({"max_iter": 20}, None),
            ({"class_weight": "balanced", "alpha": 0.1}, WEIGHTS),
            ({"label_smoothing": 0.1, "activation": "tanh"}, None),
            ({"hidden_layer_sizes": ()}, WEIGHTS),
        ],
        ids=["plain", "class weights", "smoothed labels", "linear"],
    )
    def test_is_that_of_one_machine(self, client, params, weights):
        there, here = pair(solver="lbfgs", **{"max_iter": 5} | params)
        given = (X, y) if weights is None else (X, y, weights)
        there.fit(*in_chunks(*given))
        here.fit(*given)
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )
        np.testing.assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-10)
        assert there.n_iter_ == here.n_iter_

    def test_of_several_labels_is_that_of_one_machine(self, client):
        there, here = pair(solver="lbfgs", max_iter=5)
        there.fit(*in_chunks(X, Y))
        here.fit(X, Y)
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )

    def test_starts_from_the_parameters_that_it_is_given(self, client):
        there, here = pair(solver="lbfgs", max_iter=3)
        start = FFNNClassifier(**PARAMS | {"random_state": 1}).fit(X, y)
        given = {"coef_init": start.coefs_, "intercept_init": start.intercepts_}
        there.fit(*in_chunks(X, y), **given)
        here.fit(X, y, **given)
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )

    def test_of_sparse_rows_is_that_of_one_machine(self, client):
        there, here = pair(solver="lbfgs", max_iter=5)
        S = X * (np.abs(X) > 0.5)
        dX, dy = in_chunks(S, y)
        there.fit(dX.map_blocks(csr_array), dy)
        here.fit(csr_array(S), y)
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )

    def test_adds_up_a_tree_of_many_partitions(self, client):
        there, here = pair(solver="lbfgs", max_iter=2)
        there.fit(*in_chunks(X, y, chunks=(15,) * 20))
        here.fit(X, y)
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )


class TestOnePartition:
    @pytest.mark.parametrize(
        "params",
        [
            {"solver": "sgd", "learning_rate": "one_cycle"},
            {"solver": "adamw", "alpha": 0.1, "weight_init": "ntk", "shuffle": False},
            {"early_stopping": True, "max_iter": 4, "n_iter_no_change": 1, "tol": 0.1},
            {"dropout": 0.2, "early_stopping": True, "class_weight": "balanced"},
            {"early_stopping": True, "scoring": "balanced_accuracy"},
            {"batch_size": 300, "label_smoothing": 0.1},
            {"solver": "lbfgs", "dropout": 0.2},
        ],
        ids=str,
    )
    def test_is_the_fit_of_one_machine(self, client, params):
        there, here = pair(**({"batch_size": 32} | params))
        # Empty partitions and those with zero weight have no effect.
        given = in_chunks(
            np.vstack([X, X[:9]]),
            np.append(y, y[:9]),
            np.append(np.full(300, 2.0), np.zeros(9)),
            chunks=(0, 300, 9),
        )
        there.fit(*given)
        here.fit(X, y)
        assert_close(there, here, ROUNDING)
        assert there.t_ == here.t_
        assert there.coefs_[0].dtype == here.coefs_[0].dtype

    def test_goes_on_as_on_one_machine(self, client):
        params = {"warm_start": True, "batch_size": 32, "dropout": 0.1}
        there, here = pair(early_stopping=True, **params)
        one = in_chunks(X, y, chunks=(300,))
        for _ in range(2):
            there.fit(*one)
            here.fit(X, y)
        assert_close(there, here, ROUNDING)
        # ... and continues on one machine as on the cluster.
        local = there.to_local().fit(X, y)
        assert_close(local, here.fit(X, y), ROUNDING)

    def test_validates_as_on_one_machine(self, client):
        there, here = pair(batch_size=32)
        given = {"X_val": X[200:], "y_val": y[200:], "sample_weight_val": WEIGHTS[200:]}
        there.fit(*in_chunks(X[:200], y[:200], chunks=(200,)), **given)
        here.fit(X[:200], y[:200], **given)
        assert_close(there, here, ROUNDING)


STOCHASTIC = {"batch_size": 50, "learning_rate_init": 0.02, "max_iter": 2}


class TestLocalSteps:
    @pytest.mark.parametrize("solver", ["sgd", "adamw"])
    def test_learn_what_one_machine_learns(self, client, solver):
        there, here = pair(solver=solver, **STOCHASTIC | {"max_iter": 8})
        there.fit(*in_chunks(X, y))
        here.fit(X, y)
        assert there.loss_ < 1.05 * here.loss_
        assert there.loss_ < 0.8 * there.loss_curve_[0]
        assert there.t_ == here.t_

    def test_have_the_same_bits_for_the_same_seed(self, client):
        there, _ = pair(**STOCHASTIC, dropout=0.3, early_stopping=True)
        first, second = (clone(there).fit(*in_chunks(X, y)) for _ in range(2))
        assert_same_training(first, second)
        other = clone(there).set_params(random_state=1).fit(*in_chunks(X, y))
        assert not np.array_equal(parameters(first), parameters(other))

    def test_go_on_where_they_ended(self, client):
        there, _ = pair(**STOCHASTIC, dropout=0.2, early_stopping=True)
        there.set_params(warm_start=True, max_iter=1)
        for _ in range(2):
            there.fit(*in_chunks(X, y))
        whole = clone(there).set_params(max_iter=2).fit(*in_chunks(X, y))
        assert_same_training(there, whole)

    def test_of_equal_partitions_are_averaged(self, client):
        # With full batches, two partitions with the same rows take the same steps, so
        # their mean is the same too, with twice the learning rate.
        params = {"batch_size": 300, "solver": "sgd", "dtype": "float64"}
        there, here = pair(**params, learning_rate_init=0.01)
        here.set_params(learning_rate_init=0.02)
        twice = in_chunks(np.vstack([X, X]), np.append(y, y), chunks=(300, 300))
        there.fit(*twice)
        here.fit(X, y)
        np.testing.assert_allclose(parameters(there), parameters(here), rtol=1e-9)
        assert there.learning_rate_curve_ == here.learning_rate_curve_

    def test_weigh_partitions_by_the_sums_of_their_weights(self, client):
        # A partition with three times the weight counts three times.
        params = {"batch_size": 100, "solver": "sgd", "dtype": "float64", "max_iter": 1}
        params |= {"momentum": 0.0, "learning_rate_init": 0.01}
        weights = np.repeat([3.0, 1.0], 100)
        there = pair(**params)[0].fit(
            *in_chunks(X[:200], y[:200], weights, chunks=(100,) * 2)
        )
        # The mean of single full-batch steps from the same θ is a step along the
        # gradient of the weighted mean.
        here = pair(**params | {"learning_rate_init": 0.02, "batch_size": 200})[1]
        here.fit(X[:200], y[:200], weights)
        np.testing.assert_allclose(parameters(there), parameters(here), rtol=1e-9)

    def test_scorers_are_averaged_over_partitions(self, client):
        params = STOCHASTIC | {"max_iter": 1, "scoring": "balanced_accuracy"}
        there, _ = pair(**params)
        validation = in_chunks(X, y, chunks=(100, 200))
        there.fit(*in_chunks(X, y), X_val=validation[0], y_val=validation[1])
        local, scorer = there.to_local(), get_scorer("balanced_accuracy")
        parts = [scorer(local, X[:100], y[:100]), scorer(local, X[100:], y[100:])]
        expected = np.average(parts, weights=[1, 2])
        assert there.validation_scores_ == pytest.approx([expected])


class TestInput:
    def test_data_frames_keep_their_names(self, client):
        frame = pd.DataFrame(X, columns=list("abcdef"))
        frame["label"] = np.array(["x", "y", "z"])[y]
        table = dd.from_pandas(frame, npartitions=3)
        there, here = pair(solver="lbfgs", max_iter=5)
        there.fit(table[list("abcdef")], table["label"])
        here.fit(frame[list("abcdef")], frame["label"])
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )
        assert there.feature_names_in_.tolist() == list("abcdef")
        features = table[list("abcdef")]
        lazy = there.predict_proba(features)
        np.testing.assert_allclose(
            lazy.compute(), here.predict_proba(frame[list("abcdef")]), atol=1e-7
        )
        assert there.predict(features).compute().tolist() == (
            here.predict(frame[list("abcdef")]).tolist()
        )
        assert there.score(features, table["label"]) == pytest.approx(
            here.score(frame[list("abcdef")], frame["label"])
        )

    def test_chunks_of_unknown_length(self, client):
        dX, dy = in_chunks(X, y)
        some = dy != 2
        there, here = pair(solver="lbfgs", max_iter=5)
        there.fit(dX[some], dy[some])
        here.fit(X[y != 2], y[y != 2])
        np.testing.assert_allclose(
            parameters(there), parameters(here), rtol=0, atol=SUMMED_APART
        )
        assert there.classes_.tolist() == [0, 1]

    def test_keeping_partitions_makes_no_difference(self, client):
        params = PARAMS | STOCHASTIC | {"early_stopping": True}
        rows = in_chunks(X, y)
        kept, read_again, auto = (
            DaskFFNNClassifier(**params, persist=persist).fit(*rows)
            for persist in (True, False, "auto")
        )
        assert_same_training(kept, read_again)
        assert_same_training(kept, auto)


def test_a_large_batch_is_one_warning(client):
    there, _ = pair(max_iter=1, batch_size=300)
    with pytest.warns(UserWarning, match="more than the 110 training rows") as caught:
        there.fit(*in_chunks(X, y))
    assert len([w for w in caught if "batch_size" in str(w.message)]) == 1


@pytest.fixture(scope="module")
def model(client):
    return pair(max_iter=2)[0].fit(*in_chunks(X, y))


class TestPrediction:
    @pytest.mark.parametrize(
        ("method", "dtype"),
        [
            ("predict", np.float32),
            ("predict_proba", np.float64),
            ("predict_log_proba", np.float32),
            ("decision_function", np.float64),
            ("hidden_features", np.float32),
        ],
    )
    def test_is_lazy_and_that_of_the_local_model(self, client, model, method, dtype):
        rows = X.astype(dtype)
        lazy = getattr(model, method)(in_chunks(rows)[0])
        here = getattr(model.to_local(), method)(rows)
        assert isinstance(lazy, da.Array)
        assert (lazy.shape, lazy.dtype) == (here.shape, here.dtype)
        np.testing.assert_allclose(lazy.compute(), here, rtol=1e-6)
        np.testing.assert_array_equal(getattr(model, method)(rows), here)

    def test_scores_are_weighted(self, client, model):
        there = model.score(*in_chunks(X, y, WEIGHTS))
        assert there == pytest.approx(model.to_local().score(X, y, WEIGHTS))
        assert model.score(X, y) == model.to_local().score(X, y)

    def test_multi_label_scores_are_those_of_the_local_model(self, client):
        model = pair(max_iter=2)[0].fit(*in_chunks(X, Y))
        assert model.score(*in_chunks(X, Y)) == pytest.approx(
            model.to_local().score(X, Y)
        )
        assert model.predict(in_chunks(X)[0]).shape == (300, 3)


class TestEstimator:
    def test_has_the_parameters_of_one_machine(self):
        there, here = pair()
        params = there.get_params()
        assert params.pop("client") is None
        assert params.pop("n_rounds") == 10
        assert params.pop("persist") == "auto"
        assert params == here.get_params()

    def test_every_parameter_is_described_in_its_order(self):
        section = DaskFFNNClassifier.__doc__.split("Attributes\n")[0]
        described = re.findall(r"^(\w+) : ", section, re.MULTILINE)
        assert described == [*inspect.signature(DaskFFNNClassifier).parameters]

    def test_is_cloned_with_its_client(self, client):
        there = DaskFFNNClassifier((3,), client=client, persist=False)
        copy = clone(there)
        assert copy.client is client
        assert copy.hidden_layer_sizes == (3,)
        assert copy.persist is False

    def test_is_pickled_without_its_client(self, client):
        there = DaskFFNNClassifier(**PARAMS, client=client).fit(*in_chunks(X, y))
        copy = pickle.loads(pickle.dumps(there))
        assert copy.client is None
        np.testing.assert_array_equal(copy.predict(X), there.predict(X))

    def test_skops_stores_it_too(self, client):
        skops = pytest.importorskip("skops.io", reason="needs skops")
        there = DaskFFNNClassifier(**PARAMS, client=client).fit(*in_chunks(X, y))
        copy = skops.loads(skops.dumps(there), trusted=skffnn.SKOPS_TRUSTED)
        assert copy.client is None
        np.testing.assert_array_equal(copy.predict(X), there.predict(X))

    def test_its_local_model_is_saved(self, client, tmp_path):
        there = pair()[0].fit(*in_chunks(X, y))
        skffnn.save(there.to_local(), tmp_path / "model")
        loaded = skffnn.load(tmp_path / "model")
        np.testing.assert_array_equal(parameters(loaded), parameters(there))
        assert curves(loaded) == curves(there)
        assert type(loaded) is FFNNClassifier

    def test_has_no_partial_fit(self):
        assert not hasattr(DaskFFNNClassifier(), "partial_fit")


class TestCallbacks:
    def test_are_told_of_each_epoch_and_score_on_the_cluster(self, client):
        pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
        scores = []

        class Score:
            def setup(self, estimator, context):
                pass

            def teardown(self, estimator, context):
                pass

            def on_fit_task_begin(self, estimator, context):
                pass

            def on_fit_task_end(
                self, estimator, context, *, X=None, y=None, fitted_estimator=None
            ):
                assert fitted_estimator.client is client
                scores.append(fitted_estimator.score(X, y))

        model = DaskFFNNClassifier(**PARAMS | {"max_iter": 3}, client=client)
        rows = in_chunks(X, y)
        clone(model.set_callbacks(Score())).fit(*rows)
        model.set_callbacks()
        shorter = [clone(model).set_params(max_iter=k).fit(*rows) for k in (1, 2, 3)]
        assert scores == [one.score(*rows) for one in [*shorter, shorter[-1]]]
