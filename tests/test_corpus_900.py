"""The big corpus in small: what is planted in 900 days of 5,000 people is found, and nobody else is."""

import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.repeats

BENCH = Path(__file__).parent / "bench"
LINES = 60_000


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        import answer_900  # noqa: PLC0415 - lies beside the benchmark
        import corpus_900  # noqa: PLC0415 - as above

        yield corpus_900, answer_900
    for name in [
        one for one in sys.modules if one.startswith(("storyline", "corpus_900", "planted_900", "answer_900"))
    ]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def corpus(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    return folder, bench[0].write(folder, lines=LINES, jobs=2)


def test_the_corpus_has_the_size_that_was_asked_for(corpus):
    _, truth = corpus
    assert LINES <= truth["lines"] <= 2 * LINES
    assert len(truth["people"]) == 2 + 3 + 9 + 1 + 15
    assert len((corpus[0] / "people.csv").read_text().splitlines()) == 1 + 5000


def test_the_same_seed_gives_the_same_bytes(corpus, bench, tmp_path):
    folder, truth = corpus
    again = bench[0].write(tmp_path, lines=LINES, jobs=1)
    assert {**again, "seconds": 0} == {**truth, "seconds": 0}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path


def test_every_planted_person_is_found_and_nobody_else(corpus, bench):
    folder, truth = corpus
    figures = bench[1].measure(folder)
    assert (figures["missed"], figures["false"], figures["other"]) == ([], [], [])
    assert (figures["recall_people"], figures["verdict"]) == (1, "FOUND")
    assert figures["planted_people"] == len(truth["people"])


def test_every_planted_invitation_is_found(corpus, bench):
    folder, truth = corpus
    planted = bench[1].edges_of(truth)
    told = bench[1].edges_of(json.loads(bench[1].spread(folder).output))
    assert len(planted & told) >= 0.95 * len(planted)


def test_all_lines_are_read(corpus, bench):
    folder, truth = corpus
    totals = json.loads(bench[1].run("audit", folder / "logs", "-f", "json", "--no-progress").output)["totals"]
    assert (totals["lines"], totals["bytes"], totals["unparsed"]) == (truth["lines"], truth["bytes"], 0)
