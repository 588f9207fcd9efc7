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
    FFNNClassifier,
    InvalidParameterError,
)

make = maker(hidden_layer_sizes=(8, 4), max_iter=3)

# What a number, an integer or a boolean cannot be. One parameter stands for all that
# are checked in the same way.
KINDS = [
    *[("alpha", v, "a number") for v in (None, "1", True, np.nan, 1j, [0.5], 10**400)],
    *[("max_iter", v, "an integer") for v in (1.5, 2.0, np.inf, True)],
    *[("shuffle", v, "True or False") for v in (None, 0, "True")],
]
# The smallest and the largest number of each parameter, and values beyond them.
BOUNDS = {
    "alpha": (r"\[0, inf\)", [-1e-9, np.inf]),
    "batch_size": (r"\[1, inf\)", [0]),
    "learning_rate_init": (r"\(0, inf\)", [0, np.inf]),
    "power_t": (r"\[0, inf\)", [-0.5]),
    "max_iter": (r"\[1, inf\)", [0]),
    "tol": (r"\[0, inf\)", [-1e-9, np.inf]),
    "verbose": (r"\[0, inf\)", [-1]),
    "momentum": (r"\[0, 1\]", [-0.1, 1.1]),
    "validation_fraction": (r"\[0, 1\)", [-0.1, 1]),
    "beta_1": (r"\[0, 1\)", [-0.1, 1]),
    "beta_2": (r"\[0, 1\)", [-0.1, 1]),
    "epsilon": (r"\(0, inf\)", [0]),
    "n_iter_no_change": (r"\[1, inf", [0, -np.inf]),
    "max_fun": (r"\[1, inf\)", [0]),
    "max_time": (r"\(0, inf\)", [0, -1.0]),
    "dropout": (r"\[0, 1\)", [-0.1, 1, [0.1, 1.0]]),
    "label_smoothing": (r"\[0, 1\)", [-0.1, 1]),
}
# Everything else: invalid values, and what the message says is allowed.
OTHERS = {
    "hidden_layer_sizes": ("integer", [0, (5, 0), (5, 2.0), "10", [[5, 5]]]),
    "batch_size": ("'auto'", ["full"]),
    "random_state": ("RandomState|integer", ["0", -1]),
    "warm_start": ("True or False", ["no"]),
    "nesterovs_momentum": ("True or False", [1]),
    "early_stopping": ("True or False", [1]),
    "class_weight": ("'balanced'.*dict", [5, "balance"]),
    "solver": ("'adam'", [LBFGS]),
    "scoring": ("'loss'", [3, "", ["accuracy"]]),
    "dtype": ("'float32'", ["float16", np.float32]),
    "checkpoint": ("None, a path or|in an existing folder", [3, "no/such/folder/run"]),
}
WRONG = KINDS + [
    (name, value, allowed)
    for table in (BOUNDS, OTHERS)
    for name, (allowed, values) in table.items()
    for value in values
]

# The methods that an object needs, for parameters that take a name or an object.
OBJECTS = {
    "activation": (ACTIVATIONS, ["forward"]),
    "solver": (SOLVERS, ["init", "update"]),
    "learning_rate": (SCHEDULES, ["factor", "goes_on"]),
    "weight_init": (INITIALIZERS, ["draw"]),
    "penalty": (PENALTIES, ["value", "add_gradient"]),
    "loss": (CLASSIFICATION_LOSSES, []),
}


class TestInvalidParameters:
    """Invalid parameters raise an `InvalidParameterError`."""

    def test_every_parameter_is_tested(self):
        tested = {name for name, _, _ in WRONG} | OBJECTS.keys()
        assert tested == FFNNClassifier().get_params().keys()

    @pytest.mark.parametrize(
        ("name", "value", "allowed"),
        [pytest.param(*w, id=f"{w[0]}-{i}") for i, w in enumerate(WRONG)],
    )
    def test_are_refused_with_what_is_allowed(self, name, value, allowed):
        with pytest.raises(InvalidParameterError, match=f"{name}.*{allowed}") as error:
            make(**{name: value}).fit(X, y)
        # The message quotes the value, or the invalid part of a sequence.
        assert repr(value) in str(error.value) or isinstance(value, list | tuple)

    def test_a_validation_fraction_of_0_is_refused_if_it_is_used(self):
        params = {"validation_fraction": 0, "max_iter": 2}
        make(**params).fit(X, y).partial_fit(X, y)
        make(**params, early_stopping=True).fit(X, y, X_val=X, y_val=y)
        with pytest.raises(InvalidParameterError, match=r"validation_fra.*\(0, 1\)"):
            make(**params, early_stopping=True).fit(X, y)

    @pytest.mark.parametrize("parameter", OBJECTS)
    def test_an_object_lacks_methods(self, parameter):
        _, methods = OBJECTS[parameter]
        with pytest.raises(InvalidParameterError, match=parameter) as error:
            make(**{parameter: object()}).fit(X, y)
        assert all(method in str(error.value) for method in methods)

    @pytest.mark.parametrize("parameter", OBJECTS)
    def test_an_unknown_name_lists_all_names(self, parameter):
        registry, _ = OBJECTS[parameter]
        with pytest.raises(InvalidParameterError, match=parameter) as error:
            make(**{parameter: "qqqq"}).fit(X, y)
        assert all(f"'{name}'" in str(error.value) for name in registry)
        assert "mean" not in str(error.value)

    @pytest.mark.parametrize(
        ("parameter", "name"),
        [
            ("activation", "tanh"),
            ("batch_size", "auto"),
            ("class_weight", "balanced"),
            ("dtype", "float32"),
            ("scoring", "f1_macro"),
        ],
    )
    def test_a_typo_suggests_the_nearest_name(self, parameter, name):
        for typo in f"{name}x", f" {name}".upper():
            with pytest.raises(InvalidParameterError, match=f"mean '{name}'"):
                make(**{parameter: typo}).fit(X, y)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("activation", ("relu",)), ("dropout", [0.1, 0.2, 0.3]), ("dropout", [])],
        ids=str,
    )
    def test_a_sequence_has_one_value_for_each_hidden_layer(self, name, value):
        with pytest.raises(InvalidParameterError, match=f"(?s){name}.* 2.*layer"):
            make(**{name: value}).fit(X, y)

    def test_an_unknown_name_in_a_sequence_is_quoted(self):
        with pytest.raises(InvalidParameterError, match=r"'tahn'.*mean 'tanh'"):
            make(activation=("relu", "tahn")).fit(X, y)

    @pytest.mark.parametrize("params", [{"alpha": -1}, {"checkpoint": 3}], ids=str)
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_are_refused_before_the_data_are_looked_at(self, method, params):
        model = make(**params)
        before = snapshot(model)
        with pytest.raises(InvalidParameterError, match=next(iter(params))):
            getattr(model, method)("no data at all", None)
        assert snapshot(model) == before

    @pytest.mark.parametrize("params", [{"alpha": -1}, {"checkpoint": 3}], ids=str)
    @pytest.mark.parametrize("warm_start", [False, True])
    def test_a_fitted_estimator_is_left_as_it_was(self, warm_start, params):
        model = make(warm_start=warm_start).fit(X, y)
        before, predictions = snapshot(model), model.predict_proba(X)
        with pytest.raises(InvalidParameterError):
            model.set_params(**params).fit(X, y)
        assert_untouched(model, before, predictions)

    def test_the_error_is_a_value_error_and_a_type_error(self):
        assert issubclass(InvalidParameterError, ValueError)
        assert issubclass(InvalidParameterError, TypeError)

    def test_an_unknown_parameter_is_refused(self):
        with pytest.raises(TypeError, match="hidden_layers"):
            FFNNClassifier(hidden_layers=(3,))
        with pytest.raises(ValueError, match="hidden_layers"):
            FFNNClassifier().set_params(hidden_layers=(3,))


SMALLEST = {
    **dict.fromkeys(["alpha", "power_t", "tol", "momentum", "beta_1", "beta_2"], 0),
    **dict.fromkeys(["dropout", "label_smoothing", "verbose"], 0),
    "batch_size": 1,
    "class_weight": {},
    "n_iter_no_change": np.inf,
}


class TestValidParameters:
    """Edge cases that are allowed."""

    @pytest.mark.parametrize(
        "params",
        [
            *({"solver": solver} | SMALLEST for solver in ("sgd", "adam")),
            {"momentum": 1.0, "solver": "sgd"},
            {"alpha": np.float32(0.1), "max_iter": np.int32(2)},
            {"shuffle": np.bool_(False), "random_state": np.int64(3)},
            {"hidden_layer_sizes": np.int64(5)},
            {"hidden_layer_sizes": range(3, 5), "dropout": np.array([0.1, 0.2])},
            {"activation": np.array(["relu", "tanh"])},
            {"random_state": np.random.RandomState(0)},
            {"random_state": np.random},
            {"random_state": None},
            {"hidden_layer_sizes": (), "activation": (), "dropout": []},
            {"hidden_layer_sizes": [], "activation": "relu", "dropout": 0.1},
        ],
        ids=lambda params: "-".join(params),  # the same in every process
    )
    def test_are_fitted(self, params):
        model = make(**params).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()
