"""DaskFFNNClassifier: the interface of FFNNClassifier for Dask collections."""

import inspect
from collections.abc import Sequence
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
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..classifier import FFNNClassifier
from ..estimator import is_given
from ..fitting.callbacks import callbacks_of
from ..fitting.plan import Plan
from ..io.checkpoints import Checkpoint
from ..io.schema import fitted_of
from ..nn.arrays import Array
from ..typing import ActivationParam, DaskParams, HiddenLayerSizes
from ..utils.checks import InvalidParameterError, all_or_nothing, check_number
from ..utils.types import Matrix
from .cluster import Cluster, constant, task
from .fit import Checked, ClusterFit
from .partitions import learn_features, partitions_of
from .tasks import predicted, scored

if TYPE_CHECKING:
    import dask.dataframe as dd

# Rows on the cluster.
Collection = Union[da.Array, "dd.Series", "dd.DataFrame"]

# The parameters that FFNNClassifier does not have.
OF_CLUSTER = {"client": None, "n_rounds": 10, "persist": "auto"}


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

    The rows stay on the workers, which do not need to hold them all at once. They are
    never sent to the client or the scheduler. With `solver="lbfgs"`, J(θ) and its
    gradient are sums over the partitions, and the result is that of `FFNNClassifier`,
    up to rounding. All other solvers use local steps (local SGD): several times per
    epoch, every partition takes its own minibatch steps from a common θ, at a higher
    learning rate. The new θ is the mean of the results, weighted by the total weight of
    the rows of each partition. With one partition, training is that of
    `FFNNClassifier`, bit for bit.

    It has the parameters of `FFNNClassifier`, with the same defaults, and three of its
    own. `batch_size` applies to each partition. `learning_rate_init` is the value for
    one machine; it is multiplied by the number of partitions, but at most by 16.

    Predictions for a Dask array or dataframe are lazy Dask arrays; for other rows they
    are those of `FFNNClassifier`.

    Parameters
    ----------
    *args, **params : object
        The parameters of `FFNNClassifier`.
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
    from the score on all rows. A validation set that is not a Dask collection is a
    single partition.

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
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                for name, default in OF_CLUSTER.items()
            ),
        ]
    )

    def __getstate__(self) -> Any:
        return super().__getstate__() | {"client": None}

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that uses the same client."""
        params = clone(self.to_unfitted()).get_params(deep=False)
        cloned = type(self)(
            **params, **{name: getattr(self, name) for name in OF_CLUSTER}
        )
        if callbacks := callbacks_of(self):
            cloned.set_callbacks(*callbacks)
        return cloned

    # ------------------------------------------------------------------ training

    def fit(
        self,
        X: Collection,
        y: Collection,
        sample_weight: Collection | None = None,
        *,
        X_val: Collection | Matrix | None = None,
        y_val: Collection | Matrix | None = None,
        sample_weight_val: Collection | ArrayLike | None = None,
        coef_init: Sequence[ArrayLike] | None = None,
        intercept_init: Sequence[ArrayLike] | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train the network on the cluster.

        Parameters
        ----------
        X : Dask array or dataframe of shape (n_samples, n_features)
            Training data, with all columns in one chunk; blocks are dense or CSR.
            Chunks may be empty or of unknown length.
        y : Dask array, series or dataframe of shape (n_samples,) or \
                (n_samples, n_labels)
            Class labels, or a label indicator matrix, partitioned like X.
        sample_weight : Dask array or series of shape (n_samples,), default=None
            Sample weights, at least 0; only their ratios matter, across all partitions.
        X_val, y_val, sample_weight_val : Dask collections or arrays, default=None
            Validation set, scored after each epoch. Without one, early stopping holds
            out rows of each partition.
        coef_init, intercept_init : list of array-like, default=None
            Initial weights and biases of each layer, as for `FFNNClassifier`.
        classes : array-like of shape (n_classes,), default=None
            All class labels, some of which may not occur in y.

        Returns
        -------
        self : DaskFFNNClassifier
            The fitted estimator.

        Raises
        ------
        TypeError
            If the training data are not Dask collections.
        ValueError
            If a parameter or the data are invalid, if there is no client, or if
            training diverges. An estimator that was already fitted is left unchanged.
        ConnectionError
            If the connection to the scheduler is lost. With `checkpoint`, calling `fit`
            again resumes training.
        """
        with all_or_nothing(self):
            plan = Plan.from_estimator(self.to_unfitted())
            plan = plan.starting_from(coef_init, intercept_init)
            checkpoint = Checkpoint.from_param(self.checkpoint)
            if not (isinstance(self.persist, bool) or self.persist == "auto"):
                raise InvalidParameterError(
                    f"persist must be True, False or 'auto', got {self.persist!r}."
                )
            check_number("n_rounds", self.n_rounds, 1, integer=True)
            cluster = Cluster(self.client)
            given = (X_val, y_val, sample_weight_val)
            partitions_of((X, y, sample_weight))  # before anything is computed
            goes_on = self._is_warm() and not plan.start.is_given
            previous = vars(self).copy() if goes_on else None
            learn_features(self, X, reset=previous is None)
            model = self.to_unfitted()
            options: dict[str, Any] = {
                "persist": self.persist,
                "identify": checkpoint is not None,
            }
            train = Checked(cluster, (X, y, sample_weight), model, **options)
            targets = train.targets(plan.loss, classes)
            if previous is not None:
                targets = targets.continuing(self._fitted_targets())
            validation = None
            if is_given(*given):
                validation = Checked(cluster, given, model, "_val", **options)
            manager, n_iter = None, 0
            if checkpoint is not None:
                names = ("X", "y", "sample_weight")
                rows: dict[str, Any] = dict(zip(names, train.identity, strict=True))
                if validation is not None:
                    names = ("X_val", "y_val", "sample_weight_val")
                    rows |= dict(zip(names, validation.identity, strict=True))
                local = self.to_unfitted()
                if previous is not None:
                    local.__dict__.update(fitted_of(self))
                rows["n_rounds"] = np.array(self.n_rounds)
                if plan.start.is_given:
                    rows["initial parameters"] = plan.start._asdict()
                manager = local._checkpoint_manager(checkpoint, rows, previous)
                if manager.restore(local):
                    previous, n_iter = vars(local).copy(), manager.n_iter
                if manager.finished:
                    self.__dict__.update(fitted_of(local))
                    return self
            fit = ClusterFit(
                plan,
                targets,
                model,
                train,
                validation,
                n_rounds=self.n_rounds,
                previous=previous,
                n_iter=n_iter,
            )
            self._run(fit, self._listeners(fit, manager), X, y, sample_weight)
        return self

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
        model.__dict__.update(fitted_of(self))
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
        blocks = partitions_of((X, None, None))
        how: dict[str, Any] = {"model": model, "method": method, "options": options}
        nothing = np.zeros((0, model.n_features_in_), getattr(X, "dtype", np.float64))
        like = predicted(nothing, **how)
        if isinstance(X, da.Array):
            return X.map_blocks(
                predicted,
                **how,
                meta=like,
                chunks=(X.chunks[0], *((n,) for n in like.shape[1:])),
                drop_axis=[1] if like.ndim == 1 else [],
            )
        known = constant(model)
        shape = (np.nan, *like.shape[1:])
        return da.concatenate(
            [
                da.from_delayed(
                    task(predicted)(block, known, method, options),
                    shape,
                    meta=like,
                )
                for block, *_ in blocks
            ],
            allow_unknown_chunksizes=True,
        )

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


def with_parameters_of(base: type, doc: str) -> str:
    """Return a docstring with the parameters of a base class before its own.

    Parameters
    ----------
    base : type
        The base class, with a numpydoc docstring.
    doc : str
        The docstring.

    Returns
    -------
    doc : str
        The docstring, with the parameters of the base class instead of the entry
        `*args, **params`.
    """
    heading = "    Parameters\n    ----------\n"
    inherited = (base.__doc__ or "").partition(heading)[2].partition("\n\n")[0]
    before, _, rest = doc.partition("    *args, **params : object\n")
    own = rest.index("    client :")
    return f"{before}{inherited}\n{rest[own:]}"


if DaskFFNNClassifier.__doc__:  # python -OO has none
    DaskFFNNClassifier.__doc__ = with_parameters_of(
        FFNNClassifier, DaskFFNNClassifier.__doc__
    )
