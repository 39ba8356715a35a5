"""Runs inside the model child: one GGUF, asked over stdin, answering over stdout. The only file that knows llama_cpp.

Nothing of it is imported by the parent. A crash here is expected now and then and costs one request: see `worker.py`.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from brain.models import dialogue
from brain.models.desk import Asked, Desk, Refused

SLICE = 256  # tokens of a prompt read at once: how often progress is told
LOG_ERROR = 4  # ggml's own number; the binding's table of levels is older than the library
RENDER_SECONDS = 3
RENDER_BYTES = 1 << 30
LAST_TOKENS = 128  # how far back a repeated word is held against the model
UNKNOWN, CONTROL, USER_DEFINED = 1 << 0, 1 << 3, 1 << 4  # llama.cpp's token attributes


class Llama:
    """A loaded model: opens it with the library's class and offers what both jobs need."""

    def __init__(self, path: str, **options: Any) -> None:
        import llama_cpp

        self.library = llama_cpp
        self.complaints: list[str] = []
        self._keep = llama_cpp.llama_log_callback(self._log)  # the library holds no reference to it
        llama_cpp.llama_log_set(self._keep, ctypes.c_void_p(0))
        # The constructor compiles every chat template it finds, without limits: "{{ 'a' * 9999999999 }}" takes the machine.
        llama_cpp._internals.LlamaModel.metadata = lambda _: {}
        try:
            # verbose=False would close stderr while loading and take the reason of an abort with it.
            with contextlib.redirect_stderr(io.StringIO()):
                self.model = llama_cpp.Llama(path, use_mmap=True, verbose=True, **options)
        except (
            Exception
        ) as error:  # the binding raises ValueError, AssertionError, RuntimeError … for a file it cannot load
            raise Refused(*self._explained(path, error)) from error
        self.model.verbose = False
        self.vocab = llama_cpp.llama_model_get_vocab(self.model.model)
        self.memory = llama_cpp.llama_get_memory(self.model.ctx)

    def tokens(self, text: str, *, special: bool, control: bool) -> list[int]:
        """Token ids. `special`: with the ones that frame a text; `control`: control tokens in the text count as such."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 16
        ids = (self.library.llama_token * room)()
        many = self.library.llama_tokenize(self.vocab, raw, len(raw), ids, room, special, control)
        if many < 0:
            room = -many
            ids = (self.library.llama_token * room)()
            many = self.library.llama_tokenize(self.vocab, raw, len(raw), ids, room, special, control)
        return list(ids[: max(0, many)])

    def count(self, texts: list[str], *, special: bool) -> list[int]:
        """Tokens of each text. Reads the vocabulary only, so it may run beside other work."""
        counts = []
        for text in texts:
            raw = text.encode("utf-8", "replace")
            counts.append(abs(self.library.llama_tokenize(self.vocab, raw, len(raw), None, 0, special, False)))
        return counts

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for, control tokens written out."""
        room = ctypes.create_string_buffer(256)
        size = self.library.llama_token_to_piece(self.vocab, token, room, 256, 0, True)
        if size < 0:
            room = ctypes.create_string_buffer(-size)
            size = self.library.llama_token_to_piece(self.vocab, token, room, -size, 0, True)
        return room.raw[: max(0, size)]

    def attributes(self, token: int) -> int:
        return int(self.library.llama_vocab_get_attr(self.vocab, token))

    def _log(self, level: int, text: bytes, _: object) -> None:
        if level == LOG_ERROR:
            line = text.decode("utf-8", "replace")
            self.complaints.append(line.strip())
            sys.stderr.write(line)
            sys.stderr.flush()

    def _explained(self, path: str, error: Exception) -> tuple[str, str]:
        name = os.path.basename(path)  # noqa: PTH119
        said = " ".join(self.complaints)
        if match := re.search(r"unknown model architecture: '([^']*)'", said):
            return (
                f"{name} is of a kind this build does not know: {match[1][:60]}",
                "Choose another model, or update Brain.",
            )
        detail = re.sub(r"^\w+: (?:error loading model: )?", "", self.complaints[0]) if self.complaints else str(error)
        return f"{name} could not be opened: {detail[:200]}", "Fetch the file again, or choose another model."


class Embedding:
    """Texts to unit vectors, one text a call: a batch of several would compute attention between all of them."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.window = int(setup["window"])
        room = -(-self.window // 256) * 256
        self.llama = Llama(
            setup["path"],
            embedding=True,
            n_ctx=room,
            n_batch=room,
            n_ubatch=room,
            n_threads=setup["threads"],
            n_threads_batch=setup["threads"],
            flash_attn=True,
        )
        library = self.llama.library
        if library.llama_pooling_type(self.llama.model.ctx) not in (1, 2, 3):
            raise Refused(f"{os.path.basename(setup['path'])} gives no vector for a text", "Choose an embedding model.")  # noqa: PTH119
        self.width = int(library.llama_model_n_embd_out(self.llama.model.model))
        self._ends = {library.llama_vocab_sep(self.llama.vocab), library.llama_vocab_eos(self.llama.vocab)}
        self._asked: Asked | None = None
        self._abort = library.ggml_abort_callback(lambda _: self._is_stopped())  # the library holds no reference to it
        library.llama_set_abort_callback(self.llama.model.ctx, self._abort, None)
        self._one("warm")

    def count(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"counts": self.llama.count(request["texts"], special=True)}

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        """As many vectors as were made until it was stopped: a question does not wait for the end of a passage."""
        self._asked, made = asked, b""
        for text in request["texts"]:
            if asked.is_stopped() or (vector := self._one(text)) is None:
                break
            made += vector.tobytes()
        asked.reply("done", made, width=self.width)

    def _is_stopped(self) -> bool:
        return self._asked is not None and self._asked.is_stopped()

    def _one(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        library, model = self.llama.library, self.llama.model
        tokens = self.llama.tokens(text, special=True, control=False) or [max(0, model.token_eos())]
        if len(tokens) > self.window:  # the library would drop the closing token
            last = [tokens[-1]] if tokens[-1] in self._ends else []
            tokens = tokens[: self.window - len(last)] + last
        if self.llama.memory is not None:
            library.llama_memory_clear(self.llama.memory, True)
        ids = (library.llama_token * len(tokens))(*tokens)
        code = library.llama_decode(model.ctx, library.llama_batch_get_one(ids, len(tokens)))
        if code and self._is_stopped():
            return None
        found = library.llama_get_embeddings_seq(model.ctx, 0) if code == 0 else None
        if not found:
            raise Refused("The embedding model could not read a passage", "Choose another embedding model.")
        vector = np.ctypeslib.as_array(found, shape=(self.width,)).astype(np.float64)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0.0:
            raise Refused("The embedding model gave no usable vector", "Fetch its file again: it may be damaged.")
        return (vector / length).astype(np.float32)


class Chat:
    """Answers turn by turn. What two prompts have in common at their beginning is read once."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self.window = int(setup["window"])
        self.llama = Llama(
            setup["path"],
            n_ctx=-(-self.window // 256) * 256,
            n_batch=SLICE,
            n_ubatch=SLICE,
            n_threads=setup["threads"],
            n_threads_batch=setup["threads"],
            flash_attn=True,
            last_n_tokens_size=LAST_TOKENS,
        )
        library, vocab = self.llama.library, self.llama.vocab
        self.controls = {t for t in range(library.llama_vocab_n_tokens(vocab)) if self.llama.attributes(t) & CONTROL}
        self.pattern = dialogue.control_pattern(self._marked_strings())
        self.template = str(setup["template"]) or dialogue.CHATML
        self.source = "file" if setup["template"] else "missing"

    def count(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"counts": self.llama.count(request["texts"], special=False)}

    def answer(self, request: dict[str, Any], asked: Asked) -> None:
        prompt = self._prompt(request["messages"])
        tokens = self._prompt_tokens(prompt)
        if request["do"] == "size":
            asked.reply("done", tokens=len(tokens), template=self.source)
            return
        room = self.window - len(tokens)
        if room < 1:
            raise Refused(
                f"The prompt has {len(tokens):,} tokens and the model's window only {self.window:,}",
                "Ask about less at once, or choose a model with a larger window.",
            )
        usage = {"prompt_tokens": len(tokens), "cached_tokens": 0, "completion_tokens": 0, "thought_tokens": 0}
        if self._read(tokens, usage, asked):
            self._write(tokens, prompt, min(room, request["limit"]), usage, asked)
        asked.reply("done", usage=usage, template=self.source)

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
        turns = [{"role": m["role"], "content": dialogue.neutralised(m["content"], self.pattern)} for m in messages]
        try:
            with _bounded():
                return dialogue.rendered(turns, self._render)
        except Exception as error:  # a template is a program from the model's file: it may raise anything
            if self.source != "file":
                raise Refused("The conversation could not be put to the model", "Start a new one.") from error
        self.source, self.template = "broken", dialogue.CHATML
        return dialogue.rendered(turns, self._render)

    def _render(self, turns: list[dict[str, str]]) -> str:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        model = self.llama.model
        begin, end = model.token_bos(), model.token_eos()
        form = Jinja2ChatFormatter(
            template=self.template,
            bos_token=self.llama.piece(begin).decode("utf-8", "replace") if begin >= 0 else "",
            eos_token=self.llama.piece(end).decode("utf-8", "replace") if end >= 0 else "",
        )
        return str(form(messages=turns, enable_thinking=False).prompt)

    def _prompt_tokens(self, prompt: str) -> list[int]:
        tokens = self.llama.tokens(prompt, special=False, control=True)
        begin = self.llama.model.token_bos()
        if self.llama.library.llama_vocab_get_add_bos(self.llama.vocab) and begin >= 0 and tokens[:1] != [begin]:
            tokens.insert(0, begin)
        return tokens or [max(0, begin)]

    def _read(self, tokens: list[int], usage: dict[str, int], asked: Asked) -> bool:
        """Bring the model's memory to exactly these tokens; False when stopped on the way."""
        library, model = self.llama.library, self.llama.model
        kept = self._keep_common(tokens)
        usage["cached_tokens"] = kept
        abort = library.ggml_abort_callback(lambda _: asked.is_stopped())
        library.llama_set_abort_callback(model.ctx, abort, None)
        try:
            for start in range(kept, len(tokens), SLICE):
                if asked.is_stopped():
                    return False
                asked.reply("reading", done=start, total=len(tokens))
                model.eval(tokens[start : start + SLICE])
        except RuntimeError as error:
            if asked.is_stopped():
                return False
            model.reset()
            raise Refused("The model could not read the prompt", "Ask about less at once.") from error
        finally:
            library.llama_set_abort_callback(model.ctx, library.ggml_abort_callback(), None)
        asked.reply("reading", done=len(tokens), total=len(tokens))
        return True

    def _keep_common(self, tokens: list[int]) -> int:
        """Drop what the model remembers beyond the beginning both prompts share; how many tokens are left."""
        library, model = self.llama.library, self.llama.model
        have = np.asarray(model.input_ids[: model.n_tokens])
        most = min(len(have), len(tokens) - 1)
        differs = np.nonzero(have[:most] != np.asarray(tokens[:most], dtype=have.dtype))[0]
        common = int(differs[0]) if len(differs) else most
        if common and library.llama_memory_seq_rm(self.llama.memory, -1, common, -1):
            model.n_tokens = common
            return common
        model.reset()
        library.llama_memory_clear(self.llama.memory, True)
        return 0

    def _write(self, tokens: list[int], prompt: str, limit: int, usage: dict[str, int], asked: Asked) -> None:
        library, model = self.llama.library, self.llama.model
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        speech = dialogue.Speech(prompt, () if self.source == "file" else dialogue.CHATML_STOPS)
        markers = {word.encode() for pair in dialogue.THOUGHTS for word in pair}
        # No repeat penalty: it changes the figures a small model copies from a source (1,100 became 1,200).
        generated = model.generate(tokens, temp=0.0, repeat_penalty=1.0)
        is_thinking = False
        try:
            for token in generated:
                if asked.is_stopped() or library.llama_vocab_is_eog(self.llama.vocab, token):
                    break
                usage["completion_tokens"] += 1
                raw = self.llama.piece(token)
                if token in self.controls and raw.strip() not in markers:
                    raw = b""
                for text, is_thinking in speech.hear(decoder.decode(raw)):
                    asked.reply("piece", text=text, thought=is_thinking)
                usage["thought_tokens"] += is_thinking
                if speech.is_over or usage["completion_tokens"] >= limit:
                    break
        except RuntimeError as error:
            model.reset()
            raise Refused("The model failed in the middle of the answer", "Ask again.") from error
        finally:
            generated.close()
        for text, thought in (*speech.hear(decoder.decode(b"", final=True)), *speech.finish()):
            asked.reply("piece", text=text, thought=thought)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Limits of time and memory around a chat template: the sandbox keeps it from acting, not from looping."""

    def too_long(*_: object) -> None:
        raise TimeoutError("the chat template takes too long")

    limits = None
    if sys.platform == "linux":
        import resource

        limits = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as file:  # noqa: PTH123
            used = int(file.read().split()[0]) * resource.getpagesize()
        most = used + RENDER_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most if limits[1] < 0 else min(most, limits[1]), limits[1]))
    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, RENDER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if limits is not None:
            resource.setrlimit(resource.RLIMIT_AS, limits)


def main() -> None:
    """Load what the first frame asks for, say so, and serve."""
    desk = Desk()
    setup = desk.first
    if setup["polite"]:
        os.nice(10)
    job: Embedding | Chat
    try:
        job = Embedding(setup) if setup["job"] == "embed" else Chat(setup)
    except Refused as error:
        desk.send({"is": "refused", "reason": error.reason, "hint": error.hint})
        return
    desk.serve(job)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
