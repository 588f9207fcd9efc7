"""The command `python -m benchmarks`."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from .fits import OURS, PEERS, missing
from .machine import THREAD_VARIABLES, machine, n_cores
from .measure import Bench, SkipError
from .report import publish, read, write
from .suites import SUITES

PROG = "python -m benchmarks"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog=PROG, description="Measure FFNNClassifier.")
    add = parser.add_argument
    names = ", ".join(SUITES)
    add("suites", nargs="*", metavar="SUITE", help=f"{names}; all by default")
    add("--repeats", type=int, default=5, help="rounds (default: 5)")
    add("--threads", type=int, default=n_cores(), help="default: all cores")
    add("--quick", action="store_true", help="tiny data and one round: a smoke test")
    add("--out", type=Path, default=Path("benchmarks/results"), metavar="DIR")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER")
    add("--data", type=Path, default=Path("mnist.npz"), metavar="NPZ")
    add("--plot-only", action="store_true", help="show earlier results")
    add("--page", type=Path, metavar="MD", help="also put tables and plots into a page")
    args = parser.parse_args(argv)
    for name in args.suites:
        if name not in SUITES:
            parser.error(f"no suite {name!r}; choose from {names}")
    if min(args.repeats, args.threads) < 1:
        parser.error("--repeats and --threads must be at least 1")
    if args.quick:
        args.repeats = 1
    return args


def taking_part(peers: Iterable[str], console: Console) -> list[str]:
    """Return the peers whose libraries are installed, FFNNClassifier first."""
    result = [OURS]
    for peer in PEERS:
        if peer in peers and peer != OURS:
            if libraries := missing(peer):
                names = " and ".join(libraries)
                console.print(f"{peer} is left out: {names} is not installed")
            else:
                result.append(peer)
    return result


def measure(args: argparse.Namespace, console: Console) -> None:
    """Run the suites, and publish each when it is done."""
    for name in THREAD_VARIABLES:  # inherited by the processes started below
        os.environ[name] = str(args.threads)
    peers = taking_part(args.peers, console)
    with (
        console.status("starting", refresh_per_second=1) as status,
        Bench(peers, args.repeats, args.quick, args.data, status.update) as bench,
    ):
        for name in args.suites or SUITES:
            try:
                result = SUITES[name].run(bench)
            except SkipError as reason:
                console.print(f"{name} is skipped: {reason}")
                continue
            entry = {
                "machine": machine(),
                "repeats": args.repeats,
                "quick": args.quick,
                "result": result,
            }
            write(args.out, read(args.out) | {name: entry})
            publish(name, SUITES[name], read(args.out)[name], args.out, args.page)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    status : int
        0, or 130 after Ctrl-C.
    """
    args, console = parse_args(argv), Console(stderr=True)
    try:
        if not args.plot_only:
            measure(args, console)
            return 0
        for name, entry in read(args.out).items():
            if not args.suites or name in args.suites:
                publish(name, SUITES[name], entry, args.out, args.page)
    except KeyboardInterrupt:
        console.print(f"{PROG}: interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
