"""Accuracy of the tabular classifier beside its peers, on real tables.

Run it with `python -m benchmarks.accuracy --data-dir DIR`, where each `NAME.csv.gz` of
the folder is one table: a header, features, and the class in the last column, `target`.

    tables      reads the tables, and splits them
    fetch       gets them from OpenML, a command of its own
    models      who learns
    scores      error, log loss, AUC, calibration error
    results     what was measured, a line for each fit, so that a run can be resumed
    comparison  ratios, wins, paired tests
    regression  the same for numbers and intervals, a command of its own
"""
