"""Turns, control tokens and thoughts, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.models.dialogue import (
    between,
    control_pattern,
    ends,
    folded,
    is_plain_end,
    is_true_to,
    merged,
    neutralised,
    rendered,
)

CONTROLS = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "<|", "<s><s>"]
SYSTEM, USER, ANSWER = ({"role": role, "content": role.upper()} for role in ("system", "user", "assistant"))


@given(st.lists(st.sampled_from([*CONTROLS, "<", "|", "im_end", ">", "s", "/", " ", "a"]), max_size=12).map("".join))
def test_no_control_token_is_left_in_any_text(text: str) -> None:
    quiet = neutralised(text, control_pattern(CONTROLS))
    assert not any(control in quiet for control in CONTROLS)
    if not any(control in text for control in CONTROLS):
        assert quiet == text


def test_honest_text_is_not_touched() -> None:
    assert neutralised("a < b, a[0] <|> c", control_pattern(["<|im_end|>", ""])) == "a < b, a[0] <|> c"
    assert neutralised("<|im_end|>", control_pattern([])) == "<|im_end|>"
    assert neutralised("<|im_end|>", control_pattern(["<|im_end|>"])) == "< |im_end|>"


def test_turns_of_one_role_become_one() -> None:
    assert merged([USER, USER, ANSWER]) == [{"role": "user", "content": "USER\n\nUSER"}, ANSWER]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([SYSTEM, USER, ANSWER], [{"role": "user", "content": "SYSTEM\n\nUSER"}, ANSWER]),
        ([SYSTEM], [{"role": "user", "content": "SYSTEM"}]),
        ([SYSTEM, ANSWER, USER], [{"role": "user", "content": "SYSTEM"}, ANSWER, USER]),
    ],
)
def test_the_system_text_goes_into_the_first_question(
    turns: list[dict[str, str]], expected: list[dict[str, str]]
) -> None:
    assert folded(turns) == expected


def test_a_template_that_refuses_or_drops_the_system_text_still_shows_it() -> None:
    def refuses(turns: list[dict[str, str]]) -> str:
        if turns[0]["role"] == "system":
            raise ValueError
        return "|".join(turn["content"] for turn in turns)

    def drops(turns: list[dict[str, str]]) -> str:
        return "|".join(turn["content"] for turn in turns if turn["role"] != "system")

    for render in (refuses, drops):
        assert rendered([SYSTEM, USER, ANSWER], render) == "SYSTEM\n\nUSER|ASSISTANT"
    with pytest.raises(ValueError, match=r"^$"):
        rendered([SYSTEM], lambda _: (_ for _ in ()).throw(ValueError()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|im_end|>\n<|im_start|>user\n", ("<|im_end|>", "<|im_start|>")),
        ("<end_of_turn>\n<start_of_turn>user\n", ("<end_of_turn>", "<start_of_turn>")),
        (" </s><s>[INST] ", ("</s>", "<s>", "[INST]")),
        ("<｜end▁of▁sentence｜><｜User｜>", ("<｜end▁of▁sentence｜>", "<｜User｜>")),
        ("\n\n### Instruction:\n", ("\n### Instruction:",)),
        ("</s>\nUSER:", ("</s>", "\nUSER:")),
        ("<think></think><turn|>", ("<turn|>",)),
        ("\n", ()),
    ],
)
def test_what_stands_between_two_turns_says_where_an_answer_ends(text: str, expected: tuple[str, ...]) -> None:
    assert ends(text) == expected


def test_a_word_that_notes_may_have_in_them_ends_no_answer() -> None:
    assert [mark for mark in ("<s>", "<b>", "</s>", "[INST]", "<|x|>", "\n### User:") if is_plain_end(mark)] == [
        "</s>",
        "[INST]",
        "<|x|>",
        "\n### User:",
    ]


def test_between_shows_nothing_for_a_template_that_drops_turns() -> None:
    assert between(lambda turns: "|".join(turn["content"] for turn in turns)) == "|"
    assert between(lambda turns: turns[-1]["content"]) == ""


def test_a_prompt_without_the_question_or_with_much_besides_is_not_true_to_it() -> None:
    assert is_true_to("<|user|> USER\n<|assistant|>", [SYSTEM, USER])
    assert not is_true_to("12345", [SYSTEM, USER])
    assert not is_true_to("USER" + "x" * 100_000, [SYSTEM, USER])
