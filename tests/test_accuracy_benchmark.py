"""The benchmark on tables: splits, scores computed by hand, a resumed run."""

import json

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("rich")

from sklearn.utils import Bunch  # noqa: E402

from benchmarks.accuracy import __main__ as command  # noqa: E402
from benchmarks.accuracy import fetch, regression  # noqa: E402
from benchmarks.accuracy.comparison import Comparison, sign_of_difference  # noqa: E402
from benchmarks.accuracy.models import ABLATION, MODELS, available  # noqa: E402
from benchmarks.accuracy.results import Fit, Results  # noqa: E402
from benchmarks.accuracy.scores import calibration_error, scores  # noqa: E402
from benchmarks.accuracy.tables import names, nominal, read, split  # noqa: E402

N_ROWS = 120


@pytest.fixture
def folder(tmp_path):
    """Write two tables: one with columns of every kind, and a numeric one."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, N_ROWS))
    mixed = pd.DataFrame(
        {
            "x": np.where(rng.random(N_ROWS) < 0.1, np.nan, x),
            "z": z,
            "colour": np.where(x > 0, "red", "blue"),
            "id": np.arange(N_ROWS) % 7,
            "target": np.where(x + z / 4 > 0, "yes", "no"),
        }
    )
    mixed.loc[::9, "colour"] = None
    mixed.to_csv(tmp_path / "mixed.csv.gz", index=False)
    numbers = pd.DataFrame({"x": x, "z": z, "target": rng.integers(3, size=N_ROWS)})
    numbers.to_csv(tmp_path / "numbers.csv.gz", index=False)
    return tmp_path


def test_tables_are_read_as_they_are(folder):
    assert names(folder) == ["mixed", "numbers"]
    X, y = read(folder, "mixed")
    assert list(X) == ["x", "z", "colour", "id"]
    assert nominal(X) == ["colour"]
    assert set(y) == {0, 1}


def test_test_rows_are_never_trained_on_and_do_not_depend_on_the_training_rows(folder):
    X, y = read(folder, "numbers")
    few, all_rows = split(X, y, 3, 40), split(X, y, 3, None)
    assert len(few.X) == 40
    assert len(all_rows.X) + len(all_rows.X_test) == N_ROWS
    assert not set(all_rows.X.index) & set(all_rows.X_test.index)
    assert set(few.X.index) <= set(all_rows.X.index)
    assert list(few.X_test.index) == list(all_rows.X_test.index)
    for part, labels in ((few.y, 40), (few.y_test, N_ROWS / 4)):
        expected = np.bincount(y) / N_ROWS * labels
        assert (np.abs(np.bincount(part) - expected) <= 1).all()


def test_scores_by_hand():
    f = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7], [0.1, 0.9]])
    y = np.array([0, 0, 1, 1])
    by_hand = scores(y, f)
    assert by_hand["error"] == 0.25
    expected = -np.log([0.8, 0.4, 0.7, 0.9]).mean()
    assert by_hand["log_loss"] == pytest.approx(expected)
    assert by_hand["auc"] == 1  # 0.7 and 0.9 are greater than 0.2 and 0.6
    # Each row is alone in its bin: the distances are 0.2, 0.6, 0.3 and 0.1.
    assert by_hand["calibration"] == pytest.approx(1.2 / 4)


def test_rows_in_one_bin_make_up_for_each_other():
    # Three out of four are correct, and the confidence is 0.75.
    f, y = np.tile([0.75, 0.25], (4, 1)), np.array([0, 0, 0, 1])
    assert calibration_error(y, f) == pytest.approx(0)


def filled(path, figures):
    """Return results of two models on tables, with one value for each seed."""
    results = Results(path)
    for (model, table), values in figures.items():
        for seed, error in enumerate(values):
            results.add(Fit(table, 100, seed, model), {"error": error})
    return results


def test_comparison_by_hand(tmp_path):
    results = filled(
        tmp_path / "r.jsonl",
        {
            ("A", "one"): [0.09, 0.19, 0.14],
            ("B", "one"): [0.29, 0.39, 0.34],
            ("A", "two"): [0.19, 0.09, 0.05],
            ("B", "two"): [0.09, 0.19, 0.05],
        },
    )
    comparison = Comparison(results, 100, ["A", "B"])
    assert comparison.seeds == {"one": [0, 1, 2], "two": [0, 1, 2]}
    # (0.14 + 0.01) / (0.34 + 0.01), and equal means.
    assert comparison.overall("A", "B", "error") == pytest.approx((0.15 / 0.35) ** 0.5)
    assert comparison.record("A", "B", "error") == (1, 1, 0)
    assert comparison.record("B", "A", "error") == (0, 1, 1)
    assert comparison.worst_gap("B", "A", "error") == (pytest.approx(0.2), "one")
    # They differ on only one table, where either sign is equally likely.
    assert comparison.p_value("A", "B", "error") == 1


def test_p_value_of_tables_that_all_fall_on_one_side(tmp_path):
    figures = {
        (m, str(i)): [x + i / 100]
        for i in range(5)
        for m, x in [("A", 0.1), ("B", 0.2)]
    }
    comparison = Comparison(filled(tmp_path / "r.jsonl", figures), 100, ["A", "B"])
    # Two of the 2⁵ choices of signs are at least as extreme.
    assert comparison.p_value("A", "B", "error") == pytest.approx(2 / 32)


def test_only_what_all_have_is_compared(tmp_path):
    results = filled(
        tmp_path / "r.jsonl", {("A", "one"): [0.1, 0.2], ("B", "one"): [0.1]}
    )
    assert Comparison(results, 100, ["A", "B"]).seeds == {"one": [0]}
    assert Comparison(results, None, ["A", "B"]).seeds == {}


def test_only_models_that_were_measured_on_as_many_rows_are_shown(folder, capsys):
    out = folder / "results.jsonl"
    options = ["--data-dir", str(folder), "--out", str(out), "--seeds", "1"]
    some = ["--models", "MLPClassifier", "LogisticRegression"]
    assert command.main([*options, "--rows", "60", *some]) == 0
    capsys.readouterr()
    assert command.main([*options, "--all-rows", *some[:2]]) == 0
    assert command.main([*options, "--all-rows", "--report-only"]) == 0
    shown = capsys.readouterr().out
    assert "all training rows, 2 tables, 1 split" in shown
    assert "LogisticRegression" not in shown


@pytest.mark.parametrize(
    ("a", "b", "sign"),
    [
        ([1.0, 2.0, 3.0], [2.0, 3.1, 4.0], -1),
        ([2.0, 3.1, 4.0], [1.0, 2.0, 3.0], 1),
        ([1.0, 2.0, 3.0], [2.0, 1.0, 3.0], 0),
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([1.0, 2.0], [0.5, 1.5], 1),
        ([1.0], [2.0], 0),  # one pair is not evidence
    ],
)
def test_sign_of_a_paired_difference(a, b, sign):
    assert sign_of_difference(a, b) == sign


def test_results_survive_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "r.jsonl"
    filled(path, {("A", "one"): [0.1, 0.2]})
    path.write_text(path.read_text()[:-5])
    results = Results(path)
    assert list(results) == [Fit("one", 100, 0, "A")]
    results.add(Fit("one", 100, 1, "A"), {"error": 0.3})
    assert Results(path)[Fit("one", 100, 1, "A")] == {"error": 0.3}


def test_the_command_goes_on_where_it_stopped(folder, capsys, monkeypatch):
    out = folder / "results.jsonl"
    options = ["--data-dir", str(folder), "--out", str(out), "--seeds", "1"]
    options += ["--rows", "60", "--models", "MLPClassifier", "LogisticRegression"]
    assert command.main([*options, "--tables", "numbers"]) == 0
    before = out.read_text("utf-8")
    assert command.main(options) == 0
    after = out.read_text("utf-8")
    assert after.startswith(before)
    lines = [json.loads(line) for line in after.splitlines()]
    done = [(line["table"], line["model"]) for line in lines]
    assert len(done) == len(set(done)) == 4
    assert "Ratios to MLPClassifier" in capsys.readouterr().out

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", interrupt)
    assert command.main([*options, "--seeds", "2"]) == 130
    assert command.main([*options, "--report-only"]) == 0  # without any measurement


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:batch_size:UserWarning")  # a small table
@pytest.mark.parametrize("name", [*available(MODELS), *ABLATION])
def test_every_model_takes_a_raw_table(folder, name):
    X, y = read(folder, "mixed")
    model = MODELS.get(name, ABLATION.get(name))(X, 0, n_threads=1)
    epochs = [p for p in model.get_params() if p.endswith("max_iter")]
    if "classifier" in model.get_params():
        model.set_params(**dict.fromkeys(epochs, 2))
    model.fit(X, y)
    assert model.predict_proba(X).shape == (N_ROWS, 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:batch_size:UserWarning")  # a small table
def test_regressors_are_compared(folder, capsys, monkeypatch):
    quick = {
        name: lambda X, seed, n, make=make: make(X, seed, n).set_params(
            regressor__estimator__max_iter=1, regressor__n_networks=2
        )
        for name, make in [
            ("means", regression.MEANS),
            ("intervals", regression.INTERVALS),
        ]
        for make in [make[regression.OURS]]
    }
    means = {regression.OURS: quick["means"]} | {
        name: regression.MEANS[name] for name in (regression.BASE, regression.BOOSTING)
    }
    intervals = {
        regression.OURS: quick["intervals"],
        regression.BOOSTING: regression.INTERVALS[regression.BOOSTING],
    }
    monkeypatch.setattr(regression, "KINDS", {"mean": means, "interval": intervals})
    out = folder / "results.jsonl"
    options = ["--data-dir", str(folder), "--out", str(out), "--seeds", "1"]
    options += ["--rows", "60", "--tables", "diabetes", "mixed"]
    assert regression.main(options) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(lines) == 2 * (3 + 2)
    assert all(line["rmse"] > 0 for line in lines if line["model"].startswith("mean"))
    assert all(0 <= line.get("coverage", 0) <= 1 for line in lines)
    shown = capsys.readouterr().out
    assert "Ratios to MLPRegressor" in shown
    assert "coverage (target 90 %)" in shown
    assert regression.main([*options, "--report-only"]) == 0


def test_the_last_column_of_many_numbers_is_predicted(folder):
    X, _ = read(folder, "mixed")
    assert regression.target_of(X) == "z"  # "id" has seven values
    features, y = regression.rows_of("mixed", folder)
    assert list(features) == ["x", "colour", "id"]
    np.testing.assert_array_equal(y, X["z"])
    assert regression.target_of(X[["colour", "id"]]) is None


# ----------------------------------------------------------------------- the tables


def test_tables_are_fetched_once(tmp_path, monkeypatch):
    calls = []

    def answered(data_id, **_):
        calls.append(data_id)
        X = pd.DataFrame({"x": range(1000), "colour": ["red", None] * 500})
        return Bunch(data=X, target=pd.Series(["good", "bad"] * 500))

    monkeypatch.setattr(fetch, "fetch_openml", answered)
    args = ["--data-dir", str(tmp_path), "--tables", "german"]
    assert fetch.main(args) == fetch.main(args) == 0
    assert calls == [fetch.SOURCES["german"].data_id]
    X, y = read(tmp_path, "german")
    assert X.shape == (1000, 2)
    assert nominal(X) == ["colour"]
    assert X["colour"].isna().sum() == 500
    np.testing.assert_array_equal(y, [1, 0] * 500)


def test_another_data_set_than_expected_is_refused(tmp_path, monkeypatch):
    few = Bunch(data=pd.DataFrame({"x": [1.0, 2.0]}), target=pd.Series([0, 1]))
    monkeypatch.setattr(fetch, "fetch_openml", lambda **_: few)
    with pytest.raises(ValueError, match="letter should have 20000 rows"):
        fetch.main(["--data-dir", str(tmp_path), "--tables", "letter"])
    assert not list(tmp_path.iterdir())
