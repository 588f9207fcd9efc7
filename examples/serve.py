"""
Serve a saved model over HTTP
=============================

An application of `FastAPI <https://fastapi.tiangolo.com>`_ that answers with the
probability of each class for rows of a table. It loads a file of `skffnn.save`, which
runs no code, or an ONNX graph if the name of the file ends in ``.onnx``::

    pip install fastapi uvicorn polars skffnn
    MODEL=model.skffnn uvicorn --app-dir examples --factory serve:application
    curl localhost:8000/predict --json '[{"age": 39, "education": "Bachelors"}]'

A row is an object of names and values; a value that is missing is ``null``, or left out
altogether. Graphs take all columns, with the names that ``initial_types`` gave them.
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
    """Return the probabilities of rows, by a file of `skffnn.save`."""
    import polars as pl

    import skffnn

    model: Any = skffnn.load(path)
    names = list(model.feature_names_in_)

    def predict(rows: Rows) -> list[list[float]]:
        columns = {name: [row.get(name) for row in rows] for name in names}
        return model.predict_proba(pl.DataFrame(columns, strict=False)).tolist()

    return predict


def of_graph(path: str) -> Predict:
    """Return the probabilities of rows, by an ONNX graph with an input per column."""
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
    """Return the application; the file is that of the variable MODEL by default."""
    path = os.environ["MODEL"] if path is None else path
    predict = (of_graph if path.endswith(".onnx") else of_estimator)(path)
    app = FastAPI()

    # A row takes less time than handing it to a thread would.
    @app.post("/predict")
    async def probabilities(rows: Rows) -> list[list[float]]:
        try:
            return predict(rows)
        except ValueError as error:  # a cell is no number, or infinite
            raise HTTPException(422, str(error)) from error

    return app
