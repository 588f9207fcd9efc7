"""
Experiment tracking: a logger for MLflow
========================================

MLflow stores the parameters, curves and scores of experiments, and shows them in a
browser. Its autologging covers only scikit-learn's own estimators. A callback can log
any fit of a network.

**How do you write a callback that logs each fit of a grid search?**

The script fits six networks and prints what MLflow has stored about them. To see it in
a browser, run ``mlflow server --backend-store-uri sqlite:///mlflow.db``.

Usage::

    pip install mlflow
    python examples/mlflow_tracking.py

It needs scikit-learn 1.9 or newer, and writes to the file ``mlflow.db``.
"""

import mlflow
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skffnn import FFNNClassifier

# %%
# The callback
# ------------
# Each fit becomes an MLflow run. It logs the parameters at the start, the loss of each
# epoch, the validation score if there is a validation set, and the score on the
# training rows at the end. A fit that fails is marked as failed. Inside another run, it
# becomes a nested run.


class MLflowLogger:
    """Log each fit to its own run."""

    def setup(self, estimator, context):
        self.status = "FAILED"  # unless training finishes
        mlflow.start_run(nested=True)
        mlflow.log_params(estimator.get_params())

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, fitted_estimator=None
    ):
        if fitted_estimator is None:
            return
        if context.task_name == "fit":
            mlflow.log_metric("training_score", fitted_estimator.score(X, y))
            self.status = "FINISHED"
            return
        metrics = {"loss": fitted_estimator.loss_}
        if fitted_estimator.validation_scores_:
            metrics["validation_score"] = fitted_estimator.validation_scores_[-1]
        mlflow.log_metrics(metrics, step=fitted_estimator.n_iter_)

    def teardown(self, estimator, context):
        mlflow.end_run(self.status)


# %%
# Logging a grid search
# ---------------------
# The callback is set on the network, and each copy of the network has it too. The outer
# run logs the result of the search, which the callback does not know.


def main():
    """Run the search and print what was logged."""
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("digits")
    X, y = load_digits(return_X_y=True)
    network = FFNNClassifier((32,), max_iter=20, learning_rate="cosine", random_state=0)
    pipeline = make_pipeline(StandardScaler(), network.set_callbacks(MLflowLogger()))
    grid = {"ffnnclassifier__learning_rate_init": [0.0001, 0.001, 0.01]}
    with mlflow.start_run() as search_run:
        search = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, y)
        mlflow.log_metric("best_score", search.best_score_)

    inside = f"tags.`mlflow.parentRunId` = '{search_run.info.run_id}'"
    runs = mlflow.search_runs(filter_string=inside, output_format="list")
    print("rate    status    epochs  first loss  last loss  training score")
    for run in reversed(runs):
        losses = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
        print(
            f"{run.data.params['learning_rate_init']:6}  {run.info.status}"
            f"  {len(losses):6}  {losses[0].value:10.3f}  {losses[-1].value:9.3f}"
            f"  {run.data.metrics['training_score']:14.1%}"
        )


if __name__ == "__main__":
    main()

# sphinx_gallery_thumbnail_path = "_build/thumbnails/mlflow_tracking.svg"
