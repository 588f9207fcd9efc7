"""Speed and memory of FFNNClassifier compared with its peers.

Run it with `python -m benchmarks`; `python -m benchmarks --help` lists the suites and
the options. The peers run in turn, each in its own process. Times are medians over the
rounds, and a ratio is the median of the ratios within each round.

    workloads           synthetic data, and the settings of the networks
    peers, torch_peers  the libraries to compare, behind one interface
    machine, measure    versions; processes, rounds, medians, peak memory
    fits                timed fits of the peers
    suites              one module each: `run` measures, `tables` and `plot` show
    report, plots       tables, JSON and Markdown; SVG
"""
