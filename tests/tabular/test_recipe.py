"""make_tabular_classifier: probabilities from raw tables of all types."""

import warnings

import numpy as np
import pytest
from helpers import failed_checks
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from skffnn import FFNNClassifier, make_tabular_classifier, make_tabular_regressor

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

N_ROWS = 80
QUICK = {"max_iter": 5, "n_networks": 2, "random_state": 0}


def columns(seed=0):
    """Return a table with columns of all types, and its labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N_ROWS)
    table = {
        "real": x.tolist(),
        "whole": rng.integers(5, size=N_ROWS).tolist(),
        "gaps": [None if i % 4 == 0 else float(v) for i, v in enumerate(x**2)],
        "constant": [1.5] * N_ROWS,
        "empty": [None] * N_ROWS,
        "colour": [["red", "green", None][i % 3] for i in range(N_ROWS)],
        "flag": (x > 1).tolist(),
        "heavy": rng.standard_cauchy(N_ROWS).tolist(),
    }
    return table, np.where(x > 0, "high", "low")


FORMS = {
    "pandas": pd.DataFrame,
    "pandas, nullable": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas, categories": lambda t: pd.DataFrame(t).astype({"colour": "category"}),
    "polars": pl.DataFrame,
    "array": lambda table: pd.DataFrame(table).to_numpy(dtype=object),
    "list": lambda table: [list(row) for row in zip(*table.values(), strict=True)],
}


@pytest.fixture(scope="module")
def expected():
    """Return the probabilities of a model fitted to the table as a list of rows."""
    table, y = columns()
    rows = FORMS["list"](table)
    return make_tabular_classifier(**QUICK).fit(rows, y).predict_proba(rows)


@pytest.mark.parametrize("form", FORMS)
def test_the_type_of_the_container_makes_no_difference(form, expected):
    table, y = columns()
    X = FORMS[form](table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make_tabular_classifier(**QUICK).fit(X, y)
        f = model.predict_proba(X)
    np.testing.assert_array_equal(f, expected)
    assert set(model.predict(X)) <= {"high", "low"}
    assert list(model.classes_) == ["high", "low"]


@pytest.mark.parametrize("form", FORMS)
def test_new_rows_may_have_unseen_categories_and_missing_cells(form):
    table, y = columns()
    model = make_tabular_classifier(**QUICK).fit(FORMS[form](table), y)
    table["colour"][0] = "violet"
    table["flag"] = [None, *table["flag"][1:]]
    table["real"][0] = None
    table["whole"][0] = None
    f = model.predict_proba(FORMS[form](table))
    assert np.isfinite(f).all()


def test_constant_and_empty_columns_have_no_influence():
    table, y = columns()
    model = make_tabular_classifier(**QUICK).fit(pd.DataFrame(table), y)
    f = model.predict_proba(pd.DataFrame(table))
    table["constant"] = [-9.0] * N_ROWS
    table["empty"] = [3.0] * N_ROWS
    np.testing.assert_array_equal(model.predict_proba(pd.DataFrame(table)), f)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_rejected(value):
    table, y = columns()
    model = make_tabular_classifier(**QUICK).fit(pd.DataFrame(table), y)
    table["gaps"][0] = value
    with pytest.raises(ValueError, match=r"infinity.*'gaps'"):
        make_tabular_classifier(**QUICK).fit(pd.DataFrame(table), y)
    with pytest.raises(ValueError, match=r"infinity.*'gaps'"):
        model.predict(pd.DataFrame(table))


def test_a_table_of_categorical_columns_only_and_one_of_numbers_only():
    table, y = columns()
    for names in (["colour", "flag"], ["real", "gaps"]):
        X = pd.DataFrame(table)[names]
        assert make_tabular_classifier(**QUICK).fit(X, y).predict(X).shape == y.shape


def test_missing_numbers_become_the_median_and_an_indicator():
    X = pd.DataFrame({"x": [1.0, 2.0, None, 4.0, 5.0], "y": [1.0, 2.0, 3.0, 4.0, 5.0]})
    filled = make_tabular_classifier()[:-1].fit_transform(X)
    assert filled.shape == (5, 3)
    np.testing.assert_array_equal(filled[2, :2], 0)  # the medians
    np.testing.assert_array_equal(filled[:, 2], np.float32([0, 0, 0.3, 0, 0]))
    assert filled.dtype == np.float32


def test_it_is_accurate_on_an_easy_table():
    table, y = columns()
    model = make_tabular_classifier(max_iter=20, n_networks=3, random_state=0)
    assert cross_val_score(model, pd.DataFrame(table), y, cv=3).mean() > 0.9


def test_parameters_reach_the_networks():
    model = make_tabular_classifier(
        n_networks=3, random_state=5, hidden_layer_sizes=(7,), alpha=0.5
    )
    averaged = model.named_steps["classifier"]
    assert averaged.n_networks == 3
    assert averaged.random_state == 5
    assert averaged.estimator.hidden_layer_sizes == (7,)
    assert averaged.estimator.alpha == 0.5
    with pytest.raises(TypeError, match="unknown"):
        make_tabular_classifier(unknown=1)


def test_a_grid_search_reaches_every_step():
    table, y = columns()
    grid = {
        "encode__max_categories": [2],
        "encode__target_means": [None],
        "impute__gap": [1.0],
        "scale__limit": [2.0],
        "classifier__n_networks": [2],
        "classifier__planned_for": [None],  # so that max_iter is not adapted
        "classifier__estimator__max_iter": [2, 3],
    }
    search = GridSearchCV(make_tabular_classifier(), grid, cv=2)
    search.fit(pd.DataFrame(table), y)
    networks = search.best_estimator_.named_steps["classifier"].estimators_
    assert {n.n_iter_ for n in networks} == {
        search.best_params_["classifier__estimator__max_iter"]
    }


def test_one_network_can_replace_the_average():
    table, y = columns()
    model = make_tabular_classifier(**QUICK)
    network = model.named_steps["classifier"].estimator
    network = clone(network).set_params(early_stopping=True, batch_size=20)
    model.set_params(classifier=network)
    model.fit(pd.DataFrame(table), y)
    assert isinstance(model.named_steps["classifier"], FFNNClassifier)


# Checks that cannot pass, with reasons.
NOT_OURS = {
    "check_estimators_overwrite_params": "a Pipeline fits its own steps",
    "check_dont_overwrite_parameters": "a Pipeline fits its own steps",
    "check_estimators_nan_inf": "requires an error for missing cells",
    "check_array_api_input": "requires an environment variable",
}


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_other_scikit_learn_checks_pass():
    model = make_tabular_classifier(
        hidden_layer_sizes=(16,), max_iter=20, n_networks=2, random_state=0
    )
    failed = failed_checks(model)
    assert failed.keys() <= NOT_OURS.keys(), failed


def test_settings_that_are_given_do_not_change_with_the_number_of_rows():
    assert make_tabular_classifier()[-1].planned_for == 3000
    assert make_tabular_classifier(alpha=0.1)[-1].planned_for == 3000
    for name, value in {
        "max_iter": 10,
        "batch_size": 10,
        "learning_rate_init": 0.1,
    }.items():
        model = make_tabular_classifier(**{name: value})
        assert model[-1].planned_for is None
        assert getattr(model[-1].estimator, name) == value


def test_boosting_helps_where_a_class_is_a_box():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 8))
    y = (np.abs(X[:, 0]) < 0.5) & (X[:, 1] > 0.3) | (X[:, 2] > 1)
    noise = rng.random(900) < 0.1
    y = np.where(noise, rng.random(900) < 0.5, y)
    losses = {}
    for boosting in (True, False):
        model = make_tabular_classifier(
            max_iter=20, n_networks=4, boosting=boosting, random_state=0
        )
        f = model.fit(X[:600], y[:600]).predict_proba(X[600:])
        losses[boosting] = log_loss(y[600:], f)
        assert bool(model[-1].blended_) == boosting
    assert losses[True] < 0.9 * losses[False]


@pytest.mark.parametrize("unit", [2.0**-90, 2.0**90, 1e-30, 1e-4, 1e30])
def test_the_unit_of_the_target_does_not_matter(unit):
    X, y = load_diabetes(return_X_y=True)
    one, other = (
        make_tabular_regressor(max_iter=2, n_networks=2, random_state=0)
        .fit(X[:300], target[:300])
        .predict(X[300:])
        for target in (y, y * unit)
    )
    np.testing.assert_allclose(other / unit, one, rtol=1e-5)
