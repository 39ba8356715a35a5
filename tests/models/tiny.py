"""GGUF files small enough to write in a test: a chat model that says what it is told, and an embedder of random weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

from brain.models.convert import convert_bert

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}<start_of_turn>"
    "{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
DROPS_SYSTEM = (
    "{% for m in messages %}{% if m['role'] != 'system' %}[INST] {{ m['content'] }} [/INST]\n{% endif %}{% endfor %}"
)
THINKS = CHATML.replace("assistant\n{% endif", "assistant\n<think>{% endif")
SWITCH = CHATML.replace(
    "assistant\n{% endif",
    "assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif",
)
CONTROLS = (
    "<|im_start|> <|im_end|> <|start_header_id|> <|end_header_id|> <|eot_id|> <start_of_turn> <end_of_turn> [INST] [/INST]"
).split()
WORDS = tuple(f"▁word{n}" for n in range(20))
WIDTH = 384


def write_chat(
    path: Path,
    *,
    says: Sequence[str] = (*WORDS, "<|im_end|>"),
    template: str | None = CHATML,
    window: int = 2048,
    architecture: str = "llama",
    start: str = "<0x0A>",
) -> Path:
    """A llama whose weights are a chain: after `start` (the prompt's last token) it says each of `says` in turn.

    Pieces of `says`: "▁word" for " word", "<0xC3>" for a byte, or a control token. A repeated piece makes a loop.
    """
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256)), *CONTROLS]
    kinds = [2, 3, 3, *[6] * 256, *[3] * len(CONTROLS)]
    for marker in ("<think>", "</think>"):
        tokens.append(marker)
        kinds.append(4)
    for piece in says:
        if piece not in tokens:
            tokens.append(piece)
            kinds.append(1)
    assert len(tokens) <= WIDTH
    following = np.zeros((len(tokens), WIDTH), dtype=np.float16)
    for before, after in zip((start, *says), says, strict=False):
        following[tokens.index(after), tokens.index(before)] = 1
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    writer.add_context_length(window)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(6)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)
    shapes = {"attn_q": (384, 384), "attn_k": (128, 384), "attn_v": (128, 384), "attn_output": (384, 384)}
    shapes |= {"ffn_gate": (32, 384), "ffn_up": (32, 384), "ffn_down": (384, 32)}
    writer.add_tensor("token_embd.weight", np.eye(len(tokens), WIDTH, dtype=np.float16))
    for name, shape in shapes.items():
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, dtype=np.float16))
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("output.weight", following)
    _finish(writer)
    return path


def write_embedder(path: Path, *, window: int = 32, seed: int = 0) -> Path:
    """A one-layer BERT of random weights, made the way MiniLM is made."""
    weights, words = write_bert_files(path.parent, window=window, seed=seed)
    convert_bert(weights, words, path, name="tiny", window=window)
    return path


def write_reranker(path: Path, *, window: int = 64, seed: int = 0) -> tuple[Path, Path, Path]:
    """The embedder with a random classifier upon it; also the files it was made of. Its logits are those of `Bert.logit`."""
    embedder = path.with_name(f"{path.stem}-below.gguf")
    weights, words = write_bert_files(path.parent, window=window, seed=seed)
    convert_bert(weights, words, embedder, name="tiny", window=window)
    writer = _copied(embedder, path, gguf.PoolingType.RANK)
    for name, value in classifier(seed).items():
        writer.add_tensor(name, value)
    _finish(writer)
    return path, weights, words


def write_named(path: Path, *, name: str, pooling: gguf.PoolingType | None = None) -> Path:
    """The embedder under another name, which says how it pools or leaves that open."""
    below = write_embedder(path.with_name(f"{path.stem}-below.gguf"))
    _finish(_copied(below, path, pooling, name=name))
    return path


def _copied(source: Path, path: Path, pooling: gguf.PoolingType | None, *, name: str | None = None) -> gguf.GGUFWriter:
    """What an embedder's file holds, but for its pooling and its name, ready for more."""
    reader = gguf.GGUFReader(str(source))
    writer = gguf.GGUFWriter(str(path), "bert")
    left = {"general.architecture", "bert.pooling_type", *(["general.name"] if name else [])}
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in left:
            kind, *inner = field.types
            writer.add_key_value(field.name, field.contents(), kind, sub_type=inner[-1] if inner else None)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    if name:
        writer.add_name(name)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    return writer


def classifier(seed: int = 0) -> dict[str, np.ndarray]:
    """The head of `write_reranker`."""
    random = np.random.default_rng(seed + 1)
    return {
        "cls.weight": random.normal(0, 0.1, (WIDTH, WIDTH)).astype(np.float32),
        "cls.bias": random.normal(0, 0.1, WIDTH).astype(np.float32),
        "cls.output.weight": random.normal(0, 0.1, (1, WIDTH)).astype(np.float32),
        "cls.output.bias": np.zeros(1, np.float32),
    }


def write_bert_files(folder: Path, *, window: int = 32, seed: int = 0) -> tuple[Path, Path]:
    """safetensors and a word list, as the hub has them."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "bread", "train", "word", *letters]
    words += [f"##{letter}" for letter in letters]
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(words), WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.position_embeddings.weight": (window * 2, WIDTH),
    }
    layer = "encoder.layer.0."
    for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        shapes |= {f"{layer}{name}.weight": (WIDTH, WIDTH), f"{layer}{name}.bias": (WIDTH,)}
    shapes |= {f"{layer}intermediate.dense.weight": (64, WIDTH), f"{layer}intermediate.dense.bias": (64,)}
    shapes |= {f"{layer}output.dense.weight": (WIDTH, 64), f"{layer}output.dense.bias": (WIDTH,)}
    tensors = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for norm in ("embeddings.LayerNorm", f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"):
        tensors |= {f"{norm}.weight": np.ones(WIDTH, np.float32), f"{norm}.bias": np.zeros(WIDTH, np.float32)}
    table, at = {}, 0
    for name, tensor in tensors.items():
        table[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    head = json.dumps(table).encode()
    weights, vocabulary = folder / "model.safetensors", folder / "vocab.txt"
    with weights.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for tensor in tensors.values():
            file.write(tensor.tobytes())
    vocabulary.write_text("\n".join(words) + "\n", encoding="utf-8")
    return weights, vocabulary


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
