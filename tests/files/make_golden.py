"""Write the golden files: `python tests/files/make_golden.py`, once for a release.

Each file has another one beside it, with rows and the predictions of the model.
"""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skffnn

FOLDER = Path(__file__).parent / "golden"
RNG = np.random.default_rng(0)
N = 60
NUMBERS = RNG.standard_normal((N, 3)).round(3)
CLASSES = np.digitize(NUMBERS[:, 0], [-0.5, 0.5])
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
COLOURS = np.where(NUMBERS[:, 1] > 0, "red", "blue")
TABLE = [
    [x if i % 7 else None, colour, datetime(2020 + i % 5, 1 + i % 12, 3)]
    for i, (x, colour) in enumerate(zip(NUMBERS[:, 0].tolist(), COLOURS, strict=True))
]
PAIRS = [[x, colour] for x, colour, _ in TABLE if x is not None]


def models():
    """Return fitted models, with rows, by name."""
    network = skffnn.FFNNClassifier(early_stopping=True, dropout=0.1, **SMALL)
    numbers = skffnn.FFNNRegressor("poisson", **SMALL)
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), [1]), (StandardScaler(), [0])
    )
    labels = CLASSES[[row[0] is not None for row in TABLE]]
    pairs = np.array(PAIRS, object)
    tabular = skffnn.make_tabular_classifier(n_networks=2, **SMALL)
    return {
        "network": (network.fit(NUMBERS, CLASSES), NUMBERS),
        "poisson": (numbers.fit(NUMBERS, np.exp(NUMBERS[:, 0])), NUMBERS),
        "columns": (make_pipeline(columns, network).fit(pairs, labels), pairs),
        "table": (tabular.fit(np.array(TABLE, object), CLASSES), TABLE),
    }


def main():
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, (model, rows) in models().items():
        rows = [list(row) for row in rows[:10]]
        skffnn.save(model, FOLDER / f"{name}.skffnn")
        content = {"X": rows, "predict": model.predict(np.array(rows, object)).tolist()}
        text = json.dumps(content, default=str)
        (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
