// Search ranks the page that explains a word above its entry in the glossary, and the
// guide above the reference, the gallery and logs. A name, such as learning_rate_init, is
// looked up in the reference first. Sphinx documents the fields of a Scorer.
const isName = /[_.]/.test(new URLSearchParams(location.search).get("q"));
const isDetail = /^(api|auto_examples)\/|^(benchmarks|changelog|contributing|tabular_trials)$/;
var Scorer = {
  score: ([page, , , , score, , kind]) => {
    if (isName && page.startsWith("api/")) return score * 4;
    if (page === "glossary" && kind === "index") return Math.min(score, 10);
    if (isDetail.test(page) && kind === "text") return score / 4;
    return score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
