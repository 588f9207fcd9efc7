"""The steps of a fitted pipeline know the names of their columns."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

import skffnn
from skffnn import FFNNClassifier, GapImputer, RobustSmoothScaler, TableEncoder

pandas = pytest.importorskip("pandas")

FRAME = pandas.DataFrame(
    {"income": [1.0, None, 3.0, 4.0] * 10, "colour": ["red", "blue", None, "red"] * 10}
)
LABELS = ["yes", "no", "no", "yes"] * 10
ENCODED = ["income", "colour_blue", "colour_missing", "colour_red"]
FILLED = [*ENCODED, "income_gap"]
PIPELINE = make_pipeline(
    TableEncoder(),
    RobustSmoothScaler(),
    GapImputer(),
    FFNNClassifier((4,), max_iter=2, random_state=0),
)


def fitted():
    return clone(PIPELINE).fit(FRAME, LABELS)


def names_of_steps(model):
    return [list(step.get_feature_names_out()) for step in model[:-1]]


def test_each_step_knows_the_names():
    model = fitted()
    assert names_of_steps(model) == [ENCODED, ENCODED, FILLED]
    assert ">x0" not in estimator_html_repr(model)
    assert names_of_steps(clone(PIPELINE).fit(FRAME.to_numpy(), LABELS))[-1] == [
        "x0",
        "x1_blue",
        "x1_missing",
        "x1_red",
        "x0_gap",
    ]


def test_a_copy_knows_them_too(tmp_path):
    model = fitted()
    skffnn.save(model, tmp_path / "f")
    for again in (skffnn.load(tmp_path / "f"), pickle.loads(pickle.dumps(model))):
        assert names_of_steps(again) == names_of_steps(model)


def test_names_of_an_earlier_fit_are_forgotten():
    model = fitted()
    for step in model[1:-1]:
        step.fit(np.array([[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]]))
    assert names_of_steps(model)[1:] == [["x0", "x1"], ["x0", "x1", "x1_gap"]]


def test_the_steps_are_given_and_return_plain_arrays():
    """Predictions then spend no time on names and need none."""
    model = fitted()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(FRAME)
    assert type(model[:-1].transform(FRAME)) is np.ndarray
    assert not any(hasattr(step, "feature_names_in_") for step in model[1:])


def test_data_frames_have_the_same_names():
    model = clone(PIPELINE).set_output(transform="pandas").fit(FRAME, LABELS)
    assert list(model[:-1].transform(FRAME)) == FILLED
    assert list(model[-1].feature_names_in_) == FILLED
    np.testing.assert_array_equal(
        model[-1].coefs_[0], fitted()[-1].coefs_[0], strict=True
    )


@pytest.mark.parametrize("kind", [RobustSmoothScaler, GapImputer])
def test_names_of_a_data_frame_take_precedence(kind):
    step = kind().fit(FRAME[["income"]])
    assert step.get_feature_names_out()[0] == "income"
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        step.get_feature_names_out(["wealth"])


def test_a_drawing_shows_them():
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    def shown(model):
        return skffnn.NetworkDisplay.from_estimator(model).input_names

    numbers = FRAME[["income"]].fillna(0)
    scaled = make_pipeline(StandardScaler(), clone(PIPELINE[-1]))
    assert shown(fitted()) == FILLED
    assert shown(clone(scaled).fit(numbers, LABELS)) == ["income"]
    assert shown(clone(scaled).fit(numbers.to_numpy(), LABELS)) is None
    plt.close("all")
