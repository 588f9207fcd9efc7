"""Listeners: a line for each epoch, a progress bar, or nothing."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import assert_same

from skffnn import SOLVERS, FFNNClassifier
from skffnn.fitted import Fitted
from skffnn.fitting.listeners import Bar, Lines, Listener, columns, reporters
from skffnn.optim.training import Epoch

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])

# Precision of the output: four digits of a loss, four decimals of a score, two digits
# of a learning rate.
PRINTED = {"loss": 1e-3, "val": 1e-3, "score": 1e-3, "rate": 5e-2}


def fit(**params):
    params = {"max_iter": 12, "random_state": 0, "batch_size": 20} | params
    return FFNNClassifier((5,), **params).fit(X, y)


def numbers(lines, name):
    """Return the number after a name in each line."""
    pattern = rf"(?:^|  ){name} +(\S+)"
    return [float(re.search(pattern, line)[1]) for line in lines]


@pytest.mark.parametrize("verbose", [1, True, np.True_])
def test_each_epoch_has_a_line_with_what_was_recorded(verbose, capsys):
    model = fit(verbose=verbose, early_stopping=True, learning_rate="cosine")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ > 1
    assert numbers(lines, "Epoch") == [*range(1, model.n_iter_ + 1)]
    rates = [
        0.001 * (1 + np.cos(np.pi * epoch / 12)) / 2 for epoch in range(model.n_iter_)
    ]
    for name, values in {
        "loss": model.loss_curve_,
        "val": model.validation_loss_curve_,
        "score": model.validation_scores_,
        "rate": rates,
    }.items():
        np.testing.assert_allclose(numbers(lines, name), values, rtol=PRINTED[name])
    seconds = [float(re.fullmatch(r".* (\d+\.\d) s", line)[1]) for line in lines]
    assert seconds == sorted(seconds)
    assert max(map(len, lines)) <= 80


def test_columns_are_aligned(capsys):
    fit(verbose=1, early_stopping=True, learning_rate="one_cycle", scoring="loss")
    lines = capsys.readouterr().out.splitlines()
    for name in ("loss", "val", "score", "rate", " s"):
        assert len({line.index(name) for line in lines}) == 1


@pytest.mark.parametrize("loss", [1e-12, 1 / 3, 12345.678, 1e30])
def test_numbers_of_any_size_are_as_wide(loss):
    usual = columns(Epoch(1, 0.5, 1e-3, 0.5, 0.5))
    assert len(columns(Epoch(1, loss, 1e-9, loss, -0.5))) == len(usual)


def test_missing_values_are_not_printed(capsys):
    fit(verbose=1, solver="lbfgs")
    out = capsys.readouterr().out
    assert "loss" in out
    for name in ("val", "score", "rate"):
        assert name not in out


def test_epochs_count_on_in_training_that_goes_on(capsys):
    model = fit(verbose=1, max_iter=2, warm_start=True).fit(X, y)
    model.partial_fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert numbers(lines, "Epoch") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("verbose", [0, False])
def test_silence_is_the_default(verbose, capsys):
    assert FFNNClassifier().verbose is False
    fit(verbose=verbose)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("verbose", [2, 5])
def test_a_progress_bar_goes_as_far_as_training(verbose, capsys):
    pytest.importorskip("rich")
    model = fit(verbose=verbose, early_stopping=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "of 12 epochs" in captured.err
    assert f"loss {model.loss_:#.4g}" in captured.err
    assert f"score {model.validation_scores_[-1]:.4f}" in captured.err


def test_a_bar_stops_where_training_fails(monkeypatch, capsys):
    progress = pytest.importorskip("rich.progress")
    stopped = []
    stop = progress.Progress.stop
    monkeypatch.setattr(
        progress.Progress, "stop", lambda bar: stopped.append(bar) or stop(bar)
    )
    with pytest.raises(ValueError, match="Training diverged"):
        fit(verbose=2, solver="sgd", learning_rate_init=1e30)
    assert len(stopped) == 1


def test_without_rich_there_are_lines_and_a_warning(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.warns(UserWarning, match=r"needs the library rich.*pip install rich"):
        fit(verbose=2, max_iter=3)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_bar_that_goes_on_starts_where_it_was(capsys):
    pytest.importorskip("rich")
    with Bar(max_iter=10, done=4) as report:
        report.on_epoch_end(Epoch(5, 0.25), SimpleNamespace(n_iter=5))
    assert "5 of 10 epochs" in capsys.readouterr().err


def test_a_bar_says_that_training_stopped_early(capsys):
    pytest.importorskip("rich")
    model = fit(verbose=2, tol=1e3, n_iter_no_change=2, max_iter=2000)
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"{model.n_iter_} epochs, stopped early" in last
    assert "2000" not in last


def test_a_stream_has_no_bars_of_one_epoch(capsys):
    model = fit(max_iter=2).set_params(verbose=2)
    model.partial_fit(X, y)
    captured = capsys.readouterr()
    assert captured.out.startswith("Epoch    3  loss")
    assert captured.err == ""


@pytest.mark.parametrize(
    ("verbose", "kinds"), [(False, []), (0, []), (True, [Lines]), (1, [Lines])]
)
def test_the_kinds_by_verbose(verbose, kinds):
    assert [type(reporter) for reporter in reporters(verbose, 5)] == kinds


@pytest.mark.parametrize("verbose", [1, 2])
def test_verbosity_does_not_change_training(verbose):
    pytest.importorskip("rich")
    for W, V in zip(fit(verbose=verbose).coefs_, fit().coefs_, strict=True):
        np.testing.assert_array_equal(W, V)


def test_the_html_repr_has_parameters_and_no_dead_link():
    model = FFNNClassifier((7, 5), alpha=0.25, activation="tanh")
    html = model._repr_html_()
    assert "FFNNClassifier" in html
    assert "0.25" in html
    assert "Not fitted" in html
    assert "https://scikit-learn.org" not in html  # it has no page for this class
    assert "Fitted" in model.set_params(max_iter=1).fit(X, y)._repr_html_()


class Journal(Listener):
    """Records what the fit would return if it ended at each epoch."""

    def __init__(self):
        self.entered, self.left, self.ended = 0, 0, 0
        self.epochs, self.fitted = [], []

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, *error):
        self.left += 1

    def on_epoch_end(self, epoch, training):
        self.epochs.append(epoch)
        self.fitted.append(Fitted.from_training(training))

    def on_fit_end(self, training):
        self.ended += 1


class Listening(FFNNClassifier):
    """A classifier with a listener of its own."""

    journal = None

    def _listeners(self, plan, n_iter=0):
        return [*super()._listeners(plan, n_iter), self.journal]


def listening(journal, **params):
    """Fit a classifier with a listener."""
    model = Listening((5,), random_state=0, batch_size=20, **params)
    model.journal = journal
    return model.fit(X, y)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_at_the_end_of_an_epoch_a_listener_can_have_the_network(solver, early_stopping):
    params = {"solver": solver, "early_stopping": early_stopping, "dropout": 0.1}
    journal = Journal()
    model = listening(journal, **params, max_iter=5)
    assert [epoch.number for epoch in journal.epochs] == [1, 2, 3, 4, 5]
    assert [epoch.loss for epoch in journal.epochs] == model.loss_curve_
    assert journal.entered == journal.left == journal.ended == 1
    for n, fitted in enumerate(journal.fitted, start=1):
        shorter = fit(**params, max_iter=n)
        # The parameters, curves, random streams and all that continues training.
        then = FFNNClassifier((5,))
        then.fitted_ = fitted
        assert_same(then, shorter)


def test_a_listener_ends_training():
    class Third(Journal):
        def on_epoch_end(self, epoch, training):
            super().on_epoch_end(epoch, training)
            if training.n_iter == 3:
                training.stop()

    journal = Third()
    assert_same(listening(journal, max_iter=9), fit(max_iter=3))
    assert journal.ended == journal.left == 1


def test_a_listener_is_left_when_training_fails():
    journal = Journal()
    with pytest.raises(ValueError, match="diverged"):
        listening(journal, solver="sgd", learning_rate_init=1e30)
    assert journal.entered == journal.left == 1
    assert journal.ended == 0


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_error_of_a_listener_is_raised(solver, epoch):
    class Failing(Journal):
        def on_epoch_end(self, epoch_, training):
            if training.n_iter == epoch:
                raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        listening(Failing(), solver=solver, max_iter=3)
