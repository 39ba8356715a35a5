"""The flags of `brain eval`, and what its help says. Imports nothing that measures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

RUN = """\
SET is a folder with
  corpus.jsonl    {"_id", "title", "text"} a line: the documents
  queries.jsonl   {"_id", "text"} a line: the questions; "answerable": false marks one without an answer
  qrels.tsv       question, document and judgment a line (0 wrong, 1 right, 2 and more: better), after a heading line
the layout of BEIR and its kin; or one that `brain eval make` made from your own notes.

With --answers each question is asked as `brain ask` asks it, and the answer judged by rule; queries.jsonl then needs
"answers": [TEXT…] of each question, any of which is right, or "answerable": false, and qrels.tsv may be missing.

The documents of a set are indexed once by Brain itself, in eval/corpora/ of the home (ctrl+c keeps what is done); a set
made from notes is asked of the notes that are indexed now. Then every question is asked, and scored for
  words alone, vectors alone     the two lists Brain makes, 100 passages each
  RRF(60) of both                the usual way to join them: 1 ÷ (60 + rank), summed
  Brain                          its own order, before near copies are folded
  Brain as shown                 the ten passages that `brain search` would show; several may be of one document
by document: a document stands where its best passage stands, and counts once.

The measures, each a mean over the questions, with the interval it would lie in for 95 of 100 such sets (2,000 bootstrap
draws, always the same ones):
  nDCG@10      how far up the right documents are among the first ten, better ones counting more; 1 is the best order
  recall@5/10  the share of the right documents that is among the first five, ten
  MRR@10       1 ÷ the rank of the first right document, 0 beyond ten
  hit@1        the share of questions whose first document is right
Differences are paired, question by question; where their interval holds 0 it is a tie. Questions nobody judged, and those
marked as without an answer, are counted and not scored. Filters in a question (quotes, -word, #tag …) are obeyed.

--answers --models a,b asks each model in turn; `quotes` is the answer without a model, in the notes' own words. Without
--models: the quotes, and your chat model if it is here. ctrl+c keeps what was asked, and the same command goes on there.
The figures, of the questions that have an answer where nothing else is said (a refusal counts as a wrong answer):
  F1, exact          shared words with the answer, and the same words, as SQuAD counts them; low by nature for sentences
  holds the answer   the right answer stands whole in what was said
  refused            the share of the questions with an answer that were refused
  carry it           the share of the citations whose passage holds the right answer, or, in sets made from your notes,
                     overlaps the passage the question was made from; by document where neither is known
  it is cited        the share of what is right that a citation carries
  refusals: right    the share of all refusals that were of questions without an answer (precision)
  of unanswerable    the share of the questions without an answer that were refused (recall)
  unsupported        the share of all sentences of answers that no source carries
The rules judge. With --judge NAME a chat model on this machine also reads every answer to a question whose right answer is
known, and says whether it says that: the share it finds right, and how it agrees with "holds the answer", as the share of
verdicts that are the same and as Cohen's kappa (1 the same, 0 no more than chance; below .6 do not lean on it). It cannot be
one of the models under test. Where it says neither yes nor no that is counted as no verdict. Answers are then kept in the
home until the run is whole.

Where a small model says nothing that stands in the notes Brain shows quotes in its place: that counts for that model, and is
told.

--json prints one object, which `brain eval show` reads; with --answers
  {"answers": 1, "version", "made", "set": {"name", "kind", "sha256", "documents", "passages"}, "embedder", "questions":
   {"asked", "answerable", "unanswerable"}, "counted", "degraded", "settings", "systems": {MODEL: {FIGURE: INTERVAL}},
   "differences": [{"system", "against", FIGURE: INTERVAL and "tie"}…], "per_question": [{"_id", "kind", "answerable",
   "systems": {MODEL: {"refused", "fell_back", "values": {FIGURE: NUMBER}}}}…], "seconds"}
  with --judge also "judge": {"model", "systems": {MODEL: {"verdicts", "no_verdict", "same", "kappa"}}}; kappa is null where
  the judge or the rules say the same of every answer; and the figure judged, the share it finds right
  FIGURE, in the order of the table: f1 contains exact lost cites_right cites_whole documents_right unsupported
  refusals_right refusals_made trapped first total prompt completion cost; further found (what is right was among the
  passages found), documents_whole, fell_back, f1_all and exact_all (SQuAD 2.0: a right refusal counts as 1)
and without
  {"report": 1, "version", "made", "set": {"name", "kind", "sha256", "documents", "passages"}, "embedder",
   "questions": {"asked", "scored"}, "counted": {WHAT: [ID…]}, "degraded": [NAME…], "settings": {"depth", "shown", "draws",
   "seed"}, "systems": {SYSTEM: {METRIC: INTERVAL}}, "differences": {SYSTEM: {METRIC: INTERVAL and "tie"}},
   "losses": {"words": [ID…], "vectors": [ID…]}, "per_question": [{"_id", "first": {SYSTEM: RANK or null},
   "values": {SYSTEM: {METRIC: NUMBER}}}], "seconds"}
  SYSTEM is one of words vectors rrf brain shown; METRIC one of ndcg@10 recall@5 recall@10 mrr@10 hit@1, and passage@10
  for sets made from notes; INTERVAL = {"mean", "low", "high"}; a difference is Brain less that baseline; losses are the
  questions at which Brain did worse, the worst first. The texts of questions and answers are in it only with --texts."""

MAKE = """\
No model is used: one that is small enough to run here phrases questions wrong too often, and a question that is wrong has no
right answer. Two kinds of questions are made, as many of each as -n says where the notes give them:
  for search    half of them headings that stand in one place only; the others are the telling words of a sentence, as
                somebody types who half remembers it
  for answers   a date, a number or a name, asked for by the other words of its sentence; two of them, of two notes that
                share a rare word, in one question; with the month of a note that has a date; and questions nothing
                answers: an eighth ask such a thing of somebody who stands in no note, an eighth are out of the blue
A run without --answers asks all that have a passage.

Each knows its note, its lines and the passage; the set is frozen with the SHA-256 of every note, so that later runs say
which notes have changed. Edit or delete lines of queries.jsonl freely. Before it asks for somebody who stood in no note, a
run looks in the index whether that still holds. The set holds passages of your notes, and is kept until you delete it, even
where a note is deleted.

What such questions can tell: whether what you have is found again, and whether another model or setting helps or harms
on your notes. What they cannot: how well questions in other words are answered. They are made of the notes' own words,
which flatters the search for words, and a second note that would also be right counts as wrong.

--json prints {"set", "questions": [{"_id", "text", "kind", "answers", "path", "line"}…], "notes", "failed": [{"path",
"reason"}…]}; path and line are null for a question that nothing answers."""

SHOW = """\
One report is shown as `brain eval run` shows it. Of several reports of one set, Brain's figures are compared question by
question with the first of them; where the paired interval holds 0 it is a tie. Reports of answers are compared model by
model, each with itself in the first.

--json prints {"reports": [REPORT without per_question…], "differences": [{"report", "against", METRIC: INTERVAL…}…]}."""


FIT = """\
SET is a set with answers, as `brain eval make` makes it of your notes (-n 100 or more), or a folder as `brain eval run
--answers` takes it. Each question is searched for; what the gate makes of the passages is held against whether the set has
an answer. Marks are kept by embedder: with another one the gate goes by those it comes with, or by others fitted to that.

The mark chosen is where most of the questions without an answer are refused for the fewest lost of those with one, never
more than --lost of these. It needs 50 questions with an answer and 20 without. The figures of the fitted gate are held out:
the questions are parted into five, and those of each part judged by the mark the other four gave; so a little more than
--lost may be lost of them. The figures:
  refusals right     the share of all refusals that were of questions without an answer (precision)
  of unanswerable    the share of the questions without an answer that were refused (recall)
  lost               the share of the questions with an answer that were refused
with 95 % intervals; the change is paired, question by question, and where its interval holds 0 it is a tie.

--keep writes the marks to gate.json in the home, and every question from then on is judged by them, by a `brain serve` that
runs already as well; --forget deletes that file. Questions made from notes are in the notes' own words: a gate fitted to
them is strict with questions in other words. Look at what it refuses for a while before you trust it.

--json prints {"set", "embedder", "questions": {"answerable", "unanswerable"}, "present", "fitted": MARKS, "before", "after",
"change": {FIGURE: INTERVAL}, "tie", "kept"}; FIGURE is one of refusals_right refusals_made lost, MARKS {"surely_not",
"enough", "surely", "unrelated"}; the intervals of "change" also have "tie". With --forget {"forgotten": [EMBEDDER…]}."""


def add_eval(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: Callable[..., argparse.ArgumentParser],
) -> None:
    """`brain eval make`, `run`, `show` and `fit`. `common` makes the flags every command has."""
    top = commands.add_parser(
        "eval",
        help="how good are search and answers on a set of questions, or on your own notes",
        description="How good are search and answers, in figures: on a set of questions with known answers, or on your own\n"
        "notes.\n\n"
        "  brain eval make ~/notes          questions from your notes, in a folder of their own\n"
        "  brain eval run SET               ask them all, and score what is found\n"
        "  brain eval run SET --answers     have them answered, with each model, and judge the answers\n"
        "  brain eval show REPORT…          reports that were kept, side by side\n"
        "  brain eval fit SET               when to say “not in your notes”, fitted to your notes",
        parents=[common()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = top.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)

    def action(name: str, help: str, more: str) -> argparse.ArgumentParser:
        made = actions.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.\n\n{more}",
            # Given before the action they are set already: here they must not fall back to their defaults.
            parents=[common(argument_default=argparse.SUPPRESS)],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=("evaluation", name))
        return made

    make = action("make", "make questions from your own notes, with the passage that answers each", MAKE)
    make.add_argument("notes", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    make.add_argument(
        "-n",
        "--questions",
        type=_count,
        default=50,
        metavar="N",
        help="how many for search, and how many for answers (default 50)",
    )
    make.add_argument("--to", type=Path, metavar="DIR", help="the new folder (default: eval/sets/ in the home)")

    run = action("run", "ask every question of a set, and score what is found", RUN)
    run.add_argument("set", type=Path, metavar="SET")
    run.add_argument("-n", "--questions", type=_count, metavar="N", help="only so many, always the same ones")
    run.add_argument("--ids", type=Path, metavar="FILE", help="only the questions whose _id is a line of FILE")
    run.add_argument("--answers", action="store_true", help="ask for answers and judge them, instead of what is found")
    run.add_argument(
        "--models",
        type=_names,
        metavar="A,B",
        default=(),
        help="with --answers: who answers: `quotes`, names of chat models, files",
    )
    run.add_argument(
        "--anew", action="store_true", help="with --answers: ask again what a run that was stopped has kept"
    )
    run.add_argument(
        "--judge",
        metavar="NAME",
        default="",
        help="with --answers: a chat model on this machine, none of --models, also judges the answers",
    )
    run.add_argument("--losses", type=_count, default=5, metavar="N", help="how many of the worst are told (default 5)")
    run.add_argument("--save", type=Path, metavar="FILE", help="also write the report of --json to FILE")
    run.add_argument(
        "--texts",
        action="store_true",
        help="write the texts of questions and answers into files and pipes too, not only their ids",
    )
    run.add_argument("--trec", type=Path, metavar="DIR", help="also write each ranking to DIR, as trec_eval reads them")

    show = action("show", "show reports that were kept, side by side", SHOW)
    show.add_argument("reports", nargs="+", type=Path, metavar="REPORT")

    fit = action("fit", "fit what is refused as not in the notes to your own notes", FIT)
    fit.set_defaults(run=("fitting", "fit"))
    fit.add_argument("set", nargs="?", type=Path, metavar="SET")
    fit.add_argument("-n", "--questions", type=_count, metavar="N", help="only so many, always the same ones")
    fit.add_argument("--lost", type=_share, default=0.1, metavar="SHARE", help="at most, from 0 to .5 (default .1)")
    fit.add_argument("--keep", action="store_true", help="answer by these marks from now on")
    fit.add_argument("--forget", action="store_true", help="go back to the marks that Brain comes with")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("it names nobody: quotes, or chat models, parted by commas")
    return names


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to .5")
    return share


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1,000,000")
    return int(text)
