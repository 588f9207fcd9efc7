"""Invalid parameters raise an error before anything else is checked."""

import numpy as np
import pytest
from helpers import X, assert_untouched, maker, snapshot, y

from skffnn import (
    ACTIVATIONS,
    CLASSIFICATION_LOSSES,
    INITIALIZERS,
    LBFGS,
    PENALTIES,
    SCHEDULES,
    SOLVERS,
    Checkpoint,
    FFNNClassifier,
    InvalidParameterError,
)
from skffnn.fitting.plan import Plan

make = maker(hidden_layer_sizes=(8, 4), max_iter=3)

REGISTRIES = {
    "activation": ACTIVATIONS,
    "solver": SOLVERS,
    "learning_rate": SCHEDULES,
    "weight_init": INITIALIZERS,
    "penalty": PENALTIES,
    "loss": CLASSIFICATION_LOSSES,
}

# Values that are neither numbers nor booleans.
NO_NUMBER = [None, "1", "", True, np.nan, 1j, [0.5], (), {}, object(), np.array([1, 2])]
NO_INTEGER = [*NO_NUMBER, 1.5, 2.0, np.inf]
NO_BOOL = [None, 0, 1, "True", "no", 1.0, np.nan, [True], np.array([True, False])]
# For each parameter, invalid values and the allowed values that the message lists.
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
    "loss": (
        [
            None,
            3,
            "",
            ["cross_entropy"],
            "huber",
            CLASSIFICATION_LOSSES["cross_entropy"],
        ],
        "'cross_entropy'",
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
        "None, a path or|in an existing folder",
    ),
}

WRONG_VALUES = [
    pytest.param(name, value, allowed, id=f"{name}-{i}-{type(value).__name__}")
    for name, (values, allowed) in WRONG.items()
    for i, value in enumerate(values)
]


def validate(params):
    """Validate parameters as `fit` and `partial_fit` do."""
    Plan.from_params(params)
    Checkpoint.from_param(params["checkpoint"])


def quoted(value):
    """Return the text that the message about an invalid value must quote."""
    if isinstance(value, list | tuple | np.ndarray) and np.size(value) > 0:
        return ""  # either the sequence, or the invalid value in it
    return repr(value)


class TestInvalidParameters:
    """Invalid parameters raise an `InvalidParameterError`."""

    def test_every_parameter_is_in_the_table(self):
        assert WRONG.keys() == FFNNClassifier().get_params().keys()

    @pytest.mark.parametrize(("name", "value", "allowed"), WRONG_VALUES)
    def test_are_refused_with_what_is_allowed(self, name, value, allowed):
        params = make(**{name: value}).get_params(deep=False)
        with pytest.raises(InvalidParameterError, match=allowed) as error:
            validate(params)
        assert name in str(error.value)
        assert quoted(value) in str(error.value)

    @pytest.mark.parametrize("params", [{"alpha": -1}, {"checkpoint": 3}], ids=str)
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_are_refused_before_the_data_are_looked_at(self, method, params):
        model = make(**params)
        attributes = vars(model).copy()
        with pytest.raises(InvalidParameterError, match=next(iter(params))):
            getattr(model, method)("no data at all", None)
        assert vars(model).keys() == attributes.keys()
        assert all(vars(model)[key] is attributes[key] for key in attributes)

    @pytest.mark.parametrize("warm_start", [False, True])
    @pytest.mark.parametrize("name", WRONG)
    def test_a_fitted_estimator_is_left_as_it_was(self, name, warm_start):
        model = make(warm_start=warm_start).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        old, wrong = getattr(model, name), WRONG[name][0][0]
        with pytest.raises(InvalidParameterError, match=name):
            model.set_params(**{name: wrong}).fit(X, y)
        model.set_params(**{name: old})
        assert_untouched(model, before, predictions)

    @pytest.mark.parametrize("name", ["alpha", "tol", "momentum", "learning_rate_init"])
    def test_an_integer_too_large_for_a_float_is_refused(self, name):
        with pytest.raises(InvalidParameterError, match=name):
            make(**{name: 10**400}).fit(X, y)

    def test_the_error_is_a_value_error_and_a_type_error(self):
        assert issubclass(InvalidParameterError, ValueError)
        assert issubclass(InvalidParameterError, TypeError)

    @pytest.mark.parametrize(
        ("parameter", "name"),
        [(parameter, name) for parameter, names in REGISTRIES.items() for name in names]
        + [("scoring", "f1_macro"), ("scoring", "loss"), ("dtype", "float32")]
        + [("class_weight", "balanced"), ("batch_size", "auto")],
    )
    def test_a_typo_suggests_the_nearest_name(self, parameter, name):
        with pytest.raises(InvalidParameterError, match=f"mean '{name}'"):
            make(**{parameter: f"{name}x"}).fit(X, y)
        with pytest.raises(InvalidParameterError, match=f"mean '{name}'"):
            make(**{parameter: f" {name}".upper()}).fit(X, y)

    @pytest.mark.parametrize("parameter", REGISTRIES)
    def test_an_unknown_name_lists_all_names(self, parameter):
        with pytest.raises(InvalidParameterError) as error:
            make(**{parameter: "qqqq"}).fit(X, y)
        assert all(f"'{name}'" in str(error.value) for name in REGISTRIES[parameter])
        assert "mean" not in str(error.value)

    @pytest.mark.parametrize(
        ("parameter", "methods"),
        [
            ("activation", ["forward"]),
            ("solver", ["init", "update"]),
            ("learning_rate", ["factor", "goes_on"]),
            ("weight_init", ["draw"]),
            ("penalty", ["value", "add_gradient"]),
        ],
    )
    def test_an_invalid_object_lists_the_methods_that_are_needed(
        self, parameter, methods
    ):
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
    def test_a_sequence_has_one_value_for_each_hidden_layer(self, name, value):
        with pytest.raises(InvalidParameterError, match=f"(?s){name}.* 2.*layer"):
            make(**{name: value}).fit(X, y)

    def test_an_unknown_name_in_a_sequence_is_quoted(self):
        with pytest.raises(InvalidParameterError, match=r"'tahn'.*mean 'tanh'"):
            make(activation=("relu", "tahn")).fit(X, y)

    @pytest.mark.parametrize("value", [(), [], "relu"])
    def test_without_hidden_layers_a_sequence_may_be_empty(self, value):
        model = make(hidden_layer_sizes=(), activation=value, dropout=()).fit(X, y)
        assert model.predict(X).shape == y.shape

    @pytest.mark.parametrize("value", [("relu",), ["tanh", "relu"]])
    def test_without_hidden_layers_a_sequence_is_refused_or_ignored(self, value):
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
    def test_edge_cases_are_valid(self, params, solver):
        model = make(solver=solver, **params).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()

    def test_an_unknown_parameter_is_refused(self):
        with pytest.raises(TypeError, match="hidden_layers"):
            FFNNClassifier(hidden_layers=(3,))
        with pytest.raises(ValueError, match="hidden_layers"):
            FFNNClassifier().set_params(hidden_layers=(3,))
