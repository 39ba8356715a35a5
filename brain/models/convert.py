"""MiniLM as its makers publish it (safetensors and a word list) to one GGUF file.

Knows BERT embedders with a WordPiece vocabulary and mean pooling, nothing else. Stands on the `gguf` package.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.errors import ModelError

LARGEST_TABLE = 10_000_000  # bytes of JSON in front of the tensors; MiniLM has 12,000
HEADS = {384: 12, 768: 12, 1024: 16}  # by width: the published BERT family; the file itself does not say
PER_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
IN_FRONT = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.LayerNorm": "token_embd_norm",
}


def convert_bert(weights: Path, words: Path, target: Path, *, name: str, window: int) -> None:
    """Write `target` from the tensors in `weights` and the WordPiece list in `words` (one word a line).

    `window` is the length the model was trained on: the position table is cut to it, so that nobody can feed it
    more. Large matrices become f16, the rest stays f32. Raises ModelError for files that are no BERT.
    """
    import gguf

    try:
        tensors = read_safetensors(weights)
        vocabulary = words.read_text(encoding="utf-8").split("\n")
        if vocabulary and not vocabulary[-1]:
            vocabulary.pop()
        layers = 1 + max(int(key.split(".")[2]) for key in tensors if key.startswith("encoder.layer."))
        embeddings = tensors["embeddings.word_embeddings.weight"]
        width = embeddings.shape[1]
        if len(vocabulary) != embeddings.shape[0]:
            raise ValueError(f"{len(vocabulary)} words for {embeddings.shape[0]} rows")

        writer = gguf.GGUFWriter(str(target), "bert")
        writer.add_name(name)
        writer.add_context_length(window)
        writer.add_embedding_length(width)
        writer.add_block_count(layers)
        writer.add_feed_forward_length(tensors["encoder.layer.0.intermediate.dense.weight"].shape[0])
        writer.add_head_count(HEADS[width])
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        _add_vocabulary(writer, vocabulary)
        for ours, tensor in _renamed(tensors, layers, window).items():
            writer.add_tensor(ours, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except (KeyError, ValueError, IndexError, UnicodeError, struct.error) as error:
        raise ModelError(f"{weights.name} is not the embedding model it should be", hint="Pull it again.") from error


def read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The f32 tensors of a safetensors file by name. Raises ValueError where the file is not one."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > LARGEST_TABLE:
            raise ValueError("the table in front is too long")
        table: dict[str, Any] = json.loads(file.read(length))
    room = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    tensors = {}
    for name, entry in table.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        if not 0 <= start <= end <= room.size:
            raise ValueError(f"{name} lies outside the file")
        tensors[name] = room[start:end].view(np.float32).reshape(entry["shape"])
    return tensors


def _renamed(
    tensors: Mapping[str, NDArray[np.float32]], layers: int, window: int
) -> dict[str, NDArray[np.float32] | NDArray[np.float16]]:
    """The tensors under the names and in the types llama.cpp expects."""
    names = dict(IN_FRONT)
    for layer in range(layers):
        names |= {f"encoder.layer.{layer}.{a}": f"blk.{layer}.{b}" for a, b in PER_LAYER.items()}
    out: dict[str, NDArray[np.float32] | NDArray[np.float16]] = {}
    for theirs, ours in names.items():
        for part in ("weight", "bias"):
            tensor = tensors.get(f"{theirs}.{part}")
            if tensor is None:
                if part == "weight":
                    raise KeyError(theirs)
                continue
            if ours == "position_embd":
                tensor = tensor[:window]
            is_matrix = tensor.ndim == 2 and ours not in ("position_embd", "token_types")
            out[f"{ours}.{part}"] = tensor.astype(np.float16) if is_matrix else np.ascontiguousarray(tensor)
    return out


def _add_vocabulary(writer: Any, vocabulary: list[str]) -> None:
    """WordPiece as llama.cpp spells it: `##x` is `x`, a word's first piece has a leading "▁", specials stay."""
    import gguf

    def spelled(word: str) -> str:
        if word.startswith("[") and word.endswith("]"):
            return word
        return word[2:] if word.startswith("##") else "\u2581" + word

    def kind(word: str) -> int:
        if word == "[UNK]":
            return int(gguf.TokenType.UNKNOWN)
        is_special = word.startswith("[") and word.endswith("]")
        return int(gguf.TokenType.CONTROL if is_special else gguf.TokenType.NORMAL)

    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([spelled(word) for word in vocabulary])
    writer.add_token_types([kind(word) for word in vocabulary])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(vocabulary.index("[CLS]"))
    writer.add_eos_token_id(vocabulary.index("[SEP]"))
    writer.add_sep_token_id(vocabulary.index("[SEP]"))
    writer.add_unk_token_id(vocabulary.index("[UNK]"))
    writer.add_pad_token_id(vocabulary.index("[PAD]"))
    writer.add_mask_token_id(vocabulary.index("[MASK]"))
