// Search ranks the page that explains a word above its entry in the glossary, and the
// guide above the reference and the gallery. Sphinx documents the fields of a Scorer.
var Scorer = {
  score: ([page, , , , score, , kind]) => {
    if (page === "glossary" && kind === "index") return Math.min(score, 10);
    if (/^(api|auto_examples)\//.test(page) && kind === "text") return score / 4;
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
