"""Files made to do harm, with right checksums, are refused or harmless."""

import json
import os
import random
import struct
import sys
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import pytest
from files_of_models import (
    CATEGORIES,
    GRID,
    MODELS,
    NETWORK,
    WORDS,
    X,
    Y,
)
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skffnn
from skffnn import FFNNClassifier, FileFormatError
from skffnn.files.format import TAG, TAGS, pack, read
from skffnn.files.format import write as write_chunks
from skffnn.files.objects import MODULES


@dataclass
class Node:
    """An object in a file: its name and its content."""

    name: Any
    content: Any


def packed(value):
    """Return the chunks of a content, whose nodes are objects that they name."""
    if type(value) is Node:
        tag, parts = b"x", [value.name, value.content]
    elif type(value) is dict:
        tag, parts = b"d", [*chain.from_iterable(value.items())]
    elif type(value) in TAGS:
        tag, parts = TAGS[type(value)], value
    else:
        return pack(value)
    chunks = chain.from_iterable(packed(part) for part in parts)
    return [TAG.pack(tag, len(parts)), *chunks]


def nodes_of(model, path):
    """Return the content of the file of a model, with nodes for objects."""
    skffnn.save(model, path)
    return read(path, Node)


def write(content, path):
    """Write such a content with a right checksum."""
    write_chunks(path, packed(content))


def forged(model, path, change):
    """Write the file of a model after a change of its parameters and attributes."""
    content = nodes_of(model, path)
    change(*content[2].content)
    write(content, path)


def array(*items, dtype="<f8"):
    """Return the node of an array."""
    data = np.array(items, dtype)
    return Node("ndarray", (dtype, data.shape, False, (), memoryview(data.tobytes())))


def test_a_forger_that_changes_nothing_is_believed(tmp_path):
    forged(StandardScaler().fit(X), tmp_path / "f", lambda params, attributes: None)
    skffnn.load(tmp_path / "f")


TREES = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=5).fit(X, Y)
ONE_HOT = OneHotEncoder().fit(CATEGORIES)
GROUPED = OneHotEncoder(max_categories=2).fit(CATEGORIES)
COUNTS = CountVectorizer().fit(WORDS)
FITTED = clone(NETWORK).fit(X, Y)
SEARCH = GridSearchCV(NETWORK, GRID)


def put(value, *keys):
    """Return a change that sets a parameter, or an attribute if there is such a one."""

    def change(params, attributes):
        content = attributes if keys[0] in attributes else params
        for key in keys[:-1]:
            content = content[key]
            content = content.content if type(content) is Node else content
        content[keys[-1]] = value

    return change


def field(name, value):
    """Return a change of a field of the root of the first tree."""

    def change(_, attributes):
        _, nodes = attributes["_predictors"][0][0].content
        text, shape, _, _, data = nodes["nodes"].content
        new = np.frombuffer(bytes(data), TREES._predictors[0][0].nodes.dtype).copy()
        new[0][name] = value
        nodes["nodes"].content = (text, shape, False, (), memoryview(new.view("u1")))

    return change


def masked(node):
    """Return the node of the same array, masked, so that a check may see nothing."""
    shape = node.content[1]
    mask = Node("ndarray", ("|b1", shape, False, (), memoryview(b"\1" * prod(shape))))
    return Node("MaskedArray", (node, mask))


def masked_tree(_, attributes):
    """Hide a tree whose children are not there."""
    field("right", 10**6)(_, attributes)
    _, nodes = attributes["_predictors"][0][0].content
    nodes["nodes"] = masked(nodes["nodes"])


ADDRESS = {"data": (8, False), "shape": (9,), "typestr": "<f8", "version": 3}

HARMFUL = {
    "an address of memory": (
        StandardScaler().fit(X),
        put(Node("Bunch", {"__array_interface__": ADDRESS}), "mean_"),
    ),
    "a masked tree": (TREES, masked_tree),
    "masked numbers in no order": (
        OneHotEncoder().fit([[1.0], [5.0]]),
        put([masked(array(5.0, 1.0))], "categories_"),
    ),
    "a masked category that is dropped": (
        ONE_HOT,
        put(masked(array(-9, 0, 0, dtype="<i8")), "_drop_idx_after_grouping"),
    ),
    "columns that are no list": (
        ONE_HOT,
        lambda params, attributes: attributes.update(
            _n_features_outs=Node(
                "ndarray", ("|O", (3,), 0, (), attributes["_n_features_outs"])
            )
        ),
    ),
    "a parameter that is set in each fit": (
        BaggingClassifier(NETWORK),
        lambda params, attributes: attributes.update(
            estimator_params=("checkpoint",), checkpoint="/tmp/run"
        ),
    ),
    "processes of a function": (
        FunctionTransformer(),
        lambda params, attributes: params.update(
            func=Node("named", "mutual_info_classif"), kw_args={"n_jobs": 40}
        ),
    ),
    "another validation of parameters": (
        TREES,
        lambda params, attributes: attributes.update(_parameter_constraints={}),
    ),
    "a checkpoint": (FITTED, put("/tmp/run", "checkpoint")),
    "a checkpoint as an attribute": (
        FITTED,
        lambda params, attributes: attributes.update(checkpoint="/tmp/run"),
    ),
    "a cache": (Pipeline([("a", StandardScaler())]), put("/tmp/cache", "memory")),
    "forty processes": (FeatureUnion([("a", StandardScaler())]), put(40, "n_jobs")),
    "a grid of checkpoints": (SEARCH, put({"checkpoint": ["/tmp/run"]}, "param_grid")),
    "a grid of another kind": (
        SEARCH,
        put(Node("Bunch", {"checkpoint": ["/tmp/run"]}), "param_grid"),
    ),
    "a method": (
        FITTED,
        lambda params, attributes: attributes.update(predict="x"),
    ),
    "a dunder": (
        FITTED,
        lambda params, attributes: attributes.update(__class__="x"),
    ),
    "another class": (
        Pipeline([("a", StandardScaler())]),
        put([("a", Node("Popen", ({}, {})))], "steps"),
    ),
    "a function": (
        FunctionTransformer(),
        put(Node("named", "system"), "func"),
    ),
    "a child before its parent": (TREES, field("left", 0)),
    "a child that is not there": (TREES, field("right", 10**6)),
    "a feature that is not there": (TREES, field("feature_idx", 3)),
    "a categorical split": (TREES, field("is_categorical", 1)),
    "binned rows": (
        TREES,
        lambda params, attributes: attributes.update(_in_fit=True),
    ),
    "rows that nobody checks": (
        TREES,
        lambda params, attributes: attributes.update(
            _preprocessor=Node("FunctionTransformer", ({}, {}))
        ),
    ),
    "a category without a column": (ONE_HOT, put([1, 1, 1], "_n_features_outs")),
    "a number in no order": (
        ONE_HOT,
        put([array(5.0, 1.0), array(1.0), array(2.0)], "categories_"),
    ),
    "a group that is not there": (
        GROUPED,
        put(array(9, 9, 9, 9, 9, dtype="<i8"), "_default_to_infrequent_mappings", 2),
    ),
    "a word without a column": (COUNTS, put({"a": 0, "b": 10**6}, "vocabulary_")),
    "rows that are names of files": (COUNTS, put("filename", "input")),
    "parameters without a vector": (
        FITTED,
        lambda params, attributes: attributes.update(
            a_=Node("Parameters", ((10**6, 10**6), None))
        ),
    ),
}
ARRAYS = {
    "of a size that is not there": ("<f8", (10**12,), False, (), memoryview(b"")),
    "with too few items": ("<f8", (1,), False, (), memoryview(bytes(16))),
    "of a negative size": ("<f8", (-1,), False, (), memoryview(bytes(8))),
    "of nothing each": ("<U0", (10**12,), False, (), memoryview(b"")),
    "of addresses": ("|O", (1,), False, (), memoryview(bytes(8))),
    "of invalid text": ("<U1", (1,), False, (), memoryview(b"\xff" * 4)),
    "of a huge type": ("<f8,(1000000000,)f8", (0,), False, (), memoryview(b"")),
    "of code": ("__import__('os')", (0,), False, (), memoryview(b"")),
}
OBJECTS = {
    "a random state out of its buffer": Node(
        "RandomState",
        {
            "bit_generator": "MT19937",
            "state": {"key": array(*range(624), dtype="<u4"), "pos": 10**6},
            "has_gauss": 0,
            "gauss": 0.0,
        },
    ),
    "a generator out of its buffer": Node(
        "Generator",
        {
            "bit_generator": "Philox",
            "state": {
                "counter": array(0, 0, 0, 0, dtype="<u8"),
                "key": array(0, 0, dtype="<u8"),
            },
            "buffer": array(0, 0, 0, 0, dtype="<u8"),
            "buffer_pos": 10**6,
            "has_uint32": 0,
            "uinteger": 0,
        },
    ),
    "a bit generator that is another function": Node(
        "RandomState", {"bit_generator": "seed", "state": {}}
    ),
    "a spline without knots": Node("BSpline", (array(0.0), array(0.0), 9, True, 0)),
    "a spline of too few coefficients": Node(
        "BSpline", (array(*range(9)), array(0.0), 3, True, 0)
    ),
    "a distribution that is a function": Node(
        "rv_continuous_frozen", ("bootstrap", (), {})
    ),
    **{f"an array {name}": Node("ndarray", parts) for name, parts in ARRAYS.items()},
}
for name, node in OBJECTS.items():
    HARMFUL[name] = (FunctionTransformer(), put({"a": node}, "kw_args"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", HARMFUL)
def test_what_would_do_harm_is_refused_without_memory(name, tmp_path):
    model, change = HARMFUL[name]
    forged(model, tmp_path / "f", change)
    tracemalloc.start()
    with pytest.raises(FileFormatError, match=str(tmp_path / "f")):
        skffnn.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


HEADS = {
    "an endless list": b"l" + struct.pack("<Q", 2**62),
    "a text longer than the file": b"s" + struct.pack("<Q", 2**62),
    "a dict without end": b"d" + struct.pack("<Q", 2**63),
    "lists in lists": (b"l" + struct.pack("<Q", 1)) * 100_000,
    "an unknown tag": b"?" + struct.pack("<Q", 0),
    "no tag": b"l",
    "no estimator": b"N" + struct.pack("<Q", 0),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HEADS)
def test_lengths_are_not_believed(name, tmp_path):
    write_chunks(tmp_path / "f", [HEADS[name]])
    with pytest.raises(FileFormatError):
        skffnn.load(tmp_path / "f")
    write_chunks(tmp_path / "f", [b"t", struct.pack("<Q", 3), HEADS[name]])
    with pytest.raises(FileFormatError):
        skffnn.load(tmp_path / "f")


def test_what_is_more_than_a_value_is_refused(tmp_path):
    skffnn.save(FITTED, tmp_path / "f")
    write_chunks(tmp_path / "f", [*pack(({}, None, FITTED)), b"N", bytes(8)])
    with pytest.raises(FileFormatError, match="something follows"):
        skffnn.load(tmp_path / "f")


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_many_small_values_take_a_small_multiple_of_the_file(kind, tmp_path):
    n = 5_000
    values = {
        list: [[] for _ in range(n)],
        tuple: tuple((i,) for i in range(n)),
        dict: {str(i): None for i in range(n)},
    }
    skffnn.save(FunctionTransformer(kw_args=values[kind]), tmp_path / "f")
    size = os.path.getsize(tmp_path / "f")
    tracemalloc.start()
    skffnn.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * size


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", MODULES)
def test_many_small_objects_take_a_small_multiple_of_the_file(name, tmp_path):
    content = {"Bunch": {}, "MaskedArray": (1, 0)}.get(name, ({}, {}))
    steps = {"steps": [Node(name, content)] * 300}
    write(({}, None, Node("Pipeline", (steps, {}))), tmp_path / "f")
    tracemalloc.start()
    with suppress(FileFormatError):  # it has too few parts
        skffnn.load(tmp_path / "f")
        tracemalloc.reset_peak()  # the first time imports modules
        skffnn.load(tmp_path / "f")
    peak = tracemalloc.get_traced_memory()[1] - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert peak < 30 * os.path.getsize(tmp_path / "f")


# ------------------------------------------------------ anything, in any place, limited


def odd_values():
    """Return values that are wrong in most places, new ones each time."""
    return [
        None,
        True,
        -1,
        0,
        10**12,
        2**63,
        -(10**30),
        1e308,
        float("nan"),
        "",
        "x",
        [],
        {},
        (),
        [[]],
        {"a": 1},
        "FFNNClassifier",
        array(),
        array(1.0, -1.0),
        array(10**9, dtype="<i8"),
        Node("FFNNClassifier", ({}, {})),
        Node("StandardScaler", ({}, {})),
        Node("ndarray", ("<f8", (0, 10**15), False, (), memoryview(b""))),
    ]


def places(value):
    """Yield (container, key) for each place in a content, those in nodes too."""
    if type(value) is Node:
        value.content = listed(value.content)
        yield value, "content"
        yield from places(value.content)
    elif isinstance(value, list | dict):
        for key in list(value) if type(value) is dict else range(len(value)):
            value[key] = listed(value[key])
            yield value, key
            yield from places(value[key])


def listed(value):
    """Return a tuple as a list, so that its items can be replaced."""
    return Tuple(value) if type(value) is tuple else value


class Tuple(list):
    """A tuple whose items can be replaced."""


def frozen(value):
    """Return a content with tuples again."""
    if type(value) is Node:
        return Node(value.name, frozen(value.content))
    if type(value) is dict:
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [frozen(item) for item in value]
        return tuple(items) if type(value) is Tuple else items
    return value


def fitted(model, rows, y):
    """Return a fitted clone."""
    return clone(model).fit(*([rows] if y is None else [rows, y]))


LIMITED = """
import json, os, resource, signal, sys, time, warnings
import numpy as np, skffnn
import sklearn.calibration, sklearn.compose, sklearn.decomposition, sklearn.multiclass
import sklearn.feature_extraction.text, sklearn.multioutput, scipy.stats
from threadpoolctl import threadpool_limits
threadpool_limits(1)
warnings.simplefilter("ignore")
folder, seconds, mib = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + mib * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
def over(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, over)
counts = {"loaded": 0, "refused": 0, "odd": []}
for name in sorted(os.listdir(folder)):
    print(name, file=sys.stderr, flush=True)
    path = os.path.join(folder, name)
    start = time.perf_counter()
    try:
        model = skffnn.load(path)
        counts["loaded"] += 1
    except skffnn.FileFormatError:
        counts["refused"] += 1
        model = None
    except BaseException as error:
        counts["odd"].append([name, repr(error)])
        model = None
    if time.perf_counter() - start > seconds:
        counts["odd"].append([name, "slow"])
    for rows in (np.ones((2, 3)), np.array([[0.0, 1.0, 2.0]]), ["word1 of", "memory"]):
        for method in ("predict", "transform", "predict_proba"):
            signal.setitimer(signal.ITIMER_REAL, 2.0)
            try:  # it may fail, but must not crash
                getattr(getattr(model, method)(rows), "toarray", list)()
            except (Exception, TimeoutError):
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
print(json.dumps(counts))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of memory")
@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_anything_in_any_place_is_refused_or_harmless(part, tmp_path, python):
    """Values are replaced in files of all classes, which load in a limited process."""
    draw = random.Random(0)
    (tmp_path / "files").mkdir()
    models = [fitted(*case) for case in MODELS.values()]
    n = 0
    for _ in range(max(3, int(part * 40))):
        for model in models:
            content = Tuple(nodes_of(model, tmp_path / "f"))
            for _ in range(draw.choice([1, 1, 2])):
                container, key = draw.choice([*places(content)])
                odd = draw.choice(odd_values())
                if type(container) is Node:
                    container.content = odd
                else:
                    container[key] = odd
            write(frozen(content), tmp_path / "files" / f"{n:05}")
            n += 1
    done = python(LIMITED, tmp_path / "files", 10, 256)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert counts["odd"] == []
    assert counts["loaded"] > n / 20
    assert counts["refused"] > n / 20


@pytest.mark.filterwarnings("ignore")
def test_what_exhausted_the_machine(tmp_path):
    """Features that are only claimed cost nothing, and a file never costs time."""
    for name, model, change in [
        ("imputer", SimpleImputer().fit(X), put(10**12, "n_features_in_")),
        ("trees", TREES, put(10**12, "n_features_in_")),
        ("network", FITTED, put(10**12, "n_features_in_")),
        ("pipeline", Pipeline([("a", FFNNClassifier())]), put([], "steps")),
    ]:
        forged(model, tmp_path / name, change)
        tracemalloc.start()
        skffnn.load(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**23
        tracemalloc.stop()
