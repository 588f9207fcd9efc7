"""A fitted pipeline knows the names of the columns between its steps."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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


def test_a_pipeline_passes_the_names_from_step_to_step():
    steps = fitted()[:-1]
    assert list(steps.get_feature_names_out()) == FILLED
    assert list(steps[:-1].get_feature_names_out()) == ENCODED
    names = clone(PIPELINE).fit(FRAME.to_numpy(), LABELS)[:-1].get_feature_names_out()
    assert list(names) == ["x0", "x1_blue", "x1_missing", "x1_red", "x0_gap"]


def test_a_copy_knows_them_too(tmp_path):
    model = fitted()
    skffnn.save(model, tmp_path / "f")
    for again in (skffnn.load(tmp_path / "f"), pickle.loads(pickle.dumps(model))):
        assert list(again[:-1].get_feature_names_out()) == FILLED


def test_predictions_need_no_names():
    model = fitted()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(FRAME)
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
