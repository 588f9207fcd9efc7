"""Features in data frames, sparse matrices and read-only arrays."""

import numpy as np
import pytest
from helpers import X, Y, maker, parameters, unaligned, y
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skffnn import SOLVERS

make = maker(max_iter=8, learning_rate_init=0.05)

NAMES = np.array(["setosa", "versicolor", "virginica"])

# Sums in a different order differ by about 1e-15, and training multiplies this.
TRAINED = 1e-9


class TestFrames:
    """pandas and polars."""

    COLUMNS = ("a", "b", "c", "d")

    @pytest.fixture(params=["pandas", "polars"])
    def library(self, request):
        """The name of an installed library."""
        pytest.importorskip(request.param)
        return request.param

    def frame(self, library, data=X, columns=COLUMNS):
        """Create a data frame of the library."""
        module = pytest.importorskip(library)
        return module.DataFrame({name: data[:, i] for i, name in enumerate(columns)})

    def series(self, library, data):
        """Create a series of the library."""
        module = pytest.importorskip(library)
        return module.Series(data)

    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("labels", [np.arange(3), NAMES], ids=["int", "str"])
    def test_give_the_same_fit_as_arrays(self, library, labels, early_stopping):
        frame = self.frame(library)
        target = self.series(library, labels[y])
        weights = self.series(library, np.linspace(1, 2, len(y)))
        model = make(early_stopping=early_stopping).fit(frame, target, weights)
        plain = make(early_stopping=early_stopping).fit(
            X, labels[y], np.linspace(1, 2, len(y))
        )
        assert model.feature_names_in_.tolist() == list(self.COLUMNS)
        np.testing.assert_array_equal(model.predict(frame), plain.predict(X))
        np.testing.assert_array_equal(
            model.predict_proba(frame), plain.predict_proba(X)
        )
        np.testing.assert_array_equal(
            model.hidden_features(frame), plain.hidden_features(X)
        )

    @pytest.mark.parametrize("scoring", [None, "loss", "f1_macro", "neg_log_loss"])
    def test_may_be_the_validation_set(self, library, scoring):
        frame = self.frame(library)
        model = make(scoring=scoring)
        model.fit(frame, y, X_val=frame, y_val=self.series(library, y))
        plain = make(scoring=scoring).fit(X, y, X_val=X, y_val=y)
        assert model.validation_scores_ == plain.validation_scores_
        assert model.feature_names_in_.tolist() == list(self.COLUMNS)

    @pytest.mark.parametrize("scoring", [None, "f1_macro"])
    def test_are_split_without_a_warning(self, library, scoring):
        model = make(early_stopping=True, scoring=scoring).fit(self.frame(library), y)
        assert len(model.validation_scores_) == 8

    @pytest.mark.parametrize(
        "columns", [("b", "a", "c", "d"), ("a", "b", "c", "e")], ids=["order", "name"]
    )
    def test_with_other_names_are_an_error(self, library, columns):
        frame, other = self.frame(library), self.frame(library, columns=columns)
        model = make(warm_start=True).fit(frame, y)
        for call in (
            lambda: model.predict(other),
            lambda: model.predict_proba(other),
            lambda: model.decision_function(other),
            lambda: model.hidden_features(other),
            lambda: model.partial_fit(other, y),
            lambda: model.fit(other, y),
            lambda: model.fit(frame, y, X_val=other, y_val=y),
        ):
            with pytest.raises(ValueError, match="feature names"):
                call()

    def test_without_names_are_a_warning(self, library):
        model = make().fit(self.frame(library), y)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X)

    def test_are_accepted_by_partial_fit(self, library):
        frame = self.frame(library)
        model = make().partial_fit(frame, y, classes=[0, 1, 2]).partial_fit(frame, y)
        plain = make().partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
        np.testing.assert_array_equal(
            model.predict_proba(frame), plain.predict_proba(X)
        )

    @pytest.mark.parametrize(
        "steps", [(StandardScaler(),), (StandardScaler(), MinMaxScaler())]
    )
    def test_come_from_a_transformer(self, library, steps):
        frame = self.frame(library)
        # No early stopping, because rows that differ in the last bit change the split.
        pipe = make_pipeline(*steps, make())
        plain = clone(pipe).fit(X, y)
        pipe.set_output(transform=library).fit(frame, y)
        assert pipe[-1].feature_names_in_.tolist() == list(self.COLUMNS)
        np.testing.assert_allclose(
            pipe.predict_proba(frame), plain.predict_proba(X), rtol=TRAINED
        )

    def test_of_labels_may_be_the_targets(self, library):
        target = self.frame(library, Y, ("x", "y", "z"))
        model = make().fit(self.frame(library), target)
        np.testing.assert_array_equal(
            model.predict(self.frame(library)), make().fit(X, Y).predict(X)
        )

    @pytest.mark.parametrize(
        "dtype", ["Int64", "category", "string", "object", "boolean"]
    )
    def test_pandas_series_of_every_type_are_labels(self, dtype):
        pd = pytest.importorskip("pandas")
        plain = y > 0 if dtype == "boolean" else y
        labels = NAMES[y] if dtype in ("string", "object", "category") else plain
        series = pd.Series(labels).astype(dtype)
        model = make().fit(X, series)
        expected = make().fit(X, plain)
        np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
        assert (np.asarray(model.predict(X)) == labels).mean() > 0.8

    def test_pandas_columns_of_mixed_types_are_numbers(self):
        pd = pytest.importorskip("pandas")
        frame = self.frame("pandas")
        frame["a"] = frame["a"].astype("float32")
        frame["b"] = (frame["b"] > 0).astype(bool)
        frame["c"] = pd.Series(np.round(frame["c"])).astype("Int64")
        model = make().fit(frame, y)
        assert model.predict_proba(frame).dtype == np.float64


SPARSE = [
    getattr(sparse, f"{fmt}_{kind}")
    for fmt in ("csr", "csc", "coo", "lil", "bsr")
    for kind in ("matrix", "array")
]


class TestSparseFormats:
    """Sparse features."""

    @pytest.mark.parametrize("container", SPARSE, ids=lambda c: c.__name__)
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_of_every_format_are_the_same(self, container, solver):
        X_ = np.where(abs(X) > 0.5, X, 0)
        expected = make(solver=solver).fit(sparse.csr_array(X_), y)
        model = make(solver=solver).fit(container(X_), y)
        for method in ("predict", "predict_proba", "decision_function"):
            np.testing.assert_allclose(
                getattr(model, method)(container(X_)),
                getattr(expected, method)(sparse.csr_array(X_)),
                rtol=TRAINED,
            )

    @pytest.mark.parametrize("index", [np.int32, np.int64])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_of_every_type(self, index, dtype):
        X_ = sparse.csr_array(np.round(X).astype(dtype))
        X_.indices, X_.indptr = X_.indices.astype(index), X_.indptr.astype(index)
        model = make(batch_size=20).fit(X_, y)
        floating = dtype if dtype != np.int64 else np.float64
        assert model.predict_proba(X_).dtype == floating

    def test_are_not_changed(self):
        X_ = sparse.csr_array(X)
        copy = X_.copy()
        make(batch_size=20).fit(X_, y).predict(X_)
        np.testing.assert_array_equal(X_.data, copy.data)
        np.testing.assert_array_equal(X_.indices, copy.indices)


class TestReadOnly:
    """Arrays that are not writeable."""

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("hidden", [(), (8,)])
    @pytest.mark.parametrize("batch_size", [20, 150])
    def test_memory_maps(self, tmp_path, solver, hidden, batch_size):
        maps = []
        for name, array in (("X", X), ("y", y), ("w", np.ones(len(y)))):
            np.save(tmp_path / f"{name}.npy", array)
            maps.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
        X_, y_, w = maps
        params = {
            "solver": solver,
            "hidden_layer_sizes": hidden,
            "batch_size": batch_size,
            "activation": "identity",
            "dropout": 0.1,
        }
        model = make(**params).fit(X_, y_, w, X_val=X_, y_val=y_, sample_weight_val=w)
        plain = make(**params).fit(
            X, y, np.ones(len(y)), X_val=X, y_val=y, sample_weight_val=np.ones(len(y))
        )
        np.testing.assert_array_equal(model.predict_proba(X_), plain.predict_proba(X))
        if hidden:
            np.testing.assert_array_equal(
                model.hidden_features(X_), plain.hidden_features(X)
            )

    def test_sparse(self):
        X_ = sparse.csr_array(X)
        for array in (X_.data, X_.indices, X_.indptr):
            array.setflags(write=False)
        make(batch_size=20).fit(X_, y).predict(X_)

    def test_multi_label(self):
        Y_ = Y.copy()
        Y_.setflags(write=False)
        make(batch_size=20).fit(X, Y_, X_val=X, y_val=Y_)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_inputs_are_not_written_to(self, solver):
        arrays = X.copy(), y.copy(), np.linspace(0, 1, len(y))
        copies = [a.copy() for a in arrays]
        make(solver=solver, dropout=0.2, class_weight="balanced").fit(*arrays)
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)


class TestUnalignedMemory:
    """NumPy multiplies unaligned arrays without BLAS, which rounds differently."""

    ROWS = np.random.default_rng(0).normal(size=(1000, 30))
    CLASSES = (ROWS[:, 0] > 0).astype(int)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_dense(self, solver, dtype):
        X, y = self.ROWS.astype(dtype), self.CLASSES
        params = {"solver": solver, "dtype": dtype, "shuffle": False}
        plain = make(**params).fit(X, y)
        model = make(**params).fit(unaligned(X), y)
        np.testing.assert_array_equal(parameters(model), parameters(plain))
        np.testing.assert_array_equal(
            plain.predict_proba(unaligned(X)), plain.predict_proba(X)
        )

    def test_sparse(self):
        rows = sparse.csr_array(X)
        rows.data = unaligned(rows.data)
        plain = make(solver="lbfgs").fit(sparse.csr_array(X), y)
        model = make(solver="lbfgs").fit(rows, y)
        np.testing.assert_array_equal(parameters(model), parameters(plain))
        assert not rows.data.flags.aligned  # the user's array stays as it was
