"""Any CSV file is a table, or an error that the command prints on one line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skffnn import __main__ as command
from skffnn import make_tabular_classifier

CELLS = st.text("ab,1.\"'\n;é\x00-∞", max_size=6)


@pytest.mark.long
@given(
    header=st.lists(st.text("abcy ", min_size=1, max_size=3), max_size=4),
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=12),
    noise=st.binary(max_size=5),
)
@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")
def test_any_csv_file_is_a_table_or_an_error(header, rows, noise, tmp_path):
    pytest.importorskip("pandas")
    path = tmp_path / "f.csv"
    lines = [",".join(row) for row in [[*header, "y"], *rows]]
    path.write_bytes("\n".join(lines).encode() + noise)
    try:
        X, y = command.table(str(path), "y")
        encoded = make_tabular_classifier()[:-1].fit_transform(X, y)
    except ValueError as error:
        assert len(str(error)) > 5
    else:
        assert len(encoded) == len(y)
        assert np.isfinite(encoded).all()
