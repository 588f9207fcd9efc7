"""Class weights: multiplied into the sample weights, and rejected if invalid."""

import numpy as np
import pytest
from helpers import ROUNDING, WEIGHTS, X, Y, maker, parameters, y
from sklearn.datasets import make_classification
from sklearn.metrics import get_scorer, log_loss
from sklearn.utils.class_weight import compute_class_weight

from skffnn import SOLVERS

make = maker(max_iter=5)


class TestClassWeight:
    """Class weights."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("class_weight", [{0: 1, 1: 7.5, 2: 0.25}, "balanced"])
    def test_is_multiplied_into_the_sample_weights(self, solver, class_weight):
        rows = slice(0, 110)  # no longer balanced
        X_, y_, w = X[rows], y[rows], WEIGHTS[rows]
        by_class = class_weight
        if class_weight == "balanced":
            total = [w[y_ == c].sum() for c in range(3)]
            by_class = {c: 1 / total[c] for c in range(3)}
        one = make(solver=solver, class_weight=class_weight).fit(X_, y_, w)
        product = w * np.array([by_class[c] for c in y_])
        other = make(solver=solver).fit(X_, y_, product)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_balanced_is_that_of_scikit_learn(self):
        X_, y_ = X[:110], y[:110]
        balanced = compute_class_weight("balanced", classes=np.arange(3), y=y_)
        one = make(class_weight="balanced").fit(X_, y_)
        other = make(class_weight=dict(enumerate(balanced))).fit(X_, y_)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)

    def test_balanced_is_that_of_the_training_rows_in_the_validation_set_too(self):
        rows, held_out = np.r_[0:150:2], np.r_[1:150:2]
        held_out = held_out[(y[held_out] > 0) | (held_out % 3 == 0)]  # other shares
        by_class = compute_class_weight("balanced", classes=np.arange(3), y=y[rows])
        for class_weight in ("balanced", dict(enumerate(by_class))):
            model = make(class_weight=class_weight, max_iter=1, solver="lbfgs")
            model.fit(X[rows], y[rows], X_val=X[held_out], y_val=y[held_out])
            expected = log_loss(
                y[held_out],
                model.predict_proba(X[held_out]),
                sample_weight=by_class[y[held_out]],
            )
            assert model.validation_loss_curve_ == pytest.approx(
                [expected], rel=ROUNDING
            )

    def test_is_by_label_whatever_the_labels_are(self):
        names = np.array(["setosa", "versicolor", "virginica"])
        one = make(class_weight={0: 3, 2: 0.5}).fit(X, y)
        other = make(class_weight={"setosa": 3, "virginica": 0.5}).fit(X, names[y])
        np.testing.assert_array_equal(parameters(one), parameters(other))

    def test_finds_a_rare_class(self):
        X_, y_ = make_classification(
            300, 5, weights=[0.95], class_sep=0.5, flip_y=0.1, random_state=0
        )
        plain, balanced = (
            make(class_weight=w, solver="lbfgs", max_iter=100, alpha=0.01).fit(X_, y_)
            for w in (None, "balanced")
        )
        recall = get_scorer("recall")
        assert recall(balanced, X_, y_) > recall(plain, X_, y_)

    @pytest.mark.parametrize("class_weight", ["balanced", {0: 1, 1: 2, 2: 3}])
    def test_makes_early_stopping_watch_the_loss(self, class_weight):
        model = make(early_stopping=True, class_weight=class_weight).fit(X, y)
        assert model.validation_scores_ == [
            -loss for loss in model.validation_loss_curve_
        ]
        scored = make(
            early_stopping=True, class_weight=class_weight, scoring="accuracy"
        ).fit(X, y)
        assert all(0 <= score <= 1 for score in scored.validation_scores_)

    @pytest.mark.parametrize("class_weight", [{1: 2.0, 2: 3.0}, "balanced"])
    def test_of_a_class_that_a_chunk_does_not_have_is_no_error(self, class_weight):
        chunk = y < 2
        model = make(class_weight=class_weight)
        model.partial_fit(X[chunk], y[chunk], classes=[0, 1, 2])
        weights = (
            np.where(y[chunk] == 1, 2.0, 1.0)
            if class_weight != "balanced"
            else (1 / np.bincount(y[chunk])[y[chunk]])
        )
        other = make().partial_fit(
            X[chunk], y[chunk], classes=[0, 1, 2], sample_weight=weights
        )
        np.testing.assert_allclose(parameters(model), parameters(other), rtol=ROUNDING)

    def test_applies_to_multilabel_rows(self):
        by_label = [{0: 1, 1: 2}, {0: 1, 1: 3}, {0: 0.5, 1: 1}]
        weights = np.prod(
            [[w[v] for v in column] for w, column in zip(by_label, Y.T, strict=True)],
            axis=0,
        )
        one, other = make(class_weight=by_label).fit(X, Y), make().fit(X, Y, weights)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=ROUNDING)


class TestInvalidClassWeight:
    """Invalid class weights."""

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
