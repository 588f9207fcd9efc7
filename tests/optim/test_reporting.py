"""Verbose training: a line for each epoch, a progress bar, or nothing."""

import re
import sys

import numpy as np
import pytest

from skffnn import FFNNClassifier
from skffnn.optim.reporting import Epoch, Lines, Reporter, reporter

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])

# Digits that are printed: six of a loss, four decimals of a score, three of a rate.
PRINTED = {"loss": 1e-5, "validation loss": 1e-5, "score": 1e-3, "learning rate": 1e-2}


def fit(**params):
    params = {"max_iter": 12, "random_state": 0, "batch_size": 20} | params
    return FFNNClassifier((5,), **params).fit(X, y)


def numbers(lines, name):
    """Return the number that follows a name in each line."""
    pattern = rf"(?:^|  ){name} +(\S+)"
    return [float(re.search(pattern, line)[1]) for line in lines]


@pytest.mark.parametrize("verbose", [1, True, np.True_])
def test_each_epoch_has_a_line_with_what_was_recorded(verbose, capsys):
    model = fit(verbose=verbose, early_stopping=True, learning_rate="cosine")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ > 1
    assert numbers(lines, "Iteration") == [*range(1, model.n_iter_ + 1)]
    rates = [
        0.001 * (1 + np.cos(np.pi * epoch / 12)) / 2 for epoch in range(model.n_iter_)
    ]
    for name, values in {
        "loss": model.loss_curve_,
        "validation loss": model.validation_loss_curve_,
        "score": model.validation_scores_,
        "learning rate": rates,
    }.items():
        np.testing.assert_allclose(numbers(lines, name), values, rtol=PRINTED[name])
    seconds = [float(re.fullmatch(r".* (\d+\.\d\d) s", line)[1]) for line in lines]
    assert seconds == sorted(seconds)


def test_columns_are_aligned(capsys):
    fit(verbose=1, early_stopping=True, learning_rate="one_cycle", scoring="loss")
    lines = capsys.readouterr().out.splitlines()
    for name in ("loss", "validation", "score", "learning", " s"):
        assert len({line.index(name) for line in lines}) == 1


@pytest.mark.parametrize("loss", [1e-12, 1 / 3, 12345.678, 1e30])
def test_numbers_of_any_size_are_as_wide(loss):
    usual = Epoch(1, 0.5, 1e-3, 0.5, 0.5).columns()
    assert len(Epoch(1, loss, 1e-9, loss, -0.5).columns()) == len(usual)


def test_missing_values_are_not_printed(capsys):
    fit(verbose=1, solver="lbfgs")
    out = capsys.readouterr().out
    assert "loss" in out
    for name in ("validation", "score", "learning rate"):
        assert name not in out


def test_epochs_count_on_in_training_that_goes_on(capsys):
    model = fit(verbose=1, max_iter=2, warm_start=True).fit(X, y)
    model.partial_fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert numbers(lines, "Iteration") == [1, 2, 3, 4, 5]


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
    assert f"{model.n_iter_} of 12 epochs" in captured.err
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
    with reporter(2, max_iter=10, done=4) as report:
        report.epoch(Epoch(5, 0.25))
    assert "5 of 10 epochs" in capsys.readouterr().err


def test_a_stream_has_no_bars_of_one_epoch(capsys):
    model = fit(max_iter=2).set_params(verbose=2)
    model.partial_fit(X, y)
    captured = capsys.readouterr()
    assert captured.out.startswith("Iteration     3  loss")
    assert captured.err == ""


def test_the_kinds_by_verbose():
    assert type(reporter(False, 1)) is Reporter
    assert type(reporter(True, 1)) is Lines


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
    assert "https://scikit-learn.org" not in html  # it has no page on this class
    assert "Fitted" in model.set_params(max_iter=1).fit(X, y)._repr_html_()
