"""Networks trained as a stack: time per network by size of the stack."""

import time
from typing import Any

from threadpoolctl import threadpool_limits

from ..fits import OURS, prepared
from ..measure import Bench, ratio
from ..plots import INK, SHADES, panels
from ..report import Table, times
from ..workloads import Problem, load

# rows, features and classes; hidden layers; batch size; epochs
SHAPES: list[tuple[tuple[int, int, int], tuple[int, ...], int, int]] = [
    ((500, 4, 3), (10,), 32, 20),
    ((1797, 64, 10), (32,), 32, 5),
    ((1797, 64, 10), (100,), 200, 10),
    ((3000, 30, 3), (100,), 200, 5),
    ((20000, 30, 2), (32,), 200, 2),
    ((3000, 60, 2), (256, 256), 256, 2),
]
MEMBERS = [2, 4, 8, 16, 32, 64]
ALONE = "alone"
MARKERS = "os^Dv*"


def run(bench: Bench) -> Any:
    """Time networks alone and in stacks, on one thread."""
    shapes, members = (SHAPES[:1], [2, 4]) if bench.quick else (SHAPES, MEMBERS)
    result = {}
    for shape, hidden, batch, epochs in shapes:
        calls = {
            str(m or ALONE): {
                "peer": OURS,
                "problem": Problem(*shape),
                "hidden": hidden,
                "batch": batch,
                "epochs": epochs,
                "members": m,
            }
            for m in [0, *members]
        }
        name = f"{' x '.join(map(str, shape[:2]))}, {shape[2]}, {hidden}, {batch}"
        runs = bench.in_turn(f"stack, {name}", timed, calls, warm_up={"epochs": 1})
        result[name] = {"n": members_that_are_stacked(shape, hidden, batch), **runs}
    return result


def trainings_of(
    problem: Problem, hidden: Any, batch: int, epochs: int, members: int, seed: int
) -> list[Any]:
    """Return the trainings of networks on the same rows, before the first epoch."""
    from skffnn import FFNNClassifier

    X, y, _, _ = load(problem)
    networks = [
        FFNNClassifier(
            hidden,
            batch_size=batch,
            max_iter=epochs,
            learning_rate="cosine",
            random_state=seed + m,
            dtype="float32",
        )
        for m in range(members)
    ]
    return [prepared(network, X, y) for network in networks]


def timed(peer: str, members: int, seed: int, **kwargs: Any) -> dict[str, float]:
    """Return the time per network; 0 members stand for one network alone."""
    from skffnn.optim.descent import run

    assert peer == OURS
    trainings = trainings_of(members=members or 1, seed=seed, **kwargs)
    with threadpool_limits(1):
        start = time.perf_counter()
        run(trainings)
        elapsed = time.perf_counter() - start
    return {"seconds": elapsed / len(trainings)}


def members_that_are_stacked(shape: Any, hidden: Any, batch: int) -> int:
    """Return how many networks the package would put into one stack at most."""
    from skffnn.parallel import WIDTH, n_worthwhile

    (training,) = trainings_of(Problem(*shape), hidden, batch, 1, 1, 0)
    return min(WIDTH, n_worthwhile(training))


def tables(result: Any) -> list[Table]:
    """Return one table, with one row for each shape."""
    members = [m for m in next(iter(result.values())) if m not in ("n", ALONE)]
    rows = [
        [
            name,
            *(times(ratio(r[ALONE]["seconds"], r[m]["seconds"])) for m in members),
            str(r["n"]),
        ]
        for name, r in result.items()
    ]
    columns = ["network", *(f"M = {m}" for m in members), "M used at most"]
    return [Table("Time alone / time per network in a stack of M", columns, rows)]


def plot(result: Any) -> Any:
    """Plot the speed-up against the number of members."""
    figure, axes = panels(1, 1, 3.8)
    ax = axes[0, 0]
    looks = zip(SHADES, MARKERS, strict=True)
    for (name, r), (shade, marker) in zip(result.items(), looks, strict=False):
        members = [m for m in r if m not in ("n", ALONE)]
        gain = [ratio(r[ALONE]["seconds"], r[m]["seconds"]).median for m in members]
        look = {"color": shade, "marker": marker, "label": name}
        ax.plot([int(m) for m in members], gain, **look)
    ax.axhline(1, color=INK, linewidth=0.8)
    ax.set(xscale="log", yscale="log")
    ticks = [2**i for i in range(1, 7)]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    ax.minorticks_off()
    ax.set_xlabel("networks in the stack, M")
    ax.set_ylabel("time alone / in the stack")
    ax.legend(loc="upper left", fontsize="small")
    return figure
