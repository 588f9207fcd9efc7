"""Early stopping holds out stratified rows, and raises if there are too few."""

import numpy as np
import pytest
from helpers import Scripted, X, maker, snapshot, y
from sklearn.datasets import load_digits, load_iris

from skffnn import SOLVERS

make = maker(max_iter=5)
few_rows, few_labels = (a[::3] for a in load_iris(return_X_y=True))


class TestEarlyStoppingSplit:
    """The split into training rows and held-out rows."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("n_classes", [2, 3, 10])
    def test_is_stratified(self, n_classes, weighted):
        X_, y_ = load_digits(n_class=n_classes, return_X_y=True)
        rng = np.random.RandomState(1)
        rare = (y_ == 0) & (rng.uniform(size=len(y_)) > 0.2)
        X_, y_ = X_[~rare], y_[~rare]
        scorer = Scripted(0.5)
        weights = np.ones(len(y_)) if weighted else None
        make(
            early_stopping=True, validation_fraction=0.25, scoring=scorer, max_iter=1
        ).fit(X_, y_, weights)
        counts = np.bincount(scorer.rows[0][1], minlength=n_classes)
        # Rows cannot be divided, so each class may be one row off its exact share.
        assert (abs(counts - 0.25 * np.bincount(y_)) <= 1).all()

    @pytest.mark.parametrize("n_copies", [2, 3])
    def test_keeps_copies_of_a_row_together(self, n_copies):
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.3, scoring=scorer, max_iter=1
        ).fit(np.tile(X, (n_copies, 1)), np.tile(y, n_copies))
        rows = scorer.rows[0][0]
        _, counts = np.unique(rows, axis=0, return_counts=True)
        assert (counts % n_copies == 0).all()

    def test_tells_rows_of_small_integers_apart(self):
        rng = np.random.RandomState(0)
        X_ = rng.randint(2, size=(600, 30)).astype(float)  # all rows differ
        assert len(np.unique(X_, axis=0)) == 600
        y_ = np.repeat([0, 1, 2], 200)
        scorer = Scripted(0.5)
        make(
            early_stopping=True, validation_fraction=0.1, scoring=scorer, max_iter=1
        ).fit(X_, y_)
        assert np.bincount(scorer.rows[0][1]).tolist() == [20, 20, 20]

    def test_does_not_always_validate_on_the_same_rows(self):
        X_ = np.vstack([np.zeros(4), X[y < 2], X[y == 2]])
        y_ = np.r_[0, np.sort(y)]
        held_out = []
        for seed in range(10):
            scorer = Scripted(0.5)
            make(
                early_stopping=True, scoring=scorer, max_iter=1, random_state=seed
            ).fit(X_, y_)
            held_out.append((scorer.rows[0][0] == 0).all(axis=1).any())
        # Each seed holds it out with probability 0.1, all ten with probability 1e-10.
        assert not all(held_out)


class TestTooFewRows:
    """Too few rows to hold any out."""

    @pytest.mark.parametrize("weights", [None, [2.0]])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_one_row_is_an_error(self, solver, weights):
        model = make(early_stopping=True, solver=solver)
        with pytest.raises(ValueError, match=r"early_stopping.*n_samples=1"):
            model.fit(few_rows[:1], few_labels[:1], weights)
        assert not snapshot(model)

    def test_a_few_identical_rows_are_one_row(self):
        with pytest.raises(ValueError, match="early_stopping"):
            make(early_stopping=True).fit(np.ones((9, 2)), np.repeat([0, 1, 2], 3))

    def test_many_identical_rows_are_split_like_different_rows(self):
        labels = np.repeat([0, 1, 2], 10)
        model = make(early_stopping=True).fit(np.ones((30, 2)), labels)
        assert np.isfinite(model.validation_loss_curve_).all()

    def test_one_row_of_non_zero_weight_is_one_row(self):
        weights = np.eye(len(few_labels))[0]
        with pytest.raises(ValueError, match=r"early_stopping.*n_samples=1"):
            make(early_stopping=True).fit(few_rows, few_labels, weights)

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_class_of_one_row_is_a_warning_and_a_random_split(
        self, n_classes, weighted
    ):
        rows = np.flatnonzero(few_labels < n_classes)
        first = rows[few_labels[rows] > 0]
        rows = np.r_[np.flatnonzero(few_labels == 0)[:1], first]
        weights = np.ones(len(rows)) if weighted else None
        with pytest.warns(UserWarning, match="too few.*validation_fraction.*X_val"):
            model = make(early_stopping=True).fit(
                few_rows[rows], few_labels[rows], weights
            )
        assert len(model.validation_scores_) == model.n_iter_

    def test_fewer_validation_rows_than_classes_is_a_warning(self):
        rows = np.r_[0:3, 20:23, 40:43]
        with pytest.warns(UserWarning, match="too few to hold each of the 3 classes"):
            make(early_stopping=True).fit(few_rows[rows], few_labels[rows])

    def test_two_rows_are_enough(self):
        with pytest.warns(UserWarning, match="too few"):
            model = make(early_stopping=True).fit(
                few_rows[[0, -1]], few_labels[[0, -1]]
            )
        assert model.t_ == model.n_iter_
