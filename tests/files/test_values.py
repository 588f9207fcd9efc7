"""Values come out of a file as they went in, or are refused when it is written."""

import re

import numpy as np
import pytest
from helpers import equal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import f1_score, get_scorer, get_scorer_names, make_scorer
from sklearn.preprocessing import FunctionTransformer

import skffnn
from skffnn import (
    ACTIVATIONS,
    CLASSIFICATION_LOSSES,
    INITIALIZERS,
    PENALTIES,
    REGRESSION_LOSSES,
    SCHEDULES,
    SOLVERS,
    FFNNClassifier,
)


def round_trip(value, tmp_path):
    """Return a value after a journey as a parameter that may be anything."""
    skffnn.save(FunctionTransformer(kw_args=value), tmp_path / "f")
    return skffnn.load(tmp_path / "f").kw_args


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=5)
    | st.text(),  # with surrogates
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)
DTYPES = st.sampled_from(
    ["f2", "f4", ">f8", "i8", "u4", "?", "U3", "S2", "c16", "M8[s]", "m8[25us]"]
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))
)


@pytest.mark.long
@given(value=PLAIN)
def test_plain_values(value, tmp_path):
    again = round_trip(value, tmp_path)
    assert repr(again) == repr(value)  # the types too: True is not 1


@pytest.mark.long
@given(array=ARRAYS, fortran=st.booleans())
def test_arrays(array, fortran, tmp_path):
    array = np.asarray(array, order="F" if fortran else "C")
    again = round_trip(array, tmp_path)
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()
    assert again.flags.f_contiguous == array.flags.f_contiguous
    assert again.flags.writeable
    assert again.flags.aligned


def test_views_and_objects(tmp_path):
    whole = np.arange(24.0).reshape(2, 3, 4)
    for view in (whole[:, ::2], whole.T, whole.swapaxes(0, 1), whole[..., ::-1]):
        np.testing.assert_array_equal(round_trip(view, tmp_path), view)
    objects = np.array([["a", 1], [None, [1, 2]]], object)
    assert round_trip(objects, tmp_path).tolist() == objects.tolist()


NUMBERS = [np.float32(0.1), np.int64(3), np.bool_(True), np.str_("a"), np.str_("")]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_of_numpy(number, tmp_path):
    assert equal(round_trip(number, tmp_path), number)


@pytest.mark.parametrize(
    "value",
    [float, object, np.float32, np.number, np.dtype("f4"), f1_score, slice(1, None, 2)],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_types_functions_and_slices(value, tmp_path):
    assert round_trip(value, tmp_path) == value


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_random_states_go_on(kind, tmp_path):
    for stream in (np.random.RandomState(kind(3)), np.random.Generator(kind(3))):
        stream.normal()
        again = round_trip(stream, tmp_path)
        assert again.normal(size=700).tolist() == stream.normal(size=700).tolist()


def test_distributions_and_masked_arrays(tmp_path):
    for distribution in (stats.loguniform(1e-3, 1.0), stats.randint(1, high=9)):
        again = round_trip(distribution, tmp_path)
        draws = (d.rvs(5, random_state=0).tolist() for d in (again, distribution))
        assert next(draws) == next(draws)
    mine = stats.rv_discrete(name="poisson", values=([1, 2], [0.5, 0.5]))()
    with pytest.raises(TypeError, match="kw_args cannot be saved"):
        round_trip(mine, tmp_path)
    column = np.ma.MaskedArray([1, "a"], [False, True], object)
    again = round_trip(column, tmp_path)
    assert again.mask.tolist() == [False, True]
    assert again.data.tolist() == [1, "a"]


@pytest.mark.parametrize("name", get_scorer_names())
def test_scorers(name, tmp_path):
    assert repr(round_trip(get_scorer(name), tmp_path)) == repr(get_scorer(name))


def test_a_scorer_with_parameters(tmp_path):
    scorer = make_scorer(f1_score, average="macro")
    assert repr(round_trip(scorer, tmp_path)) == repr(scorer)


REGISTRIES = [
    ACTIVATIONS,
    CLASSIFICATION_LOSSES,
    INITIALIZERS,
    PENALTIES,
    REGRESSION_LOSSES,
    SCHEDULES,
    SOLVERS,
]
ENTRIES = {
    name: entry() if isinstance(entry, type) else entry
    for registry in REGISTRIES
    for name, entry in registry.items()
}


@pytest.mark.parametrize("name", ENTRIES)
def test_objects_of_the_registries(name, tmp_path):
    again = round_trip(ENTRIES[name], tmp_path)
    assert type(again) is type(ENTRIES[name])
    assert vars(again) == vars(ENTRIES[name])


class Mine:
    def __call__(self, a):
        return a


LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    "value",
    [
        *(lambda: 0, Mine(), Mine, print, eval, np.mean, np.load, {"a": {1, 2}}, LOOP),
        np.zeros(2, "f4, i4"),
        np.array([Mine()], object),
        Mine().__call__,
        get_scorer,
        {i: i for i in range(20_000)},  # whose hashes could be made to collide
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_needs_code_is_refused_and_leaves_the_file(value, tmp_path):
    path = tmp_path / "f"
    skffnn.save(FFNNClassifier(alpha=0.5), path)
    with pytest.raises(TypeError):
        round_trip(value, tmp_path)
    assert skffnn.load(path).alpha == 0.5


def test_the_message_names_the_parameter_and_is_short(tmp_path):
    model = FFNNClassifier(activation=[Mine(), "tanh"])
    with pytest.raises(TypeError, match=r"^activation cannot be saved, got <.*Mine"):
        skffnn.save(model, tmp_path / "f")
    model = clone(model).set_params(activation="relu", class_weight={"a": "x" * 999})
    model.class_weight["b"] = print
    with pytest.raises(TypeError, match=r"^class_weight__b cannot be saved") as error:
        skffnn.save(model, tmp_path / "f")
    assert len(re.sub(r"\s", "", str(error.value))) < 400
