"""A file must contain all parts of a fitted estimator, and they must be consistent."""

import warnings
from contextlib import suppress

import numpy as np
import pytest
from helpers import GOLDEN, X, drop, forged_anywhere, maker, put, rewritten, y
from hypothesis import given
from hypothesis import strategies as st

import skffnn
from skffnn import FileFormatError
from skffnn.fitting.attributes import ATTRIBUTES, FITTED, Fitted
from skffnn.io.schema import KINDS, REGISTRIES, attributes_of, upgrade

make = maker(hidden_layer_sizes=(6, 5), max_iter=4, batch_size=30)


def test_every_attribute_of_a_fitted_model_is_known():
    model = make(early_stopping=True).fit(X, y)
    known = {*attributes_of(model)} - {"feature_names_in_"}
    assert {*vars(model)} - {*model.get_params()} == known


def test_files_without_a_new_attribute_get_what_it_says(monkeypatch):
    item = Fitted(
        (int,),
        lambda fit, theta: theta.vector.size,
        absent=lambda fitted: sum(W.size + W.shape[1] for W in fitted["coefs_"]),
    )
    monkeypatch.setitem(FITTED, "n_parameters_", item)
    monkeypatch.setitem(ATTRIBUTES, "n_parameters_", item.types)
    for path in GOLDEN.glob("*.skffnn"):
        model = skffnn.load(path)
        theta = [*model.coefs_, *model.intercepts_]
        assert model.n_parameters_ == sum(part.size for part in theta)


def test_files_without_a_new_field_of_the_state_get_what_it_says():
    content = vars(make().fit(X, y)).copy()
    rates = [np.nan] * content["n_iter_"]
    del content["learning_rate_curve_"]
    lacking = dict(content["_state"])
    del lacking["learning_rate_curve"]
    content["_state"] = lacking
    upgrade(content)
    np.testing.assert_array_equal(content["learning_rate_curve_"], rates)
    np.testing.assert_array_equal(content["_state"]["learning_rate_curve"], rates)
    assert "learning_rate_curve" not in lacking  # it may be shared


def test_every_object_that_comes_with_the_package_has_a_name_of_its_own():
    entries = [entry for registry in REGISTRIES for entry in registry.values()]
    kinds = {entry if isinstance(entry, type) else type(entry) for entry in entries}
    assert kinds <= {*KINDS.values()}


FORGED = {
    "another class": put("os.system", "estimator"),
    "no class": drop("estimator"),
    "no parameters": drop("params"),
    "unknown parameter": put(1, "params", "colour"),
    "bad parameter": put(-1, "params", "alpha"),
    "unknown name": put("os.system", "params", "solver"),
    "unknown attribute": put(1, "fitted", "__class__"),
    "no classes": drop("fitted", "classes_"),
    "a list of classes": put([0, 1, 2], "fitted", "classes_"),
    "other layers": put(7, "fitted", "n_layers_"),
    "no layers": put([], "fitted", "coefs_"),
    "a layer too few": drop("fitted", "coefs_", 0),
    "a bias too few": drop("fitted", "intercepts_", -1),
    "a bias for a weight": put({"$array": "4.npy"}, "fitted", "coefs_", 0),
    "text for a weight": put("W", "fitted", "coefs_", 0),
    "layers in another order": lambda content: content["fitted"]["coefs_"].reverse(),
    "fewer features": put(3, "fitted", "n_features_in_"),
    "more labels": put(True, "fitted", "_multilabel"),
    "no state": put(None, "fitted", "_state"),
    "half a state": drop("fitted", "_state", "clock"),
    "a clock of another kind": put({"hour": 1}, "fitted", "_state", "clock"),
    "moments of another network": put(
        {"$array": "1.npy"}, "fitted", "_state", "optimizer", "m"
    ),
    "more activations": put(["relu"] * 3, "params", "activation"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_parts_that_do_not_belong_together_are_refused(forged, tmp_path):
    path = tmp_path / "f"
    skffnn.save(make(early_stopping=True).fit(X, y), path)
    path.write_bytes(rewritten(path, FORGED[forged]))
    with pytest.raises(FileFormatError, match=str(path)):
        skffnn.load(path)


def test_a_model_without_classes_is_refused(tmp_path):
    model = make(hidden_layer_sizes=()).fit(X, y)
    del model._state
    model.classes_ = model.classes_[:0]
    model.coefs_, model.intercepts_ = [np.ones((4, 0))], [np.ones(0)]
    model.n_outputs_ = 0
    with pytest.raises(ValueError, match="a layer is empty"):
        skffnn.save(model, tmp_path / "f")


def test_the_message_of_a_wrong_type_says_what_is_allowed_and_is_short(tmp_path):
    model = make().fit(X, y)
    model.n_iter_ = np.int64(3)
    with pytest.raises(ValueError, match=r"n_iter_ must be of type int, got np\.int64"):
        skffnn.save(model, tmp_path / "f")
    model.n_iter_ = [0.0] * 10**5
    with pytest.raises(ValueError, match="n_iter_") as error:
        skffnn.save(model, tmp_path / "f")
    assert len(str(error.value)) < 200


@pytest.mark.long
@given(data=st.data())
def test_any_value_in_any_place_is_refused_or_a_model_that_predicts(
    data, tmp_path_factory
):
    path = tmp_path_factory.getbasetemp() / "forged"
    skffnn.save(make(early_stopping=True).fit(X[:50], y[:50]), path)
    change = forged_anywhere(data, "relu")
    path.write_bytes(rewritten(path, change))
    try:
        model = skffnn.load(path)
    except FileFormatError:
        return
    f = model.predict_proba(X)
    assert np.isfinite(f).all()
    with warnings.catch_warnings(), suppress(ValueError):  # it may diverge
        warnings.simplefilter("ignore")
        model.set_params(warm_start=True).fit(X[:50], y[:50])
