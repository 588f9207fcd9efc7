"""With any file and arguments, the command runs or prints a one-line error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from skffnn import __main__ as command

CELLS = st.text("ab,1.\"'\n;é\x00-∞", max_size=6)


@pytest.mark.long
@given(
    header=st.lists(st.text("abcy ", min_size=1, max_size=3), max_size=4),
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=12),
    noise=st.binary(max_size=5),
)
def test_any_csv_file_is_a_table_or_one_line(header, rows, noise, tmp_path):
    pytest.importorskip("pandas")
    path = tmp_path / "f.csv"
    lines = [",".join(row) for row in [[*header, "y"], *rows]]
    path.write_bytes("\n".join(lines).encode() + noise)
    try:
        problem = command.table(path, "y")
    except command.InputError as error:
        assert len(str(error)) > 5
    else:
        X = problem.preprocessing.fit_transform(problem.X)
        assert X.shape[0] == len(problem.y)
        assert np.isfinite(X.data if sparse.issparse(X) else X).all()
        assert len(np.unique(problem.y)) == len(problem.classes)


WORDS = st.text(max_size=5) | st.sampled_from(
    ["--csv", "--target", "--max-iter", "--folds", "--seed", "0", "-1", "1e9", "--"]
)


@pytest.mark.long
@given(arguments=st.lists(WORDS, min_size=1, max_size=5))
def test_any_arguments_are_understood_or_refused(arguments, capsys):
    try:
        args = command.parse_args(arguments)
    except command.InputError as error:
        assert "\n" not in " ".join(str(error).split())
    except SystemExit as stop:  # --help
        assert stop.code == 0
    else:
        assert args.max_iter >= 1
    capsys.readouterr()
