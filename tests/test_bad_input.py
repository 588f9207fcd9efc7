"""What is wrong with parameters or data is said at once, and leaves no trace."""

import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import DataConversionWarning, NotFittedError

from skffnn import (
    ACTIVATIONS,
    INITIALIZERS,
    LBFGS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    Checkpoint,
    FFNNClassifier,
    InvalidParameterError,
)
from skffnn.data.dataset import FEW_EPOCHS
from skffnn.utils.checks import needs_no_check

X, y = load_iris(return_X_y=True)
X = X[::3]
y = y[::3]
Y = np.column_stack([y == 0, y == 1, X[:, 0] > 5]).astype(int)
STEPPERS = [name for name, solver in SOLVERS.items() if not issubclass(solver, LBFGS)]

REGISTRIES = {
    "activation": ACTIVATIONS,
    "solver": SOLVERS,
    "learning_rate": SCHEDULES,
    "weight_init": INITIALIZERS,
    "penalty": PENALTIES,
}

# Values that no number can have, and what their message says is allowed.
NO_NUMBER = [None, "1", "", True, np.nan, 1j, [0.5], (), {}, object(), np.array([1, 2])]
NO_INTEGER = [*NO_NUMBER, 1.5, 2.0, np.inf]
NO_BOOL = [None, 0, 1, "True", "no", 1.0, np.nan, [True], np.array([True, False])]
WRONG = {
    "hidden_layer_sizes": (
        [
            0,
            -1,
            1.5,
            2.0,
            "10",
            None,
            True,
            np.nan,
            (5, 0),
            [5, -3],
            (5, 2.0),
            [[5, 5]],
            ("5",),
            (5, None),
            np.array([2.5]),
            np.array(5.5),
            object(),
        ],
        "integer",
    ),
    "activation": ([None, 3, "", b"relu", ACTIVATIONS["relu"], object()], "'relu'"),
    "solver": ([None, 3, "", ["adam"], SOLVERS["adam"], LBFGS, object()], "'adam'"),
    "alpha": ([*NO_NUMBER, -1e-9, -1, np.inf, -np.inf], r"\[0, inf\)"),
    "batch_size": ([*NO_INTEGER, 0, -5, "full"], r"'auto'|\[1, inf\)"),
    "learning_rate": (
        [None, 0.1, "", ["constant"], SCHEDULES["cosine"], object()],
        "'constant'",
    ),
    "learning_rate_init": ([*NO_NUMBER, 0, -0.1, np.inf], r"\(0, inf\)"),
    "power_t": ([*NO_NUMBER, -0.5, np.inf], r"\[0, inf\)"),
    "max_iter": ([*NO_INTEGER, 0, -1], r"integer in \[1, inf\)"),
    "shuffle": (NO_BOOL, "True or False"),
    "random_state": (
        ["0", 1.5, -1, np.nan, [0.5], object(), np.random.default_rng(0)],
        "RandomState|integer",
    ),
    "tol": ([*NO_NUMBER, -1e-9, np.inf], r"\[0, inf\)"),
    "verbose": ([v for v in NO_INTEGER if v is not True] + [-1], r"\[0, inf\)"),
    "warm_start": (NO_BOOL, "True or False"),
    "momentum": ([*NO_NUMBER, -0.1, 1.1, np.inf], r"\[0, 1\]"),
    "nesterovs_momentum": (NO_BOOL, "True or False"),
    "early_stopping": (NO_BOOL, "True or False"),
    "validation_fraction": ([*NO_NUMBER, 0, 0.0, 1, 1.0, -0.1, 3], r"\(0, 1\)"),
    "beta_1": ([*NO_NUMBER, -0.1, 1, 1.5], r"\[0, 1\)"),
    "beta_2": ([*NO_NUMBER, -0.1, 1, 1.5], r"\[0, 1\)"),
    "epsilon": ([*NO_NUMBER, 0, -1e-8, np.inf], r"\(0, inf\)"),
    "n_iter_no_change": (
        [v for v in NO_INTEGER if v is not np.inf] + [0, -1, -np.inf],
        r"\[1, inf",
    ),
    "max_fun": ([*NO_INTEGER, 0, -1], r"integer in \[1, inf\)"),
    "class_weight": ([5, 0.5, True, "balance", object()], "'balanced'.*dict"),
    "dropout": (
        [
            None,
            "0.5",
            True,
            np.nan,
            -0.1,
            1,
            1.0,
            1.5,
            [0.1, "0.2"],
            [1.0, 0.1],
            [0.1, np.nan],
            [None, 0.1],
            object(),
        ],
        r"\[0, 1\)",
    ),
    "label_smoothing": ([*NO_NUMBER, -0.1, 1, 1.5], r"\[0, 1\)"),
    "weight_init": (
        [None, 3, "", ["he_normal"], type(INITIALIZERS["he_normal"]), object()],
        "'he_normal'",
    ),
    "penalty": ([None, 3, "", ["l2"], PENALTIES["l2"], object()], "'l2'"),
    "scoring": (
        [
            3,
            True,
            "",
            "none",
            ["accuracy"],
            ["accuracy", "f1"],
            {"a": "accuracy"},
            np.array(["accuracy", "f1"]),
        ],
        "'loss'",
    ),
    "dtype": (
        [None, "float16", "double", np.float32, np.dtype("float64"), 32],
        "'float32'",
    ),
    "checkpoint": (
        [3, True, b"run", ["run"], Checkpoint, Checkpoint(None), "no/such/folder/run"],
        "None, a path or|in a folder that exists",
    ),
}
WRONG_VALUES = [
    pytest.param(name, value, allowed, id=f"{name}-{i}-{type(value).__name__}")
    for name, (values, allowed) in WRONG.items()
    for i, value in enumerate(values)
]


def make(**params):
    """Make a small network with a seed."""
    small = {"hidden_layer_sizes": (8, 4), "random_state": 0, "max_iter": 3}
    return FFNNClassifier(**small | params)


def snapshot(model):
    """Return the attributes of an estimator, less its parameters."""
    return {k: v for k, v in vars(model).items() if k not in model.get_params()}


def assert_untouched(model, before, predictions):
    """Assert that an estimator has the very attributes that it had."""
    after = snapshot(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    np.testing.assert_array_equal(model.predict_proba(X), predictions)


class TestParameters:
    """Wrong parameters."""

    def test_all_are_tested(self):
        assert WRONG.keys() == FFNNClassifier().get_params().keys()

    @pytest.mark.parametrize(("name", "value", "allowed"), WRONG_VALUES)
    def test_are_named_before_the_data_are_looked_at(self, name, value, allowed):
        model = make(**{name: value})
        attributes = vars(model).copy()
        with pytest.raises(InvalidParameterError, match=allowed) as error:
            model.fit("no data at all", None)
        assert name in str(error.value)
        assert found(value) in str(error.value)
        assert vars(model).keys() == attributes.keys()
        assert all(vars(model)[key] is attributes[key] for key in attributes)

    @pytest.mark.parametrize(("name", "value", "allowed"), WRONG_VALUES)
    def test_are_named_by_partial_fit(self, name, value, allowed):
        model = make(**{name: value})
        if name == "early_stopping":  # what is not False may hide partial_fit
            return
        with pytest.raises(InvalidParameterError, match=allowed):
            model.partial_fit("no data at all", None, classes="no classes")

    @pytest.mark.parametrize("warm_start", [False, True])
    @pytest.mark.parametrize("name", WRONG)
    def test_leave_a_fitted_estimator_as_it_was(self, name, warm_start):
        model = make(warm_start=warm_start).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        old, wrong = getattr(model, name), WRONG[name][0][0]
        with pytest.raises(InvalidParameterError, match=name):
            model.set_params(**{name: wrong}).fit(X, y)
        model.set_params(**{name: old})
        assert_untouched(model, before, predictions)

    @pytest.mark.parametrize("name", ["alpha", "tol", "momentum", "learning_rate_init"])
    def test_too_large_for_a_float_are_named(self, name):
        with pytest.raises(InvalidParameterError, match=name):
            make(**{name: 10**400}).fit(X, y)

    def test_raise_what_is_a_value_error_and_a_type_error(self):
        assert issubclass(InvalidParameterError, ValueError)
        assert issubclass(InvalidParameterError, TypeError)

    @pytest.mark.parametrize(
        ("parameter", "name"),
        [(parameter, name) for parameter, names in REGISTRIES.items() for name in names]
        + [("scoring", "f1_macro"), ("scoring", "loss"), ("dtype", "float32")]
        + [("class_weight", "balanced"), ("batch_size", "auto")],
    )
    def test_with_a_slip_are_told_the_nearest_name(self, parameter, name):
        with pytest.raises(InvalidParameterError, match=f"mean '{name}'"):
            make(**{parameter: f"{name}x"}).fit(X, y)

    @pytest.mark.parametrize("parameter", REGISTRIES)
    def test_are_told_all_names_there_are(self, parameter):
        with pytest.raises(InvalidParameterError) as error:
            make(**{parameter: "qqqq"}).fit(X, y)
        assert all(f"'{name}'" in str(error.value) for name in REGISTRIES[parameter])
        assert "mean" not in str(error.value)

    @pytest.mark.parametrize(
        ("parameter", "methods"),
        [
            ("activation", ["forward"]),
            ("solver", ["init", "step"]),
            ("learning_rate", ["factor", "goes_on"]),
            ("weight_init", ["draw"]),
            ("penalty", ["value", "add_gradient"]),
        ],
    )
    def test_are_told_what_an_object_needs(self, parameter, methods):
        with pytest.raises(InvalidParameterError) as error:
            make(**{parameter: object()}).fit(X, y)
        assert all(method in str(error.value) for method in methods)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("activation", ("relu",)),
            ("activation", ["relu", "tanh", "relu"]),
            ("activation", ()),
            ("dropout", (0.1,)),
            ("dropout", [0.1, 0.2, 0.3]),
            ("dropout", np.zeros(3)),
            ("dropout", []),
        ],
        ids=str,
    )
    def test_in_a_sequence_are_one_for_each_hidden_layer(self, name, value):
        with pytest.raises(InvalidParameterError, match=f"(?s){name}.* 2.*layer"):
            make(**{name: value}).fit(X, y)

    def test_in_a_sequence_are_named_where_one_is_unknown(self):
        with pytest.raises(InvalidParameterError, match=r"'tahn'.*mean 'tanh'"):
            make(activation=("relu", "tahn")).fit(X, y)

    @pytest.mark.parametrize("value", [(), [], "relu"])
    def test_of_no_hidden_layer_may_be_an_empty_sequence(self, value):
        model = make(hidden_layer_sizes=(), activation=value, dropout=()).fit(X, y)
        assert model.predict(X).shape == y.shape

    @pytest.mark.parametrize("value", [("relu",), ["tanh", "relu"]])
    def test_of_no_hidden_layer_are_wrong_at_once_or_never(self, value):
        model = make(hidden_layer_sizes=(), activation=value)
        try:
            model.fit(X, y)
        except InvalidParameterError:
            return
        assert model.predict(X).shape == y.shape

    @pytest.mark.parametrize(
        "params",
        [
            {"hidden_layer_sizes": 5},
            {"hidden_layer_sizes": np.int64(5)},
            {"hidden_layer_sizes": np.array([5, 4])},
            {"hidden_layer_sizes": range(3, 5)},
            {"hidden_layer_sizes": []},
            {"alpha": 0}, {"alpha": np.float32(0.1)},
            {"momentum": 0}, {"momentum": 1.0},
            {"n_iter_no_change": np.inf},
            {"verbose": 0},
            {"shuffle": np.bool_(False)},
            {"max_iter": np.int32(2)},
            {"batch_size": 1},
            {"random_state": np.int64(3)},
            {"random_state": np.random.RandomState(0)},
            {"random_state": np.random},
            {"random_state": None},
            {"dropout": np.array([0.1, 0.2])},
            {"dropout": 0},
            {"tol": 0}, {"power_t": 0}, {"beta_1": 0}, {"beta_2": 0},
            {"class_weight": {}},
            {"activation": np.array(["relu", "tanh"])},
        ],
        ids=lambda params: next(iter(params)),  # the same in every process
    )  # fmt: skip
    @pytest.mark.parametrize("solver", ["sgd", "adam"])
    def test_at_the_edge_are_right(self, params, solver):
        model = make(solver=solver, **params).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()

    def test_of_a_name_that_does_not_exist_are_no_parameters(self):
        with pytest.raises(TypeError, match="hidden_layers"):
            FFNNClassifier(hidden_layers=(3,))
        with pytest.raises(ValueError, match="hidden_layers"):
            FFNNClassifier().set_params(hidden_layers=(3,))


def found(value):
    """Return what a message about a wrong value has to quote."""
    if isinstance(value, list | tuple | np.ndarray) and np.size(value) > 0:
        return ""  # either the sequence, or the one value in it that is wrong
    return repr(value)


class TestFeatures:
    """Wrong features."""

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_that_are_not_finite(self, value, container):
        X_ = X.copy()
        X_[3, 1] = value
        message = "NaN" if np.isnan(value) else "infinity"
        model = make().fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for function, args in [
            (model.fit, (container(X_), y)),
            (model.partial_fit, (container(X_), y)),
            (model.predict, (container(X_),)),
            (model.predict_proba, (container(X_),)),
            (model.decision_function, (container(X_),)),
            (model.hidden_features, (container(X_),)),
        ]:
            with pytest.raises(ValueError, match=message):
                function(*args)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=container(X_), y_val=y)
        assert_untouched(model, before, predictions)

    @pytest.mark.parametrize(
        "wrong",
        [X[0], X[:, :, None], X[:0], X[:, :0], np.full(X.shape, "a"), 5.0, X * 1j],
        ids=lambda a: f"{np.asarray(a).dtype}{np.shape(a)}",
    )
    def test_of_another_shape_or_kind(self, wrong):
        with pytest.raises((ValueError, TypeError)):
            make().fit(wrong, y[: len(np.atleast_1d(wrong))])

    @pytest.mark.parametrize(
        "method", ["predict", "predict_proba", "decision_function"]
    )
    def test_of_another_number(self, method):
        model = make().fit(X, y)
        with pytest.raises(ValueError, match=r"3 features.*expecting 4 features"):
            getattr(model, method)(X[:, :3])

    def test_of_another_length_than_the_labels(self):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            make().fit(X, y[:-1])

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("solver", STEPPERS)
    @pytest.mark.parametrize("dtype", ["float32", "auto"])
    @pytest.mark.parametrize("max_iter", [FEW_EPOCHS, FEW_EPOCHS + 1])
    def test_too_large_for_float32(self, max_iter, dtype, container, solver):
        X_ = X.copy()
        X_[3, 1] = 1e39
        params = {"dtype": dtype, "batch_size": 10, "max_iter": max_iter}
        model = make(solver=solver, **params).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(ValueError, match=r"too large for float32.*float64"):
            model.fit(container(X_), y)
        assert_untouched(model, before, predictions)

    def test_too_large_for_float32_in_the_validation_set(self):
        X_ = X.copy()
        X_[3, 1] = 1e39
        with pytest.raises(ValueError, match=r"too large for float32"):
            make(batch_size=10).fit(X, y, X_val=X_, y_val=y)

    def test_before_fit(self):
        for method in ("predict", "predict_proba", "decision_function"):
            with pytest.raises(NotFittedError):
                getattr(make(), method)(X)
        with pytest.raises(NotFittedError):
            make().hidden_features(X)


class TestWeights:
    """Wrong sample weights."""

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.r_[np.nan, np.ones(len(y) - 1)], "NaN"),
            (np.r_[np.inf, np.ones(len(y) - 1)], "infinity"),
            (np.r_[-1, np.ones(len(y) - 1)], "at least 0.*-1"),
            (np.r_[-1e-300, np.ones(len(y) - 1)], "at least 0"),
            (np.zeros(len(y)), "zero for every row"),
            (np.ones(len(y) - 1), f"{len(y) - 1}.*{len(y)}"),
            (np.ones(len(y) + 1), f"{len(y) + 1}.*{len(y)}"),
            (np.ones((len(y), 1)), "1D"),
            (np.ones((len(y), 2)), "1D"),
            (np.ones((1, len(y))), "1D"),
            (["a"] * len(y), "convert"),
            (0.0, "zero for every row"),
            (-1.0, "at least 0"),
            (np.nan, "NaN"),
        ],
    )
    def test_are_named(self, weights, message):
        model = make().fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for function in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match=message) as error:
                function(X, y, sample_weight=weights)
            if message != "convert":
                assert "sample_weight" in str(error.value)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=X, y_val=y, sample_weight_val=weights)
        assert_untouched(model, before, predictions)

    def test_of_validation_rows_are_named(self):
        with pytest.raises(ValueError, match=r"sample_weight_val.*at least 0"):
            make().fit(X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y)))

    def test_may_be_one_number_or_a_list(self):
        expected = make().fit(X, y).predict_proba(X)
        for weights in (1, 2.5, [3] * len(y), np.full(len(y), 2, "i1")):
            model = make().fit(X, y, weights)
            np.testing.assert_array_equal(model.predict_proba(X), expected)

    def test_are_not_changed(self):
        weights = np.linspace(0, 1, len(y))
        copy = weights.copy()
        make(class_weight="balanced").fit(X, y, weights)
        np.testing.assert_array_equal(weights, copy)


class TestClassWeight:
    """Wrong class weights."""

    @pytest.mark.parametrize(
        ("class_weight", "message"),
        [
            ({0: -1.0}, "at least 0"),
            ({0: np.nan}, "NaN"),
            ({0: np.inf}, "infinity"),
            ({0: 0, 1: 0, 2: 0}, "zero for every row"),
            ({0: "a"}, "convert"),
            ({7: 2.0}, "class_weight"),
            ({"0": 2.0}, "class_weight"),
            ([{0: 1}, {0: 1}], "class_weight"),
        ],
        ids=str,
    )
    def test_are_an_error(self, class_weight, message):
        with pytest.raises(ValueError, match=message):
            make(class_weight=class_weight).fit(X, y)

    @pytest.mark.parametrize("class_weight", [{0: 1.0}, [{0: 1, 1: 1}]], ids=str)
    def test_of_labels_are_a_list_of_one_for_each(self, class_weight):
        with pytest.raises(ValueError, match="class_weight"):
            make(class_weight=class_weight).fit(X, Y)


class TestTargets:
    """Wrong targets."""

    @pytest.mark.parametrize("target", [X[:, 0], X[:, :2]], ids=["1-D", "2-D"])
    def test_that_are_continuous(self, target):
        with pytest.raises(ValueError, match="continuous"):
            make().fit(X, target)

    def test_that_are_missing(self):
        with pytest.raises(ValueError, match="y"):
            make().fit(X, None)
        with pytest.raises(ValueError, match="NaN"):
            make().fit(X, np.r_[np.nan, y[1:]])

    def test_of_many_columns_with_many_classes(self):
        with pytest.raises(ValueError, match=r"[Yy]"):
            make().fit(X, np.column_stack([y, y]))

    def test_of_labels_are_0_or_1(self):
        # The loss has no lower bound for other numbers.
        for wrong in (Y * 2, Y * 2 - 1, Y + 1):
            with pytest.raises(ValueError, match=r"[Ll]abel indicator|0.*1"):
                make().fit(X, wrong)

    def test_of_labels_stay_0_or_1(self):
        model = make().fit(X, Y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for wrong in (Y * 2, Y * 2 - 1, np.column_stack([y, y, y])):
            with pytest.raises(ValueError, match="y"):
                model.partial_fit(X, wrong)
            with pytest.raises(ValueError, match="y_val"):
                model.fit(X, Y, X_val=X, y_val=wrong)
        assert_untouched(model, before, predictions)

    def test_of_labels_that_add_up_to_2_are_not_1(self):
        twice = sparse.csr_array(Y)
        twice.data = np.ones_like(twice.data)
        parts = sparse.csr_array(
            (twice.data.repeat(2), twice.indices.repeat(2), twice.indptr * 2),
            shape=Y.shape,
        )
        assert parts.toarray().max() == 2
        with pytest.raises(ValueError, match="0 and 1"):
            make().fit(X, parts)

    @pytest.mark.parametrize("target", [y, np.array(["a", "b", "c"])[y]])
    def test_that_partial_fit_has_not_been_told_of(self, target):
        known = np.unique(target)[:2]
        model = make().partial_fit(X[y < 2], target[y < 2], classes=known)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(ValueError, match=f"{np.unique(target)[2]}.*classes"):
            model.partial_fit(X, target)
        with pytest.raises(ValueError, match="classes must be the same"):
            model.partial_fit(X, target, classes=np.unique(target))
        assert_untouched(model, before, predictions)

    def test_that_are_not_among_the_classes_given_at_first(self):
        model = make()
        with pytest.raises(ValueError, match=r"2.*classes"):
            model.partial_fit(X, y, classes=[0, 1])
        assert not snapshot(model)

    def test_without_classes_in_the_first_partial_fit(self):
        model = make()
        with pytest.raises(ValueError, match="classes must be passed on the first"):
            model.partial_fit(X, y)
        assert not snapshot(model)

    @pytest.mark.parametrize(
        "wrong",
        [Y[:, :2], y, sparse.csr_array(Y[:, :2]), np.hstack([Y, Y])],
        ids=["two", "vector", "sparse", "six"],
    )
    def test_with_another_number_of_labels(self, wrong):
        model = make().partial_fit(X, Y)
        with pytest.raises(ValueError, match="label indicator matrix with 3 columns"):
            model.partial_fit(X, wrong)

    def test_that_were_a_vector_and_are_a_matrix(self):
        model = make().fit(X, y)
        with pytest.raises(ValueError, match="one label for each row"):
            model.partial_fit(X, Y)

    def test_of_one_column_are_a_vector_after_one_warning(self):
        with pytest.warns(DataConversionWarning, match="1d array"):
            model = make().fit(X, y[:, None])
        expected = make().fit(X, y).predict(X)
        np.testing.assert_array_equal(model.predict(X), expected)


class TestValidationSet:
    """A wrong validation set."""

    @pytest.mark.parametrize(
        "given",
        [
            {"X_val": X},
            {"y_val": y},
            {"sample_weight_val": np.ones(len(y))},
            {"X_val": X, "sample_weight_val": np.ones(len(y))},
            {"y_val": y, "sample_weight_val": np.ones(len(y))},
        ],
        ids=lambda given: " ".join(given),
    )
    def test_that_is_not_whole(self, given):
        missing = "y_val" if "X_val" in given else "X_val"
        model = make()
        with pytest.raises(ValueError, match=f"together: {missing} is None"):
            model.fit(X, y, **given)
        assert not snapshot(model)

    @pytest.mark.parametrize(
        ("X_val", "y_val", "message"),
        [
            (X[:, :3], y, "3 features.*expecting 4"),
            (X, y + 1, r"y_val has labels \[3\]"),
            (X, np.full(len(y), -1), r"y_val has labels \[-1\]"),
            (X, y[:-1], "inconsistent"),
            (X, X[:, 0], "continuous"),
            (X, Y, "y_val must be one label for each row"),
            (X[0], y[:1], "2D"),
            (X[:0], y[:0], "0 sample"),
        ],
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_is_an_error(self, X_val, y_val, message, early_stopping):
        model = make(early_stopping=early_stopping).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, X_val=X_val, y_val=y_val)
        assert_untouched(model, before, predictions)


class TestEarlyStopping:
    """Too few rows to split."""

    @pytest.mark.parametrize("weights", [None, [2.0]])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_one_row_is_an_error(self, solver, weights):
        model = make(early_stopping=True, solver=solver)
        with pytest.raises(ValueError, match=r"early_stopping.*n_samples=1"):
            model.fit(X[:1], y[:1], weights)
        assert not snapshot(model)

    def test_a_few_rows_that_are_all_the_same_are_one_row(self):
        with pytest.raises(ValueError, match="early_stopping"):
            make(early_stopping=True).fit(np.ones((9, 2)), np.repeat([0, 1, 2], 3))

    def test_many_rows_that_are_all_the_same_are_rows_of_their_own(self):
        labels = np.repeat([0, 1, 2], 10)
        model = make(early_stopping=True).fit(np.ones((30, 2)), labels)
        assert np.isfinite(model.validation_loss_curve_).all()

    def test_one_row_that_counts_is_one_row(self):
        weights = np.eye(len(y))[0]
        with pytest.raises(ValueError, match=r"early_stopping.*n_samples=1"):
            make(early_stopping=True).fit(X, y, weights)

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_class_of_one_row_is_a_warning_and_a_random_split(
        self, n_classes, weighted
    ):
        rows = np.flatnonzero(y < n_classes)
        first = rows[y[rows] > 0]
        rows = np.r_[np.flatnonzero(y == 0)[:1], first]
        weights = np.ones(len(rows)) if weighted else None
        with pytest.warns(UserWarning, match="too few.*validation_fraction.*X_val"):
            model = make(early_stopping=True).fit(X[rows], y[rows], weights)
        assert len(model.validation_scores_) == model.n_iter_

    def test_fewer_validation_rows_than_classes_is_a_warning(self):
        rows = np.r_[0:3, 20:23, 40:43]
        with pytest.warns(UserWarning, match="too few to hold each of the 3 classes"):
            make(early_stopping=True).fit(X[rows], y[rows])

    def test_two_rows_are_enough(self):
        with pytest.warns(UserWarning, match="too few"):
            model = make(early_stopping=True).fit(X[[0, -1]], y[[0, -1]])
        assert model.t_ == model.n_iter_


class TestBatchSize:
    """More rows in a batch than there are."""

    @pytest.mark.parametrize("solver", STEPPERS)
    def test_is_a_warning_and_a_full_batch(self, solver):
        with pytest.warns(UserWarning, match=r"batch_size=1000 is more than the 50"):
            model = make(batch_size=1000, solver=solver).fit(X, y)
        full = make(batch_size=len(y), solver=solver).fit(X, y)
        np.testing.assert_array_equal(model.predict_proba(X), full.predict_proba(X))


class TestNeedsNoCheck:
    """An array passes unchecked only if scikit-learn's checks would not touch it."""

    X = np.array([[1.0, 2.0], [3.0, 4.0]])

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_finite_numbers_of_the_right_shape(self, dtype, order):
        assert needs_no_check(self.X.astype(dtype, order=order), 2)
        assert needs_no_check(self.X.astype(dtype)[:1], 2)

    @pytest.mark.parametrize(
        "X",
        [
            X.tolist(),
            X[0],
            X[:0],
            X[:, :1],
            X.astype(int),
            X.astype(np.float16),
            X.astype(object),
            X.astype(">f8" if sys.byteorder == "little" else "<f8"),
            X.view(np.memmap),
            np.ma.masked_equal(X, 1),
            sparse.csr_array(X),
            np.where(X == 1, np.nan, X),
            np.where(X == 1, np.inf, X),
            np.where(X > 2, -np.inf, np.inf),
            np.full((2, 2), 1e308),  # finite, but its sum is not: left to the checks
        ],
        ids=lambda X: f"{type(X).__name__}-{getattr(X, 'dtype', '')}",
    )
    def test_anything_else_is_checked(self, X):
        assert not needs_no_check(X, 2)

    def test_rows_without_names_for_a_model_with_names_are_warned_of(self):
        pd = pytest.importorskip("pandas")
        X, y = pd.DataFrame(self.X, columns=["a", "b"]), [0, 1]
        model = FFNNClassifier(2, max_iter=1, random_state=0).fit(X, y)
        with pytest.warns(UserWarning, match="feature names"):
            model.predict(self.X)
