"""Accuracy of the tabular classifier compared with its peers, on real tables.

Run it with `python -m benchmarks.accuracy --data-dir DIR`. Each `NAME.csv.gz` in the
folder is one table: a header, features, and the class in the last column, `target`.

    tables      reads the tables and splits them
    fetch       downloads them from OpenML, a separate command
    models      the models to compare
    scores      error, log loss, AUC, calibration error
    results     a file with one line for each fit, so that a run can be resumed
    comparison  ratios, wins, paired tests
    regression  the same for means and prediction intervals, a separate command
"""
