"""Languages: which one a passage is in, and what of a question says what it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.languages import DEFAULT, FUNCTION_WORDS, LANGUAGES, language_of, telling

PASSAGES = {
    "english": "The panthers gave up just 308 points, which was the sixth best in the league.",
    "german": "Die Mannschaft hat nur 308 Punkte zugelassen und ist damit auf dem sechsten Platz, während sie auch bei uns führt.",
    "french": "L'équipe n'a concédé que 308 points, ce qui est la sixième place dans la ligue, et elle a aussi pris le ballon.",
    "spanish": "El equipo cedió solo 308 puntos en defensa y se sitúa en el sexto lugar de la liga, con cuatro jugadores más.",
    "portuguese": "A equipe não cedeu mais do que 308 pontos e está em sexto lugar na liga.",
    "italian": "La squadra ha concesso solo 308 punti ed è al sesto posto nella lega, con quattro giocatori che sono stati scelti.",
    "dutch": "De ploeg gaf maar 308 punten weg en staat daarmee op de zesde plaats, ook met de meeste ballen.",
    "danish": "Holdet afgav kun 308 point, og det er den sjette plads i ligaen, mens de også har flest bolde.",
    "swedish": "Laget släppte bara in 308 poäng och är därmed på sjätte plats i ligan, som också är den bästa.",
    "finnish": "Joukkue päästi vain 308 pistettä ja se on sarjan kuudes, mutta he ovat myös parhaita.",
    "turkish": "Takım sadece 308 sayı verdi ve bu ligde altıncı oldu, çünkü onlar daha çok top aldı ve daha iyi oynadı.",
    "russian": "Защита уступила всего 308 очков, заняв шестое место в лиге.",
    "greek": "Η άμυνα δέχτηκε μόνο 308 πόντους.",
    "arabic": "لم يتخلى فريق بانثرز سوى عن 308 نقطة.",
}


@pytest.mark.parametrize("language", PASSAGES)
def test_a_passage_shows_its_language(language: str) -> None:
    assert language_of(PASSAGES[language]) == language


@pytest.mark.parametrize(
    "text", ["", "def main(args): return args", "Q3 2025: 4,210.17", "日本語の本", "tar -xzf a.tgz", "Li, C. M.; de A."]
)
def test_what_shows_no_language_is_taken_for_english(text: str) -> None:
    assert language_of(text) == DEFAULT == "english"


def test_a_few_foreign_words_make_no_foreign_passage() -> None:
    assert (
        language_of("He said that the words 'de la casa' are on the label, and that it was not so in the past.")
        == "english"
    )


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("How many points did the Panthers surrender?", "points Panthers surrender"),
        ("What's the capital of France?", "capital France"),
        ("¿Cuántos puntos dejaron escapar en defensa los Panthers?", "puntos dejaron escapar defensa Panthers"),
        ("Wann hat die Mannschaft das Spiel gewonnen?", "Mannschaft Spiel gewonnen"),
        ("香港第六届立法会选举有多少个议席？", "香港第六届立法会选举有 个议席"),
        ("who is it?", "who is it"),
        ("...", ""),
    ],
)
def test_only_what_a_question_is_about_is_left(question: str, left: str) -> None:
    kept = telling(question)
    assert "".join(letter if letter.isalnum() else " " for letter in kept).split() == left.split()


def test_every_language_has_a_stemmer_and_words_of_its_own() -> None:
    from tantivy import Filter

    for language in LANGUAGES:
        Filter.stemmer(language)
        assert len(FUNCTION_WORDS[language]) > 5
        assert all(word == word.casefold() for word in FUNCTION_WORDS[language])


@given(st.text(max_size=200))
def test_any_text_has_a_language_and_something_is_left_of_it(text: str) -> None:
    assert language_of(text) in LANGUAGES
    kept = telling(text)
    assert any(map(str.isalnum, kept)) == any(map(str.isalnum, text))
