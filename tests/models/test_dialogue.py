"""Turns, control tokens and thoughts, as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.models.dialogue import Speech, control_pattern, folded, merged, neutralised, rendered

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
    ("text", "prompt", "thought", "answer"),
    [
        ("plain", "", "", "plain"),
        ("<think>a</think>b", "", "a", "b"),
        ("\n <think>\na\n</think>\n\nb", "", "a\n", "b"),
        ("a</think>b", "… <think>\n", "a", "b"),
        ("[THINK]a[/THINK]b", "", "a", "b"),
        ("<think>a", "", "a", ""),
        ("a <b> <thin", "", "", "a <b> <thin"),
        ("a<|im_end|>b", "", "", "a"),
        ("<think>a<|im_end|>b", "", "a", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_thoughts_and_stops_are_found_however_the_text_is_cut(
    text: str, prompt: str, thought: str, answer: str, size: int
) -> None:
    speech = Speech(prompt, stops=("<|im_end|>",))
    pieces = [piece for at in range(0, len(text), size) for piece in speech.hear(text[at : at + size])]
    pieces += speech.finish()
    assert "".join(said for said, is_thought in pieces if is_thought) == thought
    assert "".join(said for said, is_thought in pieces if not is_thought) == answer
    assert speech.is_over == ("<|im_end|>" in text)
