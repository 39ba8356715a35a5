"""Runs inside the model child: one GGUF, asked over stdin, answering over stdout.

Nothing of it is imported by the parent. A crash here is expected now and then and costs one request: see `worker.py`.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from brain.models import dialogue, pinning
from brain.models.desk import Asked, Desk, Refused
from brain.models.llama import Llama, can_offload
from brain.models.machine import attempts, fitting_batch
from brain.models.pooled import Embedding, Reranking
from brain.models.rendering import Rendering
from brain.models.speech import HARMONY, TELLING, listener
from brain.offline import go_offline

LAST_TOKENS = 128  # how far back a repeated word is held against the model
UNKNOWN, CONTROL, USER_DEFINED = 1 << 0, 1 << 3, 1 << 4  # llama.cpp's token attributes


class Chat:
    """Answers turn by turn. What two prompts have in common at their beginning is read once."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.window = int(setup["window"])
        self.slice = fitting_batch(setup["batch"], offloads=can_offload())
        self.llama = Llama(
            setup["path"],
            attempts(setup["gpu_layers"], setup["layers"], offloads=can_offload()),
            n_ctx=-(-self.window // 256) * 256,
            n_batch=self.slice,
            n_ubatch=self.slice,
            n_threads=setup["threads"],
            n_threads_batch=setup["threads"],
            flash_attn=True,
            last_n_tokens_size=LAST_TOKENS,
        )
        library, vocab = self.llama.library, self.llama.vocab
        self.controls = {t for t in range(library.llama_vocab_n_tokens(vocab)) if self.llama.attributes(t) & CONTROL}
        self.pattern = dialogue.control_pattern(self._marked_strings())
        begin, end = self.llama.model.token_bos(), self.llama.model.token_eos()
        self.rendering = Rendering(str(setup["template"]), begin=self._written(begin), end=self._written(end))
        self.has_channels = all(self._token(mark) is not None for mark in HARMONY[:2])
        # A state cannot be cut: what such a model has read is of use only to a prompt that goes on from there.
        model = self.llama.model._model.model
        self.keeps_state = bool(library.llama_model_is_recurrent(model) or library.llama_model_is_hybrid(model))

    def count(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"counts": self.llama.count(request["texts"], special=False)}

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        prompt = self._prompt(request["messages"])
        tokens = self._prompt_tokens(prompt)
        if request["do"] == "size":
            asked.reply("done", tokens=len(tokens), template=self.rendering.source)
            return
        room = self.window - len(tokens)
        if room < 1:
            raise Refused(
                f"The prompt has {len(tokens):,} tokens and the model's window only {self.window:,}",
                "Ask about less at once, or choose a model with a larger window.",
            )
        usage = {
            "prompt_tokens": len(tokens),
            "cached_tokens": len(tokens),
            "completion_tokens": 0,
            "thought_tokens": 0,
        }
        if self._pinned(tokens, request.get("pin"), usage, asked) and self._read(tokens, usage, asked):
            self._write(tokens, prompt, min(room, request["limit"]), usage, asked)
        asked.reply("done", usage=usage, template=self.rendering.source)

    def _written(self, token: int) -> str:
        return self.llama.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    def _token(self, mark: str) -> int | None:
        """The one token with a meaning of its own that these letters are; None where they are text."""
        tokens = self.llama.tokens(mark, special=False, control=True)
        told = self.llama.attributes(tokens[0]) & (CONTROL | USER_DEFINED) if len(tokens) == 1 else 0
        return tokens[0] if told else None

    def _marked_strings(self) -> Iterator[str]:
        """Every string that the tokenizer turns into a token with a meaning of its own."""
        for token in range(self.llama.library.llama_vocab_n_tokens(self.llama.vocab)):
            attributes = self.llama.attributes(token)
            if not attributes & (CONTROL | UNKNOWN | USER_DEFINED):
                continue
            raw = self.llama.library.llama_vocab_get_text(self.llama.vocab, token)
            text = raw.decode("utf-8", "replace")
            # Those of the user's kind are also runs of white space and HTML tags: only what has brackets can mean a turn.
            if attributes & (CONTROL | UNKNOWN) or re.fullmatch(r"<\S+>|\[\S+\]", text):
                yield text

    def _prompt(self, messages: list[dict[str, str]]) -> str:
        return self.rendering.prompt(
            [{"role": m["role"], "content": dialogue.neutralised(m["content"], self.pattern)} for m in messages]
        )

    def _prompt_tokens(self, prompt: str) -> list[int]:
        tokens = self.llama.tokens(prompt, special=False, control=True)
        begin = self.llama.model.token_bos()
        if self.llama.library.llama_vocab_get_add_bos(self.llama.vocab) and begin >= 0 and tokens[:1] != [begin]:
            tokens.insert(0, begin)
        return tokens or [max(0, begin)]

    def _pinned(self, tokens: list[int], pin: dict[str, Any] | None, usage: dict[str, int], asked: Asked) -> bool:
        """Have the prompt's beginning, which belongs to a document, from disk or kept there; False when stopped on the way."""
        if pin is None:
            return True
        begun = pinning.shared(tokens, self._prompt_tokens(self._prompt(pin["other"])))
        have = self.llama.model.input_ids[: self.llama.model.n_tokens].tolist()
        is_there = have[:begun] == tokens[:begun] and (not self.keeps_state or have == tokens[: len(have)])
        if begun < pinning.LEAST or is_there:
            return True
        if not pinning.restore(self.llama, pin, tokens[:begun]):
            if not self._read(tokens[:begun], usage, asked, of=len(tokens)):
                return False
            pinning.keep(self.llama, pin, tokens[:begun])
        return True

    def _read(self, tokens: list[int], usage: dict[str, int], asked: Asked, *, of: int = 0) -> bool:
        """Bring the model's memory to exactly these tokens, `of` so many; False when stopped on the way."""
        library, model = self.llama.library, self.llama.model
        kept = self._keep_common(tokens)
        usage["cached_tokens"] = min(kept, usage["cached_tokens"])
        abort = library.ggml_abort_callback(lambda _: asked.is_stopped())
        library.llama_set_abort_callback(model.ctx, abort, None)
        try:
            for start in range(kept, len(tokens), self.slice):
                if asked.is_stopped():
                    return False
                asked.reply("reading", done=start, total=of or len(tokens))
                model.eval(tokens[start : start + self.slice])
        except RuntimeError as error:
            if self.keeps_state or not asked.is_stopped():
                self._forget()  # half a slice may be in it
            if asked.is_stopped():
                return False
            raise Refused("The model could not read the prompt", "Ask about less at once.") from error
        finally:
            library.llama_set_abort_callback(model.ctx, library.ggml_abort_callback(), None)
        asked.reply("reading", done=len(tokens), total=of or len(tokens))
        return True

    def _keep_common(self, tokens: list[int]) -> int:
        """Drop what the model remembers beyond the beginning both prompts share; how many tokens are left."""
        library, model = self.llama.library, self.llama.model
        have = np.asarray(model.input_ids[: model.n_tokens])
        most = min(len(have), len(tokens) - 1)
        differs = np.nonzero(have[:most] != np.asarray(tokens[:most], dtype=have.dtype))[0]
        common = int(differs[0]) if len(differs) else most
        if common and common == len(have):
            return common
        if common and not self.keeps_state and library.llama_memory_seq_rm(self.llama.memory, -1, common, -1):
            model.n_tokens = common
            return common
        self._forget()
        return 0

    def _forget(self) -> None:
        self.llama.model.reset()
        self.llama.library.llama_memory_clear(self.llama.memory, True)

    def _ends(self) -> tuple[set[int], tuple[str, ...]]:
        """Tokens, and words that are none, after which an answer is over: what the template has between two turns."""
        if self.has_channels:
            return set(), ()
        if self.rendering.source != "file":
            return set(), dialogue.CHATML_STOPS
        known = {mark: self._token(mark) for mark in self.rendering.ends()}
        words = tuple(mark for mark, token in known.items() if token is None and dialogue.is_plain_end(mark))
        return {token for token in known.values() if token is not None}, words

    def _write(self, tokens: list[int], prompt: str, limit: int, usage: dict[str, int], asked: Asked) -> None:
        library, model = self.llama.library, self.llama.model
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        ends, words = self._ends()
        speech = listener(prompt, words, channels=self.has_channels)
        telling = {mark.encode() for mark in TELLING}
        # No repeat penalty: it changes the figures a small model copies from a source (1,100 became 1,200).
        generated = model.generate(tokens, temp=0.0, repeat_penalty=1.0)
        is_thinking = False
        try:
            for token in generated:
                if asked.is_stopped() or token in ends or library.llama_vocab_is_eog(self.llama.vocab, token):
                    break
                usage["completion_tokens"] += 1
                raw = self.llama.piece(token)
                if token in self.controls and raw.strip() not in telling:
                    raw = b""
                for text, is_thinking in speech.hear(decoder.decode(raw)):
                    asked.reply("piece", text=text, thought=is_thinking)
                usage["thought_tokens"] += is_thinking
                if speech.is_over or usage["completion_tokens"] >= limit:
                    break
        except RuntimeError as error:
            self._forget()
            raise Refused("The model failed in the middle of the answer", "Ask again.") from error
        finally:
            generated.close()
        for text, thought in (*speech.hear(decoder.decode(b"", final=True)), *speech.finish()):
            asked.reply("piece", text=text, thought=thought)


def _leave_no_dump() -> None:
    """A model that ends its process would leave one file as large as itself."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Load what the first frame asks for, say so, and serve."""
    _leave_no_dump()
    desk = Desk()
    setup = desk.first
    if setup["polite"]:
        os.nice(10)
    jobs: dict[str, type[Embedding | Reranking | Chat]] = {"embed": Embedding, "rerank": Reranking, "chat": Chat}
    try:
        job = jobs[setup["job"]](setup)
    except Refused as error:
        desk.send({"is": "refused", "reason": error.reason, "hint": error.hint})
        return
    desk.serve(job)


if __name__ == "__main__":
    go_offline()  # a model needs no network, whatever is in its file
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
