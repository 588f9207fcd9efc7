"""Classification targets: labels of every type, sparse labels, invalid labels."""

import numpy as np
import pytest
from helpers import X, Y, assert_untouched, maker, parameters, snapshot, y
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skffnn import SOLVERS

make = maker(max_iter=8, learning_rate_init=0.05)

NAMES = np.array(["setosa", "versicolor", "virginica"])


class TestLabels:
    """Labels of all types that scikit-learn accepts."""

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize(
        "labels",
        [
            NAMES,
            NAMES.astype(object),
            np.array([False, True, True]),
            np.array([-1, 1, 7]),
            np.array([0.0, 1.0, 2.0]),
            np.array([10**12, 10**12 + 1, 10**12 + 2]),
            np.array([200, 210, 255], np.uint8),
        ],
        ids=["str", "object", "bool", "negative", "float", "large", "uint8"],
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_come_back_as_they_were(self, labels, n_classes, early_stopping):
        if labels.dtype == bool and n_classes == 3:
            return
        rows = y < n_classes
        target = labels[:n_classes][y[rows]]
        model = make(early_stopping=early_stopping).fit(X[rows], target)
        predictions = model.predict(X[rows])
        assert predictions.dtype == target.dtype
        assert model.classes_.tolist() == sorted(set(target.tolist()))
        assert (predictions == target).mean() > 0.7  # guessing gives 0.5 or a third
        assert model.score(X[rows], target) == (predictions == target).mean()

    def test_may_be_a_list(self):
        model = make().fit(X.tolist(), NAMES[y].tolist())
        assert model.score(X.tolist(), NAMES[y].tolist()) > 0.8

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("label", [3, "only"])
    def test_of_one_class_are_that_class(self, solver, label):
        target = np.full(len(y), label)
        model = make(solver=solver).fit(X, target)
        np.testing.assert_array_equal(model.predict(X), target)
        np.testing.assert_allclose(model.predict_proba(X), 1, rtol=1e-15)
        assert model.loss_ >= 0


class TestSparseTargets:
    """Sparse label indicator matrices."""

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_predictions_are_sparse_when_y_was(self, container, early_stopping):
        dense = make(early_stopping=early_stopping).fit(X, Y)
        model = make(early_stopping=early_stopping).fit(X, container(Y))
        predictions = model.predict(X)
        assert sparse.issparse(predictions)
        np.testing.assert_array_equal(predictions.toarray(), dense.predict(X))
        assert isinstance(dense.predict(X), np.ndarray)
        np.testing.assert_array_equal(parameters(model), parameters(dense))
        assert model.score(X, container(Y)) == dense.score(X, Y)

    def test_a_warm_fit_follows_its_own_targets(self):
        model = make(warm_start=True).fit(X, Y).fit(X, sparse.csr_array(Y))
        assert sparse.issparse(model.predict(X))
        assert isinstance(model.fit(X, Y).predict(X), np.ndarray)

    def test_partial_fit_too(self):
        model = make().partial_fit(X, sparse.csr_array(Y))
        assert sparse.issparse(model.predict(X))


class TestInvalidTargets:
    """Invalid targets."""

    @pytest.mark.parametrize("target", [X[:, 0], X[:, :2]], ids=["1-D", "2-D"])
    def test_that_are_continuous(self, target):
        with pytest.raises(ValueError, match="continuous"):
            make().fit(X, target)

    def test_that_are_missing(self):
        with pytest.raises(ValueError, match="y"):
            make().fit(X, None)
        with pytest.raises(ValueError, match="NaN"):
            make().fit(X, np.r_[np.nan, y[1:]])

    def test_of_labels_are_0_or_1_if_sparse(self):
        # The loss has no lower bound for other numbers. If dense, they are multi-output
        # targets with two classes each.
        for wrong in (Y * 2, Y * 2 - 1, Y + 1):
            with pytest.raises(ValueError, match=r"[Ll]abel indicator|0.*1"):
                make().fit(X, sparse.csr_array(wrong))

    def test_of_labels_stay_0_or_1(self):
        model = make().fit(X, Y)
        before, predictions = snapshot(model), model.predict_proba(X)
        for wrong in (Y * 2, Y * 2 - 1, np.column_stack([y, y, y])):
            with pytest.raises(ValueError, match="y"):
                model.partial_fit(X, wrong)
            with pytest.raises(ValueError, match="y_val"):
                model.fit(X, Y, X_val=X, y_val=wrong)
        assert_untouched(model, before, predictions)

    def test_duplicate_entries_that_add_up_to_2_are_refused(self):
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
