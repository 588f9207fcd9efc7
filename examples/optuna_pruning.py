"""
A search that gives up early: pruning with Optuna
=================================================

Most candidates of a search are worse than the best one, and this shows after a few
epochs. Optuna proposes hyperparameters close to those that did well before, and can
prune a trial, that is, stop it, when it falls behind the others. All it needs is the
score of each epoch, which a callback can report.

**How many epochs does pruning save, and does it cost accuracy?**

On handwritten digits, 40 trials take 660 epochs instead of 1070, and the best network
is the same.

Usage::

    pip install optuna
    python examples/optuna_pruning.py

It needs scikit-learn 1.9 or newer, and takes about ten seconds.
"""

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skffnn import FFNNClassifier

# %%
# The callback
# ------------
# It is called at the end of each epoch, with the model as it would be if training had
# ended there. It reports the last validation score to the trial. To prune the trial, it
# raises an exception that Optuna recognises, which ends training.


class Pruning:
    """Report the validation score of each epoch to a trial; stop if it is pruned."""

    def __init__(self, trial):
        self.trial = trial

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "epoch" or fitted_estimator is None:
            return
        self.trial.report(fitted_estimator.validation_scores_[-1], context.task_id)
        if self.trial.should_prune():
            raise optuna.TrialPruned


# %%
# The search
# ----------
# The search covers the learning rate, the penalty and the number of neurons. All trials
# use the same validation set.

X, y = load_digits(return_X_y=True)
X = X / 16  # pixels from 0 to 1
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(
    X_train, y_train, stratify=y_train, random_state=0
)
N_TRIALS, N_EPOCHS = 40, 30


def train(trial):
    """Train the network of a trial."""
    network = FFNNClassifier(
        (trial.suggest_int("neurons", 8, 128, log=True),),
        alpha=trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
        learning_rate_init=trial.suggest_float("rate", 1e-4, 1e-1, log=True),
        learning_rate="cosine",
        max_iter=N_EPOCHS,
        batch_size=64,
        random_state=0,
    )
    network.set_callbacks(Pruning(trial))
    return network.fit(X_train, y_train, X_val=X_val, y_val=y_val)


def objective(trial):
    """Return the validation score of the best epoch of a trial."""
    return train(trial).best_validation_score_


optuna.logging.set_verbosity(optuna.logging.WARNING)
pruners = {
    "none": optuna.pruners.NopPruner(),
    "median": optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
}

# %%
# The comparison
# --------------
# The median pruner stops a trial if its best score so far is below the median score of
# earlier trials at the same epoch. It does not prune the first five trials, nor the
# first two epochs of any trial.

print(f"{'pruner':8}  {'trials pruned':>13}  {'epochs':>6}  {'validation':>10}  test")
for name, pruner in pruners.items():
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=N_TRIALS)
    pruned = study.get_trials(states=[optuna.trial.TrialState.PRUNED])
    epochs = sum(len(trial.intermediate_values) for trial in study.trials)
    best = train(optuna.trial.FixedTrial(study.best_params))
    print(
        f"{name:8}  {len(pruned):13}  {epochs:6}  {study.best_value:10.1%}"
        f"  {best.score(X_test, y_test):.1%}"
    )

# sphinx_gallery_thumbnail_path = "_build/thumbnails/optuna_pruning.svg"
