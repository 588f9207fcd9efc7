"""GapImputer, compared with scikit-learn's imputer and indicator."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion
from sklearn.utils.estimator_checks import check_estimator

import skffnn
from skffnn import GapImputer, InvalidParameterError, RobustSmoothScaler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
X[RNG.random(X.shape) < 0.2] = np.nan
X[:, 2] = RNG.normal(size=50)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_is_the_union_of_two_of_scikit_learn(dtype):
    union = FeatureUnion(
        [
            ("fill", SimpleImputer(strategy="constant", fill_value=0)),
            ("gaps", MissingIndicator()),
        ],
        transformer_weights={"gaps": 0.3},
    )
    expected = union.fit_transform(X.astype(dtype))
    found = GapImputer().fit_transform(X.astype(dtype))
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert found.dtype == dtype


def test_after_scaling_it_fills_in_medians():
    scaled = RobustSmoothScaler().fit_transform(X)
    filled = GapImputer().fit_transform(scaled)
    medians = SimpleImputer(strategy="median").fit_transform(X)
    expected = RobustSmoothScaler().fit(X).transform(medians)
    np.testing.assert_allclose(filled[:, :4], expected, atol=1e-12)


def test_gaps_of_other_features_are_filled_without_a_column():
    imputer = GapImputer(fill_value=7, gap=-1).fit(X)
    np.testing.assert_array_equal(imputer.features_, [0, 1, 3])
    row = imputer.transform([[1.0, np.nan, np.nan, 4.0]])
    np.testing.assert_array_equal(row, [[1, 7, 7, 4, 0, -1, 0]])


def test_names():
    imputer = GapImputer().fit(X)
    names = ["x0", "x1", "x2", "x3", "x0_gap", "x1_gap", "x3_gap"]
    assert imputer.get_feature_names_out().tolist() == names
    pd = pytest.importorskip("pandas")
    imputer.fit(pd.DataFrame(X, columns=list("abcd")))
    assert imputer.get_feature_names_out()[-1] == "d_gap"
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        imputer.get_feature_names_out(list("abce"))


def test_wrong_input():
    for params in ({"gap": "a"}, {"fill_value": None}, {"gap": np.nan}):
        with pytest.raises(InvalidParameterError, match=next(iter(params))):
            GapImputer(**params).fit(X)
    with pytest.raises(ValueError, match="infinity"):
        GapImputer().fit([[np.inf]])
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        GapImputer().fit(csr_array(X))


def test_is_saved(tmp_path):
    model = skffnn.make_tabular_classifier(n_networks=2, max_iter=1).fit(X, X[:, 2] > 0)
    skffnn.save(model, tmp_path / "f")
    loaded = skffnn.load(tmp_path / "f")
    np.testing.assert_array_equal(loaded[2].features_, [0, 1, 3])


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings on purpose
def test_all_scikit_learn_checks_pass():
    results = check_estimator(GapImputer(), on_fail=None, on_skip=None)
    failed = {r["check_name"] for r in results if r["status"] != "passed"}
    assert failed <= {"check_array_api_input"}  # requires an environment variable
