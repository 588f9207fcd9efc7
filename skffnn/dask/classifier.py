"""DaskFFNNClassifier: the interface of FFNNClassifier for Dask collections."""

import inspect
from copy import copy
from functools import wraps
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
    Self,
    Union,
    Unpack,
    cast,
    overload,
)

import dask
import dask.array as da
import numpy as np
from distributed import Client
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier
from ..nn.arrays import Array
from ..typing import ActivationParam, DaskParams, HiddenLayerSizes
from ..utils.checks import InvalidParameterError, check_number
from ..utils.types import Matrix
from .cluster import Cluster, constant, learn_features, lengths, partitions_of, task
from .rows import PartitionedRows
from .tasks import predicted, scored

if TYPE_CHECKING:
    import dask.dataframe as dd

# Rows on the cluster.
Collection = Union[da.Array, "dd.Series", "dd.DataFrame"]

# The parameters that FFNNClassifier does not have.
OF_CLUSTER = ("client", "n_rounds", "persist")


class OnPartitions(Protocol):
    """A method whose result is lazy for Dask collections."""

    @overload
    def __call__(self, X: Collection, *args: Any, **options: Any) -> da.Array: ...
    @overload
    def __call__(self, X: Matrix, *args: Any, **options: Any) -> Array: ...


def on_partitions(name: str) -> OnPartitions:
    """Return a method that calls the method of `FFNNClassifier` on each partition."""

    @wraps(getattr(FFNNClassifier, name))
    def method(self: Any, X: Any, *args: Any, **options: Any) -> Any:
        return self._lazily(name, X, *args, **options)

    return cast(OnPartitions, method)


class DaskFFNNClassifier(FFNNClassifier):
    """`FFNNClassifier` for Dask collections on a cluster.

    `fit` takes Dask arrays or dataframes: X with all columns in one chunk, dense or CSR
    blocks, and y and `sample_weight` with the same partitions as X. `X_val`, `y_val`
    and `sample_weight_val` are all Dask collections, or all local arrays. Partitions
    may be empty, and of unknown length. y holds class labels, or a label indicator
    matrix; several targets are not supported.

    The rows stay on the workers, which do not need to hold them all at once. They are
    never sent to the client or the scheduler. With `solver="lbfgs"`, J(θ) and its
    gradient are sums over the partitions, and the result is that of `FFNNClassifier`,
    up to rounding. All other solvers use local steps (local SGD): several times per
    epoch, every partition takes its own minibatch steps from a common θ, at a higher
    learning rate. The new θ is the mean of the results, weighted by the total weight of
    the rows of each partition. With one partition, the result is that of
    `FFNNClassifier`, up to rounding.

    It has the parameters of `FFNNClassifier`, with the same defaults, and three of its
    own. `batch_size` applies to each partition. `learning_rate_init` is the value for
    one machine; it is multiplied by the number of partitions, but at most by 16.

    Predictions for a Dask array or dataframe are lazy Dask arrays; for other rows they
    are those of `FFNNClassifier`.

    Parameters
    ----------
    {CLASSIFIER}
    client : distributed.Client or None, default=None
        The connection to the cluster; None uses the current one. It is not pickled.
    n_rounds : int, default=10
        Number of times per epoch that θ is averaged over the partitions; ignored by
        `solver="lbfgs"`. Decrease it if the network is large, or if the partitions are
        read again for each round: fewer rounds are faster, but more epochs are needed.
    persist : bool or "auto", default="auto"
        Whether the workers keep the partitions in memory. If not, they are read and
        prepared each time they are needed. That is slower, but allows more rows than
        fit into memory. "auto" keeps them if they take at most half of the memory of
        all workers.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; for multi-label targets the columns of y.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights W(1) … W(L+1).
    intercepts_ : list of ndarray of shape (n_out,)
        Biases b(1) … b(L+1).
    n_iter_ : int
        Number of epochs (or iterations) of the last fit.
    loss_curve_ : list of float
        J in each epoch. This and all other attributes are those of `FFNNClassifier`.

    See Also
    --------
    FFNNClassifier : For one machine. `partial_fit` trains on one chunk after another.

    Notes
    -----
    The same seed gives the same result, bit for bit, whatever the number of workers and
    threads, even if workers are lost during training. Other partitions give another
    result.

    A scorer (`scoring`) is called on the validation rows of each partition, and the
    scores are averaged. For the area under the ROC curve, for example, this differs
    from the score on all rows. A validation set of local arrays is one partition.

    References
    ----------
    Zinkevich, Weimer, Smola & Li, *Parallelized stochastic gradient descent*, NeurIPS
    2010.

    Stich, *Local SGD converges fast and communicates little*, ICLR 2019.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_iris
    >>> from skffnn.dask import DaskFFNNClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X, y = da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     model = DaskFFNNClassifier((10,), solver="lbfgs", alpha=0.01)
    ...     model = model.set_params(random_state=0).fit(X, y)
    ...     model.predict_proba(X)  # is lazy
    ...     score = model.score(X, y)
    dask.array<...shape=(150, 3)...>
    >>> score > 0.9
    True
    >>> type(model.to_local()).__name__
    'FFNNClassifier'
    """

    def __init__(
        self,
        *args: HiddenLayerSizes | ActivationParam,
        client: Client | None = None,
        n_rounds: int = 10,
        persist: bool | Literal["auto"] = "auto",
        **params: Unpack[DaskParams],
    ) -> None:
        super().__init__(*args, **params)  # type: ignore[arg-type]
        self.client = client
        self.n_rounds = n_rounds
        self.persist = persist

    # scikit-learn reads the names of the parameters from the signature.
    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            *inspect.signature(FFNNClassifier.__init__).parameters.values(),
            *map(inspect.signature(__init__).parameters.__getitem__, OF_CLUSTER),
        ]
    )

    def __getstate__(self) -> Any:
        return super().__getstate__() | {"client": None}

    def __copy__(self) -> Self:
        """Return a copy that uses the same client; a pickle has none."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that uses the same client, which is not copied."""
        model = copy(self)
        model.client = None
        cloned: Self = super(DaskFFNNClassifier, model).__sklearn_clone__()
        cloned.client = self.client
        return cloned

    # ------------------------------------------------------------------ training

    def _rows(
        self, X: Any, y: Any, weights: Any, *, reset: bool, suffix: str = ""
    ) -> PartitionedRows:
        """Check the rows of all partitions, which stay on the workers."""
        if not (isinstance(self.persist, bool) or self.persist == "auto"):
            raise InvalidParameterError(
                f"persist must be True, False or 'auto', got {self.persist!r}."
            )
        check_number("n_rounds", self.n_rounds, 1, integer=True)
        partitions = partitions_of((X, y, weights), suffix)
        learn_features(self, X, reset=reset)
        n_bytes = X.nbytes if isinstance(X, da.Array) else np.nan
        return PartitionedRows.validated(self, partitions, n_bytes, suffix)

    def _as_saved(self) -> FFNNClassifier:
        return self.to_unfitted()

    def _no_partial_fit(self) -> bool:
        raise AttributeError(
            "partial_fit trains on rows in local memory. Use to_local().partial_fit."
        )

    partial_fit = available_if(_no_partial_fit)(FFNNClassifier.fit)

    def to_unfitted(self) -> FFNNClassifier:
        """Return an unfitted estimator for one machine.

        Returns
        -------
        model : FFNNClassifier
            An estimator with the same parameters. It knows the number and the names of
            the features, if this one does.
        """
        params = self.get_params(deep=False)
        model = FFNNClassifier(
            **{name: params[name] for name in params if name not in OF_CLUSTER}
        )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(model, name, getattr(self, name))
        return model

    def to_local(self) -> FFNNClassifier:
        """Return the fitted network as an estimator for one machine.

        Returns
        -------
        model : FFNNClassifier
            A fitted estimator that does not need Dask; `skffnn.save` writes it to a
            file.
        """
        check_is_fitted(self)
        model = self.to_unfitted()
        model.fitted_ = self.fitted_
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags

    # ---------------------------------------------------------------- prediction

    predict: OnPartitions = on_partitions("predict")
    predict_proba: OnPartitions = on_partitions("predict_proba")
    predict_log_proba: OnPartitions = on_partitions("predict_log_proba")
    decision_function: OnPartitions = on_partitions("decision_function")
    hidden_features: OnPartitions = on_partitions("hidden_features")

    def _lazily(self, method: str, X: Any, *args: Any, **options: Any) -> Any:
        """Call a method of the local model, lazily if X is a Dask collection."""
        model = self.to_local()
        if not dask.is_dask_collection(X):
            return getattr(model, method)(X, *args, **options)
        options |= zip(("layer",), args, strict=False)  # of hidden_features
        nothing = np.zeros((0, model.n_features_in_), getattr(X, "dtype", np.float64))
        like = predicted(nothing, model, method, options)
        known = constant(model)
        parts = [
            da.from_delayed(
                task(predicted)(part, known, method, options),
                (n, *like.shape[1:]),
                meta=like,
            )
            for n, (part, *_) in zip(
                lengths(X), partitions_of((X, None, None)), strict=True
            )
        ]
        return da.concatenate(parts, allow_unknown_chunksizes=True)

    def score(
        self,
        X: Collection | Matrix,
        y: Collection | Matrix,
        sample_weight: Collection | ArrayLike | None = None,
    ) -> float:
        """Return the weighted fraction of rows whose labels are all correct.

        Parameters
        ----------
        X : Dask array, dataframe, or array-like of shape (n_samples, n_features)
            Rows.
        y : Dask array, series or dataframe, or array-like of shape (n_samples,)
            Their labels.
        sample_weight : Dask array, series or array-like, default=None
            Their weights.

        Returns
        -------
        accuracy : float
            The fraction, computed immediately, on the cluster if X is a Dask
            collection.
        """
        model = self.to_local()
        if not dask.is_dask_collection(X):
            return float(model.score(X, y, sample_weight))
        known = constant(model)
        partitions = partitions_of((X, y, sample_weight))
        sums = Cluster(self.client).total(
            [task(scored)(*partition, known) for partition in partitions]
        )
        return float(sums["right"] / sums["weight"])


def with_parameters(doc: str | None) -> str | None:
    """Return a docstring with the parameters of `FFNNClassifier` in place of a name."""
    given = (FFNNClassifier.__doc__ or "").partition("----------\n")[2]
    return doc and doc.replace("{CLASSIFIER}", given.partition("\n\n")[0].lstrip())


DaskFFNNClassifier.__doc__ = with_parameters(DaskFFNNClassifier.__doc__)
