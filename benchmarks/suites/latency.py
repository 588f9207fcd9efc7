"""Prediction of a single row, by input format."""

import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..fits import OURS, THEIRS
from ..measure import Bench, Spread, spread
from ..plots import grouped, legend, panels
from ..report import Table, seconds

TABULAR, BARE = "make_tabular_classifier", "the same without trees"
MODELS = [OURS, THEIRS, TABULAR, BARE]
ONNX = "onnxruntime"
# Input formats, and the libraries that they need.
FORMS = {"NumPy": (), "pandas": ("pandas",), "polars": ("polars",)}
FORMS |= {ONNX: (ONNX, "skl2onnx")}

TRAINING_ROWS, CALLS = 2000, 10
QUICK_ROWS, QUICK_CALLS = 200, 3
# The length of training does not matter for predictions.
SHORT = {"max_iter": 3, "n_jobs": 1, "random_state": 0}


def run(bench: Bench) -> Any:
    """Time every model with a row in every format, interleaved in one process."""
    sizes = {"n_rows": TRAINING_ROWS, "calls": CALLS}
    if bench.quick:
        sizes = {"n_rows": QUICK_ROWS, "calls": QUICK_CALLS}
    forms = [form for form, needs in FORMS.items() if all(map(find_spec, needs))]
    calls = {
        f"{model}, {form}": {"peer": OURS, "model": model, "form": form, **sizes}
        for model in MODELS
        for form in forms
    }
    runs = bench.in_turn("latency", timed_calls, calls, warm_up={"calls": 2})
    return [
        {"model": calls[name]["model"], "form": calls[name]["form"], **figures}
        for name, figures in runs.items()
    ]


def table_of(model: str, n_rows: int) -> tuple[Any, Any]:
    """Return a table of 30 numbers, or of 6 numbers and 8 strings, and two classes."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((n_rows, 30))
    y = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + rng.standard_normal(n_rows) > 0
    if model in (OURS, THEIRS):
        return numbers, y
    strings = rng.choice([f"category {k}" for k in range(12)], (n_rows, 8))
    return np.column_stack([numbers[:, :6].astype(object), strings]), y


def in_form(X: Any, form: str) -> Any:
    """Return a table in one of the formats in `FORMS`."""
    names = [f"c{j}" for j in range(X.shape[1])]
    if form == "pandas":
        from pandas import DataFrame

        return DataFrame(X, columns=names).infer_objects()
    if form == "polars":
        from polars import DataFrame as PolarsFrame

        return PolarsFrame(X.tolist(), schema=names, orient="row")
    return X


@cache
def fitted(model: str, form: str, n_rows: int) -> Any:
    """Return a trained pipeline."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from skffnn import FFNNClassifier, make_tabular_classifier

    X, y = table_of(model, n_rows)
    pipelines = {
        OURS: make_pipeline(StandardScaler(), FFNNClassifier(max_iter=20)),
        THEIRS: make_pipeline(StandardScaler(), MLPClassifier(max_iter=20)),
        TABULAR: make_tabular_classifier(**SHORT),
        BARE: make_tabular_classifier(boosting=False, **SHORT),
    }
    return pipelines[model].fit(in_form(X, form), y)


@cache
def call_of(model: str, form: str, n_rows: int) -> Callable[[], Any]:
    """Return a function that predicts the probabilities of a row."""
    X, _ = table_of(model, n_rows)
    row = in_form(X, form)[:1]
    if form != ONNX:
        trained = fitted(model, form, n_rows)
        return lambda: trained.predict_proba(row)

    import onnxruntime
    import skl2onnx

    import skffnn.onnx

    skffnn.onnx.register()
    trained, options = fitted(model, "NumPy", n_rows), {"zipmap": False}
    if model in (OURS, THEIRS):
        graph = skl2onnx.to_onnx(trained, row, options=options)
        inputs = {"X": row}
    else:
        types = skffnn.onnx.initial_types(X)
        graph = skl2onnx.to_onnx(trained, initial_types=types, options=options)
        inputs = skffnn.onnx.inputs(row, types)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return lambda: session.run(None, inputs)


def timed_calls(
    peer: str, model: str, form: str, n_rows: int, calls: int, seed: int
) -> dict[str, float]:
    """Return the mean time of some calls; `peer` and `seed` are not used."""
    call = call_of(model, form, n_rows)
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return {"seconds": (time.perf_counter() - start) / calls}


def tables(result: Any) -> list[Table]:
    """Return one table, with a row for each model."""
    forms = list(dict.fromkeys(entry["form"] for entry in result))
    found = {(e["model"], e["form"]): min(e["seconds"]) for e in result}
    cells = [
        [model, *(seconds(found[model, form]) for form in forms)] for model in MODELS
    ]
    title = "Probabilities of one row, fastest round"
    return [Table(title, ["model", *forms], cells)]


def fastest(times: list[float]) -> Spread:
    """Return the shortest time and the median; other programs only add to the time."""
    return Spread(min(times), min(times), spread(times).median)


def plot(result: Any) -> Any:
    """Draw the times."""
    figure, axes = panels(1, 1, 3)
    forms = dict.fromkeys(entry["form"] for entry in result)
    series = {
        form: [fastest(e["seconds"]) for e in result if e["form"] == form]
        for form in forms
    }
    grouped(axes[0, 0], MODELS, series)
    axes[0, 0].set_xlabel("seconds")
    legend(figure, axes[0, 0])
    return figure
