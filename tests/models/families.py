"""Tiny GGUFs of many families: the tensors, keys, tokens and chat templates that llama.cpp wants of each, random or led.

Random ones behave like models. Led ones say what a test tells them: nothing of a layer reaches the output but one chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.models import templates

WIDTH = 64
TOKENS = 384

NORMS = "attn_norm 64 ffn_norm 64"
ATTENTION = "attn_q 64,64 attn_k 64,32 attn_v 64,32 attn_output 64,64"
WIDE = "attn_q 64,128 attn_k 64,64 attn_v 64,64 attn_output 128,64"
FORWARD = "ffn_gate 64,96 ffn_up 64,96 ffn_down 96,64"
JOINT = "ffn_up 64,192 ffn_down 96,64"  # gate and up in one
EXPERTS = "ffn_gate_inp 64,4 ffn_gate_exps 64,32,4 ffn_up_exps 64,32,4 ffn_down_exps 32,64,4"
SHARED = "ffn_gate_shexp 64,32 ffn_up_shexp 64,32 ffn_down_shexp 32,64"
POST = "post_attention_norm 64 post_ffw_norm 64"
QK = "attn_q_norm 16 attn_k_norm 16"
QK_WIDE = "attn_q_norm 32 attn_k_norm 32"
LATENT = (
    "attn_norm 64 attn_q_a_norm 24 attn_kv_a_norm 32 attn_q_a 64,24 attn_q_b 24,96 attn_kv_a_mqa 64,40 "
    "attn_k_b 16,32,4 attn_v_b 32,16,4 attn_output 64,64 ffn_norm 64"
)
MAMBA = (
    "attn_norm 64 ssm_in 64,256 ssm_conv1d 4,128 ssm_conv1d.bias 128 ssm_x 128,260 ssm_dt 4,128 ssm_dt.bias 128 "
    "ssm_a. 128,128 ssm_d. 128 ssm_out 128,64"
)
MAMBA2 = "ssm_conv1d.bias 384 ssm_in 64,520 ssm_conv1d 4,384 ssm_dt.bias 8 ssm_a. 1,8 ssm_d. 1,8 ssm_out 128,64"
DELTA = (
    "attn_norm 64 post_attention_norm 64 attn_qkv 64,384 attn_gate 64,128 ssm_conv1d 4,384 ssm_dt.bias 2 ssm_a. 2 "
    "ssm_beta 64,2 ssm_alpha 64,2 ssm_norm 64 ssm_out 128,64"
)
ENCODER_NORMS = "attn_output_norm 64 attn_output_norm.bias 64 layer_output_norm 64 layer_output_norm.bias 64"
EMBEDDED = "token_embd_norm 64 token_embd_norm.bias 64"

HEADS = {"attention.key_length": 16, "attention.value_length": 16}
HEADS_WIDE = {"attention.key_length": 32, "attention.value_length": 32}
SLIDING = {"attention.sliding_window": 64}
MIXED = {"expert_count": 4, "expert_used_count": 2, "expert_feed_forward_length": 32}
SCALES = {"attention.scale": 0.25, "embedding_scale": 1.0, "residual_scale": 1.0, "logit_scale": 1.0}
STATE = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 128,
    "ssm.state_size": 128,
    "ssm.time_step_rank": 8,
    "ssm.group_count": 1,
}
POOLED = {"pooling_type": 1, "attention.causal": False}


@dataclass(frozen=True)
class Family:
    """One architecture: the layers' tensors, keys beyond the common ones, what stands beside the layers, and how it talks."""

    architecture: str
    layers: tuple[str, ...]
    keys: Mapping[str, Any] = field(default_factory=dict)
    beside: str = "output_norm 64 output 64,N"
    talk: templates.Talk = templates.CHATML


CHATS = {
    "llama": Family("llama", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2, talk=templates.LLAMA3),
    "mistral": Family("llama", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2, talk=templates.MISTRAL),
    "nothing": Family("llama", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2, talk=templates.NONE),
    "qwen2": Family("qwen2", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2),
    "qwen3": Family("qwen3", (f"{NORMS} {ATTENTION} {QK} {FORWARD}",) * 2, HEADS, talk=templates.QWEN3),
    "qwen3moe": Family(
        "qwen3moe", (f"{NORMS} {ATTENTION} {QK} {EXPERTS}",) * 2, {**HEADS, **MIXED}, talk=templates.THINKING
    ),
    "gemma2": Family(
        "gemma2",
        (f"{NORMS} {WIDE} {FORWARD} {POST}",) * 2,
        {**HEADS_WIDE, **SLIDING, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        beside="output_norm 64",
        talk=templates.GEMMA2,
    ),
    "gemma3": Family(
        "gemma3",
        (f"{NORMS} {WIDE} {QK_WIDE} {FORWARD} {POST}",) * 6,
        {**HEADS_WIDE, **SLIDING},
        talk=templates.GEMMA3,
    ),
    "gemma4": Family(
        "gemma4",
        (
            f"{NORMS} {ATTENTION} {QK} {FORWARD} {POST}",
            f"{NORMS} {WIDE} {QK_WIDE} {FORWARD} {POST}",
            f"{NORMS} {ATTENTION} {QK} {FORWARD} {POST}",
            f"{NORMS} {WIDE} {QK_WIDE} {FORWARD} {POST}",
            f"{NORMS} attn_q 64,64 attn_v 64,32 attn_output 64,64 attn_q_norm 16 {FORWARD} {POST}",
            f"{NORMS} attn_q 64,128 attn_v 64,64 attn_output 128,64 attn_q_norm 32 {FORWARD} {POST}",
        ),
        {
            **HEADS_WIDE,
            **SLIDING,
            "rope.dimension_count": 32,
            "rope.dimension_count_swa": 16,
            "attention.key_length_swa": 16,
            "attention.value_length_swa": 16,
            "attention.sliding_window_pattern": [True, False] * 3,
            "attention.shared_kv_layers": 2,
            "embedding_length_per_layer_input": 0,
        },
        beside="output_norm 64 output 64,N rope_freqs 16",
        talk=templates.GEMMA4,
    ),
    "phi3": Family(
        "phi3",
        (f"{NORMS} attn_qkv 64,128 attn_output 64,64 {JOINT}",) * 2,
        {**SLIDING, "rope.dimension_count": 16, "rope.scaling.original_context_length": 2048},
        talk=templates.PHI3,
    ),
    "deepseek2": Family(
        "deepseek2",
        (f"{LATENT} {FORWARD}", f"{LATENT} {EXPERTS} {SHARED}"),
        {
            **MIXED,
            "vocab_size": TOKENS,
            "attention.head_count_kv": 1,
            "attention.key_length": 40,
            "attention.value_length": 32,
            "attention.key_length_mla": 24,
            "attention.value_length_mla": 16,
            "attention.kv_lora_rank": 32,
            "attention.q_lora_rank": 24,
            "rope.dimension_count": 8,
            "leading_dense_block_count": 1,
            "expert_shared_count": 1,
            "expert_weights_scale": 1.0,
            "expert_gating_func": 2,
        },
        talk=templates.DEEPSEEK,
    ),
    "granite": Family("granite", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2, SCALES, talk=templates.GRANITE),
    "gpt-oss": Family(
        "gpt-oss",
        (
            f"attn_norm 64 post_attention_norm 64 {ATTENTION} attn_output.bias 64 attn_sinks 4 {EXPERTS} "
            "ffn_gate_inp.bias 4 ffn_gate_exps.bias 32,4 ffn_up_exps.bias 32,4 ffn_down_exps.bias 64,4",
        )
        * 2,
        {**HEADS, **SLIDING, **MIXED},
        talk=templates.HARMONY,
    ),
    "smollm3": Family("smollm3", (f"{NORMS} {ATTENTION} {FORWARD}",) * 2, talk=templates.SMOLLM3),
    "olmo2": Family(
        "olmo2", (f"{ATTENTION} attn_q_norm 64 attn_k_norm 32 {FORWARD} {POST}",) * 2, talk=templates.OLMO2
    ),
    "command-r": Family(
        "command-r",
        (f"attn_norm 64 {ATTENTION} {FORWARD}",) * 2,
        {"logit_scale": 1.0},
        beside="output_norm 64",
        talk=templates.COMMAND_R,
    ),
    "cohere2": Family(
        "cohere2",
        (f"attn_norm 64 {ATTENTION} {FORWARD}",) * 4,
        {**HEADS, **SLIDING, "logit_scale": 1.0, "rope.dimension_count": 16},
        beside="output_norm 64",
        talk=templates.COHERE2,
    ),
    "glm4": Family("glm4", (f"{NORMS} {ATTENTION} {JOINT} {POST}",) * 2, HEADS, talk=templates.GLM4),
    "mamba": Family(
        "mamba",
        (MAMBA,) * 2,
        {
            "attention.head_count": 0,
            "attention.head_count_kv": None,
            "feed_forward_length": 0,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 128,
            "ssm.state_size": 128,
            "ssm.time_step_rank": 4,
        },
        talk=templates.NONE,
    ),
    "lfm2": Family(
        "lfm2",
        (
            f"{NORMS} shortconv.conv 3,64 shortconv.in_proj 64,192 shortconv.out_proj 64,64 {FORWARD}",
            f"{NORMS} {ATTENTION} {QK} {FORWARD}",
        ),
        {"attention.head_count_kv": [0, 2], "shortconv.l_cache": 3},
        beside="token_embd_norm 64 output 64,N",
        talk=templates.LFM2,
    ),
    "falcon-h1": Family(
        "falcon-h1",
        (f"attn_norm 64 ffn_norm. 64 {ATTENTION} {MAMBA2} {FORWARD}",) * 2,
        {**HEADS, **STATE},
        talk=templates.CHATML,
    ),
    "granitehybrid": Family(
        "granitehybrid",
        (f"{NORMS} {MAMBA2} ssm_norm 128 {FORWARD}", f"{NORMS} {ATTENTION} {FORWARD}"),
        {"attention.head_count_kv": [0, 2], **STATE, **SCALES},
        talk=templates.GRANITE,
    ),
    "qwen35": Family(
        "qwen35",
        (
            *(f"{DELTA} {FORWARD}",) * 3,
            f"attn_norm 64 post_attention_norm 64 attn_q 64,128 attn_k 64,32 attn_v 64,32 attn_output 64,64 {QK} {FORWARD}",
        ),
        {
            **HEADS,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 128,
            "ssm.state_size": 64,
            "ssm.time_step_rank": 2,
            "ssm.group_count": 2,
            "full_attention_interval": 4,
            "rope.dimension_sections": [2, 2, 2, 0],
            "rope.dimension_count": 8,
        },
        talk=templates.QWEN35,
    ),
}
RECURRENT = ("mamba", "lfm2", "falcon-h1", "granitehybrid", "qwen35")

EMBEDDERS = {
    "bert": Family(
        "bert",
        (f"{ATTENTION} {ENCODER_NORMS} ffn_up 64,96 ffn_down 96,64",) * 2,
        POOLED,
        beside=f"position_embd 64,512 {EMBEDDED}",
    ),
    "nomic-bert": Family("nomic-bert", (f"{ATTENTION} {ENCODER_NORMS} {FORWARD}",) * 2, POOLED, beside=EMBEDDED),
    "modern-bert": Family(
        "modern-bert",
        (
            f"attn_qkv 64,192 attn_output 64,64 {JOINT} ffn_norm 64",
            f"attn_norm 64 attn_qkv 64,192 attn_output 64,64 {JOINT} ffn_norm 64",
        ),
        {**POOLED, **SLIDING, "attention.head_count_kv": 4},
        beside="token_embd_norm 64 output_norm 64",
    ),
    "gemma-embedding": Family(
        "gemma-embedding",
        (f"{NORMS} {ATTENTION} {QK} {FORWARD} {POST}",) * 6,  # every sixth looks at the whole text
        {**HEADS, **SLIDING, "pooling_type": 1},
        beside="output_norm 64",
    ),
    "qwen3": Family(
        "qwen3", (f"{NORMS} {ATTENTION} {QK} {FORWARD}",) * 2, {**HEADS, "pooling_type": 3}, beside="output_norm 64"
    ),
}


def write(
    path: Path,
    family: Family,
    *,
    says: Sequence[str] = (),
    start: str | None = None,
    seed: int = 0,
    window: int = 2048,
    template: str | None = "",
) -> Path:
    """A model of the family. With `says` it is led: after `start` (else what ends its prompts) it says each in turn.

    `template` "" is the family's own, None is none.
    """
    tokens, kinds = _vocabulary(family.talk.controls, says)
    random = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray[Any, Any]] = {"token_embd.weight": _random(random, "", (TOKENS, WIDTH))}
    for name, shape in _shapes(family.beside):
        tensors[name] = _random(random, name, shape)
    for number, layer in enumerate(family.layers):
        for name, shape in _shapes(layer):
            tensors[f"blk.{number}.{name}"] = _random(random, name, shape)
    if says:
        numbers = [tokens.index(piece) for piece in (start or family.talk.ends_prompt, *says)]
        _lead(tensors, list(pairwise(numbers)), last=len(family.layers) - 1)
    writer = gguf.GGUFWriter(str(path), family.architecture)
    writer.add_name("tiny")
    _add_keys(writer, family, window)
    _add_tokens(writer, family.talk, tokens, kinds)
    if (chosen := family.talk.template if template == "" else template) is not None:
        writer.add_chat_template(chosen)
    for tensor, value in tensors.items():
        writer.add_tensor(tensor, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _lead(tensors: dict[str, np.ndarray[Any, Any]], links: list[tuple[int, int]], *, last: int) -> None:
    """Have no layer add anything, and make one token follow the other: through the output, or, where a family has none of
    its own, through the last layer's feed-forward, one hidden number a link."""
    embedded = tensors["token_embd.weight"]
    for name, tensor in tensors.items():
        if any(part in name for part in ("attn_output", "ffn_down", "ssm_out", "out_proj")) and "_norm" not in name:
            tensor[:] = 0
    if "output.weight" in tensors:
        tensors["output.weight"][:] = 0
        for before, after in links:
            tensors["output.weight"][after] += embedded[before]
        return
    gate, up, down = (tensors[f"blk.{last}.ffn_{part}.weight"] for part in ("gate", "up", "down"))
    gate[:], up[:] = 0, 0
    for at, (before, after) in enumerate(links):
        gate[at] = up[at] = embedded[before] * 0.6
        down[:, at] = embedded[after]
    if (post := f"blk.{last}.post_ffw_norm.weight") in tensors:
        tensors[post][:] = 100


def _random(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    if "norm" in name:
        return np.ones(shape, dtype=np.float32)
    numbers = random.normal(0, 0.3, shape).astype(np.float32)
    return -np.abs(numbers) if name.endswith("ssm_a") else numbers  # a state fades, or it grows without end


def _shapes(written: str) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes, rows last as numpy has them. A name with a dot at its end has no ".weight"."""
    words = written.split()
    found = []
    for name, shape in zip(words[::2], words[1::2], strict=True):
        whole = name.rstrip(".") if name.endswith((".", ".bias")) else f"{name}.weight"
        sizes = tuple(TOKENS if size == "N" else int(size) for size in reversed(shape.split(",")))
        found.append((whole, sizes))
    return found


def _vocabulary(controls: Sequence[str], says: Sequence[str]) -> tuple[list[str], list[int]]:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256))]
    kinds = [2, 3, 3, *[6] * 256]
    for more, kind in ((controls, 3), (says, 1)):
        for piece in more:
            if piece not in tokens:
                tokens.append(piece)
                kinds.append(4 if piece in ("<think>", "</think>") else kind)
    spare = TOKENS - len(tokens)
    return [*tokens, *(f"▁spare{n}" for n in range(spare))], [*kinds, *[1] * spare]


def _add_keys(writer: gguf.GGUFWriter, family: Family, window: int) -> None:
    common = {
        "context_length": window,
        "embedding_length": WIDTH,
        "block_count": len(family.layers),
        "feed_forward_length": 96,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.layer_norm_epsilon": 1e-5,
    }
    for key, value in {**common, **family.keys}.items():
        name = f"{family.architecture}.{key}"
        match value:
            case None:
                continue
            case bool():
                writer.add_bool(name, value)
            case int():
                writer.add_uint32(name, value)
            case float():
                writer.add_float32(name, value)
            case _:
                writer.add_array(name, value)


def _add_tokens(writer: gguf.GGUFWriter, talk: templates.Talk, tokens: list[str], kinds: list[int]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(tokens.index(talk.eos))
    writer.add_add_bos_token(talk.begins)
    writer.add_add_space_prefix(False)
