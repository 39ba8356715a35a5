"""Answers, thoughts and ends in what a model says, however the text is cut."""

from __future__ import annotations

import pytest

from brain.models.speech import TAKEN_BACK, Channels, Speech, listener


def told(listening: Speech | Channels, text: str, size: int) -> tuple[str, str]:
    """The thought and the answer; what is taken back counts as a thought."""
    thought = answer = ""
    pieces = [piece for at in range(0, len(text), size) for piece in listening.hear(text[at : at + size])]
    for piece in (*pieces, *listening.finish()):
        if piece == TAKEN_BACK:
            thought, answer = thought + answer, ""
        elif piece[1]:
            thought += piece[0]
        else:
            answer += piece[0]
    return thought, answer


@pytest.mark.parametrize(
    ("text", "prompt", "thought", "answer"),
    [
        ("plain", "", "", "plain"),
        ("<think>a</think>b", "", "a", "b"),
        ("\n <think>\na\n</think>\n\nb", "", "a\n", "b"),
        ("a</think>b", "… <think>\n", "a", "b"),
        ("a\n</think>\n\nb", "", "a\n", "b"),  # only a closing tag
        ("a</think>b</think>c", "", "a", "bc"),  # and a stray one
        ("<think>a</think>b</think>c", "", "a", "bc"),
        ("</think>b", "", "", "b"),
        ("b", "… <think>\n\n</think>\n\n", "", "b"),
        ("[THINK]a[/THINK]b", "", "a", "b"),
        ("<|channel>thought\na<channel|>b", "", "a", "b"),
        ("<|channel>thought\n<channel|>b", "", "", "b"),
        ("a<channel|>b", "<|turn>model\n<|channel>thought\n", "a", "b"),
        ("<|START_THINKING|>a<|END_THINKING|>b", "", "a", "b"),
        ("<seed:think>a</seed:think>b", "", "a", "b"),
        ("◁think▷a◁/think▷b", "", "a", "b"),
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
    speech = listener(prompt, ("<|im_end|>",), channels=False)
    assert told(speech, text, size) == (thought, answer)
    assert speech.is_over == ("<|im_end|>" in text)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>x", "a", "b"),
        ("<|channel|>final<|message|>b", "", "b"),
        ("<|channel|>analysis<|message|>a", "a", ""),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>c<|end|>"
            "<|start|>assistant<|channel|>final <|constrain|>json<|message|>b",
            "ac",
            "b",
        ),
        ("<|message|>b<|return|>", "", "b"),
        ("<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>x", "{}", ""),
        ("analysisaassistantfinalb", "a", "b"),
        ("analysisaassistantcommentarycassistantfinalb assistant", "ac", "b assistant"),
        ("finalb", "", "b"),
        ("b, finally an assistant", "", "b, finally an assistant"),
        ("anal", "", "anal"),
        ("", "", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_only_the_final_channel_is_the_answer(text: str, thought: str, answer: str, size: int) -> None:
    listening = listener("<|start|>assistant", (), channels=True)
    assert told(listening, text, size) == (thought, answer)
    assert listening.is_over == any(end in text for end in ("<|return|>", "<|call|>"))
