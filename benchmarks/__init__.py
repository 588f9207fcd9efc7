"""Speed, memory and accuracy of FFNNClassifier beside its peers.

Run it with `python -m benchmarks`; `python -m benchmarks --help` lists the suites and
the options. Times are medians of runs that the peers take in turn, each in a process
of its own, and a ratio is the median of the ratios of the runs of one round.

    workloads           what is learned: synthetic data, and how a network is set
    peers, torch_peers  who learns it
    machine, measure    versions; processes, turns, medians, peak memory
    fits                fits of the peers, timed
    suites              a module each: `run` measures, `tables` and `plot` show
    report, plots       tables, JSON and Markdown; SVG
"""
