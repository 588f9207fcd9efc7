"""
Serve a saved model over HTTP
=============================

A `FastAPI <https://fastapi.tiangolo.com>`_ application that returns the probability of
each class for rows of a table. It loads a file written by `skffnn.save`, which runs no
code, or an ONNX graph if the file name ends in ``.onnx``::

    pip install fastapi uvicorn polars skffnn
    MODEL=model.skffnn uvicorn --app-dir examples --factory serve:application
    curl localhost:8000/predict --json '[{"age": 39, "education": "Bachelors"}]'

A row is an object of names and values; a missing value is ``null`` or is left out. For
a graph, the names are those returned by ``initial_types``.
"""

import os
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import Field

Row = dict[str, bool | int | float | str | None]
Rows = Annotated[list[Row], Field(min_length=1)]
Predict = Callable[[Rows], list[list[float]]]


def of_estimator(path: str) -> Predict:
    """Return a function that predicts with a model saved by `skffnn.save`."""
    import polars as pl

    import skffnn

    model: Any = skffnn.load(path)
    names = list(model.feature_names_in_)

    def predict(rows: Rows) -> list[list[float]]:
        columns = {name: [row.get(name) for row in rows] for name in names}
        return model.predict_proba(pl.DataFrame(columns, strict=False)).tolist()

    return predict


def of_graph(path: str) -> Predict:
    """Return a function that predicts with an ONNX graph with an input per column."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    inputs = {i.name: i.type == "tensor(string)" for i in session.get_inputs()}

    def column(rows: Rows, name: str, is_text: bool) -> Any:
        cells = [row.get(name) for row in rows]
        if is_text:
            text = ["" if cell is None else str(cell) for cell in cells]
            return np.array(text, dtype=object)[:, np.newaxis]
        return np.array(cells, dtype=np.float64)[:, np.newaxis]  # None becomes NaN

    def predict(rows: Rows) -> list[list[float]]:
        feed = {name: column(rows, name, text) for name, text in inputs.items()}
        return session.run(["probabilities"], feed)[0].tolist()

    return predict


def application(path: str | None = None) -> FastAPI:
    """Return the application for a model file, by default that in $MODEL."""
    path = os.environ["MODEL"] if path is None else path
    predict = (of_graph if path.endswith(".onnx") else of_estimator)(path)
    app = FastAPI()

    # Predicting a row takes less time than passing it to a thread.
    @app.post("/predict")
    async def probabilities(rows: Rows) -> list[list[float]]:
        try:
            return predict(rows)
        except ValueError as error:  # a cell is not a number, or is infinite
            raise HTTPException(422, str(error)) from error

    return app


# sphinx_gallery_thumbnail_path = "_build/thumbnails/serve.svg"
