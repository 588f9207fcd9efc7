"""Listeners: a line for each epoch, a progress bar, or nothing."""

import copy
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from skffnn import SOLVERS, AveragedClassifier, FFNNClassifier
from skffnn.fitting.listeners import Lines, Listener, Tally, columns, reporter
from skffnn.nn.activations import LeakyReLU
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
    with reporter(2, max_iter=10, done=4) as report:
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


def test_the_kinds_by_verbose():
    assert type(reporter(False, 1)) is Listener
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

    def on_epoch_end(self, epoch, fit):
        self.epochs.append(epoch)
        self.fitted.append(copy.deepcopy(fit.fitted()))

    def on_fit_end(self, fit):
        self.ended += 1


@pytest.fixture
def journal(monkeypatch):
    """Return a listener for the next fit only."""
    listener, whole = Journal(), FFNNClassifier._listeners

    def listeners(*args):
        return [*whole(*args), *([] if listener.entered else [listener])]

    monkeypatch.setattr(FFNNClassifier, "_listeners", listeners)
    return listener


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_state_is_at_rest_at_the_end_of_an_epoch(solver, early_stopping, journal):
    params = {"solver": solver, "early_stopping": early_stopping, "dropout": 0.1}
    model = fit(**params, max_iter=5)
    assert [epoch.number for epoch in journal.epochs] == [1, 2, 3, 4, 5]
    assert [epoch.loss for epoch in journal.epochs] == model.loss_curve_
    assert journal.entered == journal.left == journal.ended == 1
    for n, fitted in enumerate(journal.fitted, start=1):
        shorter = fit(**params, max_iter=n)
        assert fitted["n_iter_"] == n
        for name in ("coefs_", "intercepts_"):
            for a, b in zip(fitted[name], getattr(shorter, name), strict=True):
                np.testing.assert_array_equal(a, b)
        assert fitted["loss_curve_"] == shorter.loss_curve_
        # The stopping criterion and the random streams are up to date too.
        for name in ("reference", "epochs_without_improvement", "dropout_rng"):
            assert fitted["_state"][name] == shorter._state[name]


def test_a_listener_is_left_when_training_fails(journal):
    with pytest.raises(ValueError, match="diverged"):
        fit(solver="sgd", learning_rate_init=1e30)
    assert journal.entered == journal.left == 1
    assert journal.ended == 0


def test_epochs_of_several_fits_are_counted_from_other_processes(capsys):
    pytest.importorskip("rich")
    network = FFNNClassifier((3,), max_iter=4, early_stopping=False)
    for stacked in (True, False):
        network.set_params(activation="tanh" if stacked else LeakyReLU(0.1))
        model = AveragedClassifier(network, n_networks=3, n_jobs=2, verbose=1)
        model.fit(X, y)
        err = capsys.readouterr().err
        assert "3 of 3 fits, 12 of 12 epochs" in err
        assert all("_listeners" not in vars(net) for net in model.estimators_)
    model.set_params(verbose=0).fit(X, y)
    assert capsys.readouterr().err == ""


def test_epochs_that_a_fit_does_not_need_are_counted_at_its_end(tmp_path):
    path = tmp_path / "epochs"
    tally = Tally(str(path), max_iter=10)
    for n in range(1, 4):
        tally.on_epoch_end(Epoch(n, 0.5), SimpleNamespace(n_iter=n))
        assert path.stat().st_size == n
    tally.on_fit_end(SimpleNamespace(n_iter=3))
    assert path.stat().st_size == 10
    elsewhere = Tally(str(tmp_path / "on another machine" / "epochs"), max_iter=10)
    elsewhere.on_epoch_end(Epoch(1, 0.5), SimpleNamespace(n_iter=1))
