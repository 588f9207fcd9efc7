"""Estimators are cloned, pickled and memory-mapped."""

import pickle

import joblib
import numpy as np
import pytest
from helpers import X, maker, y
from sklearn.base import clone

from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
)

make = maker(max_iter=8, learning_rate_init=0.05)


def objects():
    """Return parameters that are objects, one from each registry."""
    return {
        "activation": [g() for g in ACTIVATIONS.values()][:1],
        "solver": SOLVERS["adam"](beta_2=0.95),
        "learning_rate": SCHEDULES["cosine"](max_iter=8),
        "weight_init": INITIALIZERS["he_normal"],
        "penalty": PENALTIES["l2"](),
    }


class TestCloneAndPickle:
    """Clones, and pickles with pickle and joblib."""

    @pytest.mark.parametrize("params", [{}, objects()], ids=["names", "objects"])
    def test_a_clone_has_the_parameters_and_no_fit(self, params):
        model = make(**params).fit(X, y)
        copy = clone(model)
        assert not hasattr(copy, "coefs_")
        np.testing.assert_array_equal(
            copy.fit(X, y).predict_proba(X), model.predict_proba(X)
        )

    def test_a_fit_does_not_change_the_parameters(self):
        params = objects() | {"dropout": [0.1], "class_weight": {0: 2}}
        model = make(**params)
        before = {k: (v, repr(v)) for k, v in model.get_params().items()}
        model.fit(X, y)
        for name, value in model.get_params().items():
            assert value is before[name][0]
            assert repr(value) == before[name][1]

    @pytest.mark.parametrize("params", [{}, objects()], ids=["names", "objects"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_pickle_predicts_and_goes_on(self, params, early_stopping, tmp_path):
        model = make(warm_start=True, early_stopping=early_stopping, **params)
        model.fit(X, y)
        joblib.dump(model, tmp_path / "model")
        copies = pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model")
        expected = model.predict_proba(X)
        again = model.fit(X, y).predict_proba(X)
        for one in copies:
            np.testing.assert_array_equal(one.predict_proba(X), expected)
            np.testing.assert_array_equal(one.fit(X, y).predict_proba(X), again)

    @pytest.mark.parametrize("mmap_mode", ["r", "c"])
    def test_a_memory_mapped_model_predicts_and_goes_on(self, mmap_mode, tmp_path):
        model = make(warm_start=True).fit(X, y)
        joblib.dump(model, tmp_path / "model")
        copy = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(
            copy.fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X)
        )

    @pytest.mark.parametrize("parameter", list(objects()))
    def test_parameters_are_got_and_set(self, parameter):
        model, value = make(), objects()[parameter]
        assert model.set_params(**{parameter: value}) is model
        assert model.get_params()[parameter] is value
        assert model.fit(X, y).n_iter_ == 8
