"""The gate's mark fitted to questions: told held out, bounded by what may be lost, kept and forgotten."""

import json

import pytest

from brain.cli import DONE, FAILED, USAGE, main
from brain.evaluating.fitting import ANSWERABLE, UNANSWERABLE, Weighed, fit, starting, wanting
from brain.gating import UNKNOWN, Marks
from brain.store.gates import GATE, Gates, Kept
from tests.evaluating import tiny
from tests.evaluating.test_cli import run_json

PRESENT = Marks(0.40, 0.55, 0.68)
THINGS = (
    "kettle lantern compass violin telescope typewriter saddle barometer teapot abacus accordion anvil atlas bellows "
    "birdcage bobbin candlestick carousel clock drum easel flute globe hammock harp inkwell kite loom mandolin metronome "
    "mirror oar padlock pendulum quilt sextant sundial thimble trumpet anchor basket bucket cradle dagger fiddle goblet "
    "helmet ladle mallet paddle rattle scythe sickle spindle"
).split()
ODD = (
    "Quillfeather Brondelius Okonjuwe Strachwitza Vandermolle Tschirnau Pellegrotti Wexcombe Kjeldrup Zubrowsky".split()
)


def weighed(answerable: list[float], without: list[float], *, mark: float = 0.55) -> list[Weighed]:
    some = [(value, True) for value in answerable] + [(value, False) for value in without]
    return [Weighed(f"q{at}", good, value, value < mark) for at, (value, good) in enumerate(some)]


def spread(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * at / (count - 1) for at in range(count)]


def test_mark_goes_where_the_two_kinds_part():
    found = fit(weighed(spread(0.80, 1.2, 60), spread(0.2, 0.70, 40)), PRESENT, PRESENT)
    assert 0.70 < found.marks.enough <= 0.80
    assert (found.after["refusals_made"].mean, found.after["lost"].mean) == (1.0, 0.0)
    assert found.before["refusals_made"].mean < 0.8
    assert not found.is_tie
    assert found.marks.enough - found.marks.surely_not == pytest.approx(0.15)
    assert found.marks.surely - found.marks.enough == pytest.approx(0.13)


def test_no_more_answerable_questions_are_lost_than_allowed_whatever_refusing_would_gain():
    answerable, without = spread(0.3, 1.0, 100), spread(0.3, 0.6, 100)
    for most in (0.0, 0.05, 0.1, 0.3):
        found = fit(weighed(answerable, without), PRESENT, PRESENT, most_lost=most)
        assert sum(value < found.marks.enough for value in answerable) / 100 <= most
    assert fit(weighed(answerable, without), PRESENT, PRESENT, most_lost=0.0).after["lost"].mean <= 0.01


def test_figures_are_held_out():
    # One question a fold decides where the mark goes without loss: judged by the others' mark, it is lost.
    answerable = [0.5, *[0.9] * 59]
    found = fit(weighed(answerable, [0.495] * 10 + [0.7] * 30), PRESENT, PRESENT, most_lost=0.0)
    assert found.marks.enough == 0.5
    assert found.after["lost"].mean == pytest.approx(1 / 60)


def test_where_nothing_is_gained_the_mark_stays_and_it_is_a_tie():
    found = fit(weighed([0.9] * 60, [0.1] * 40), PRESENT, PRESENT)
    assert found.marks == PRESENT
    assert found.is_tie


def test_questions_the_mark_plays_no_part_in_stay_as_they_are():
    some = weighed([0.9] * 60, [0.1] * 40)
    some += [Weighed("none", True, None, True), Weighed("nothing", False, None, False)]
    found = fit(some, PRESENT, PRESENT)
    assert found.after["lost"].mean == pytest.approx(1 / 61)
    assert found.after["refusals_made"].mean == pytest.approx(40 / 41)


def test_too_few_questions_are_counted():
    assert wanting(weighed([0.9] * 10, [0.1] * 30)) == (ANSWERABLE - 10, 0)
    assert wanting(weighed([0.9] * 90, [0.1] * 3)) == (0, UNANSWERABLE - 3)
    with pytest.raises(ValueError, match="too few"):
        fit(weighed([0.9] * 90, [0.1] * 3), PRESENT, PRESENT)


def test_kept_marks_are_read_back_by_name_and_forgotten(tmp_path):
    file, kept = tmp_path / GATE, Kept(starting(0.62, 0.7), "2026-11-23", "notes", 60, 20)
    gates, beside = Gates(file), Gates(file)
    assert gates.marks("one@1") is None
    gates.keep("one@1", kept)
    assert (beside.marks("one@1"), beside.marks("other@1"), beside.marks(None)) == (kept.marks, None, None)
    assert beside.all() == {"one@1": kept}
    assert file.stat().st_mode & 0o777 == 0o600
    assert gates.forget() == ("one@1",)
    assert gates.forget() == ()
    assert beside.marks("one@1") is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"version": 9, "embedders": {}}',
        '{"version": 1, "embedders": {"a": {}}}',
        '{"version": 1, "embedders": {"a": {"surely_not": 0.9, "enough": 0.5, "surely": 0.7, "unrelated": 0, "made": "",'
        ' "set": "", "answerable": 1, "unanswerable": 1}}}',
        '{"version": 1, "embedders": {"a": {"surely_not": 0.4, "enough": NaN, "surely": 0.7, "unrelated": 0, "made": "",'
        ' "set": "", "answerable": 1, "unanswerable": 1}}}',
    ],
)
def test_a_file_of_another_make_counts_as_none(tmp_path, body):
    (tmp_path / GATE).write_text(body)
    assert Gates(tmp_path / GATE).all() == {}


@pytest.fixture
def folder(tmp_path):
    """A set with 52 things in as many documents, each asked for, and twenty questions about nobody."""
    documents = [(one, one.title(), f"The {one} was bought on market day {at}.") for at, one in enumerate(THINGS, 10)]
    asked = [
        {"_id": one, "text": f"When was the {one} bought?", "answers": [f"market day {at}"]}
        for at, one in enumerate(THINGS, 10)
    ]
    none = [
        {"_id": f"{one} {how}", "text": f"{how} {one} bought {one}stone?", "answerable": False}
        for one in ODD
        for how in ("When was", "How much was")
    ]
    return tiny.write(tmp_path / "things", documents=documents, questions=(), judgments=(), more=[*asked, *none])


def test_fit_tells_before_and_after_and_keeps_only_where_it_is_told_to(embedder, home, folder, capsys):
    assert main(["eval", "fit", str(folder)]) == DONE
    out = capsys.readouterr().out
    for said in (
        "before",
        "fitted, held out",
        "refusals right",
        "of unanswerable",
        "lost",
        "so far by words alone",
        "Nothing is kept",
    ):
        assert said in out
    assert not (home / GATE).exists()
    body = run_json(capsys, "eval", "fit", str(folder), "--keep")
    with pytest.raises(SystemExit):
        main(["eval", "fit", "--help"])
    text = capsys.readouterr().out
    assert all(f'"{key}"' in text for key in (*body, *body["questions"], *body["fitted"]))
    assert body["questions"] == {"answerable": len(THINGS), "unanswerable": 20}
    assert body["present"]["enough"] == UNKNOWN.enough
    assert body["after"]["lost"]["mean"] <= 0.1
    kept = Gates(home / GATE).marks(embedder.name)
    assert kept is not None
    assert kept.enough == body["fitted"]["enough"]
    assert run_json(capsys, "eval", "fit", str(folder))["present"] == body["fitted"]
    assert run_json(capsys, "eval", "fit", "--forget") == {"forgotten": [embedder.name]}
    assert run_json(capsys, "eval", "fit", "--forget") == {"forgotten": []}


def test_kept_marks_decide_what_is_refused_from_then_on(embedder, home, notes, answered, capsys):
    def refused(*flags: str) -> bool:
        main(["ask", "--quotes", "--json", *flags, "Whom does Tom ask for an offer for the roof?"])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return bool(next(line["abstained"] for line in lines if "abstained" in line))

    (told,) = (path for path in notes.rglob("*.md") if "roof" in path.read_text(encoding="utf-8").lower())
    assert not refused()
    assert not refused("--whole", str(told))
    Gates(home / GATE).keep(embedder.name, Kept(Marks(1.8, 1.9, 2.0), "2026-11-23", "notes", 60, 20))
    assert refused()
    assert refused("--whole", str(told))
    body = run_json(capsys, "eval", "run", str(answered), "--answers", "--models", "quotes")
    assert body["systems"]["quotes"]["lost"]["mean"] == 1.0
    Gates(home / GATE).forget()
    assert not refused()
    body = run_json(capsys, "eval", "run", str(answered), "--answers", "--models", "quotes")
    assert body["systems"]["quotes"]["lost"]["mean"] < 1.0


def test_marks_for_another_embedder_change_nothing(embedder, home, notes, capsys):
    Gates(home / GATE).keep("another@1", Kept(Marks(1.8, 1.9, 2.0), "2026-11-23", "notes", 60, 20))
    assert main(["ask", "--quotes", "Whom does Tom ask for an offer for the roof?"]) == DONE


def test_too_few_questions_are_refused_with_how_many_are_wanting(embedder, home, answered, capsys):
    assert main(["eval", "fit", str(answered), "--keep"]) == FAILED
    said = capsys.readouterr().err
    assert "needs 50 and 20" in said
    assert "46 and 18 are wanting" in said
    assert not (home / GATE).exists()


@pytest.mark.parametrize("flags", [[], ["--forget", "SET"], ["--forget", "--keep"], ["SET", "--lost", "0.9"]])
def test_flags_that_make_no_sense_together(embedder, home, flags, capsys):
    try:
        code = main(["eval", "fit", *flags])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code in (FAILED, USAGE)


def test_without_an_embedder_there_is_nothing_to_fit(home, folder, capsys):
    assert main(["eval", "fit", str(folder)]) == FAILED
