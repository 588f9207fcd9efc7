"""ONNX graphs of models, run with onnxruntime."""

import pytest


@pytest.fixture(scope="session")
def serve():
    """Return a function that converts a model and runs it on rows.

    The rows are a matrix, or a table if `types` is given.
    """
    import onnxruntime
    import skl2onnx

    import skffnn.onnx

    skffnn.onnx.register()

    def run(model, X, types=None, **settings):
        if hasattr(model, "predict_proba"):
            settings.setdefault("options", {"zipmap": False})
        example = X[:1] if types is None else None
        graph = skl2onnx.to_onnx(model, example, initial_types=types, **settings)
        session = onnxruntime.InferenceSession(
            graph.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        given = {"X": X} if types is None else skffnn.onnx.inputs(X, types)
        return session.run(None, given)

    return run
