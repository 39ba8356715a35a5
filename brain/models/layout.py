"""What the layers of a model remember of a prompt, read from its header: keys and values, a compressed row, or a state.

The numbers come from an untrusted file: each is checked against a limit before it is believed.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_NUMBER = 1 << 40


class Broken(Exception):
    """The file is no GGUF we can read; the text says why."""


class Layout:
    """What the layers of an architecture remember, each in its own way."""

    def __init__(self, architecture: str, layers: int, values: Mapping[str, object]) -> None:
        self._architecture, self._layers, self._values = architecture, layers, values

    def kv_heads(self, heads: int) -> tuple[int, ...]:
        """Heads with keys of their own; 0 in layers that keep a state instead, or use the keys of a layer before."""
        given = self._of("attention.head_count_kv")
        each = [whole(n, 0) for n in given] if isinstance(given, tuple) else [whole(given, heads)] * self._layers
        each = (each + [0] * self._layers)[: self._layers]
        if every := self._own("full_attention_interval"):
            each = [n if (at + 1) % every == 0 else 0 for at, n in enumerate(each)]
        own = self._layers - min(self._layers, self._own("attention.shared_kv_layers"))
        return (*each[:own], *[0] * (self._layers - own))

    def kept(self, keys: int, values: int) -> tuple[int, ...]:
        """Numbers a head keeps for a token. Multi-head latent attention keeps one compressed row, and no values beside it."""
        if self._own("attention.key_length_mla"):
            return (keys,) * self._layers
        sliding = self._of("attention.sliding_window_pattern")
        narrow = self._own("attention.key_length_swa", keys) + self._own("attention.value_length_swa", values)
        if isinstance(sliding, tuple) and len(sliding) == self._layers:
            return tuple(narrow if slides else keys + values for slides in sliding)
        return (keys + values,) * self._layers

    def state(self, heads: int, width: int) -> int:
        """Bytes of the layers with a state (Mamba, gated delta nets, short convolutions), in full precision."""
        convolved = self._own("ssm.inner_size") + 2 * self._own("ssm.group_count") * self._own("ssm.state_size")
        numbers = max(0, self._own("ssm.conv_kernel") - 1) * convolved
        numbers += self._own("ssm.state_size") * self._own("ssm.inner_size")
        numbers += max(0, self._own("shortconv.l_cache") - 1) * width
        if self._architecture == "falcon-h1":  # state and keys side by side in every layer
            return 4 * numbers * self._layers
        inner = self._of("feed_forward_length")
        keyless = [at for at, n in enumerate(self.kv_heads(heads)) if n == 0]
        if self._architecture.startswith("nemotron_h") and isinstance(inner, tuple):
            keyless = [at for at in keyless if at < len(inner) and inner[at] == 0]
        return 4 * numbers * len(keyless)

    def _of(self, key: str) -> object:
        return self._values.get(f"{self._architecture}.{key}")

    def _own(self, key: str, default: int = 0) -> int:
        return whole(self._of(key), default)


def whole(value: object, default: int) -> int:
    """A count from the file; a list counts as its largest entry, nonsense as the default."""
    if isinstance(value, tuple):
        value = max((v for v in value if isinstance(v, int)), default=default)
    if isinstance(value, bool) or not isinstance(value, int):
        return default
    if not 0 <= value <= MAX_NUMBER:
        raise Broken(f"a count of {value:,} cannot be")
    return value
