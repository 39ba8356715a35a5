"""How families of chat models talk: a template in their manner, the tokens it needs, the prompt it makes of one conversation,
and an answer as such a model writes it, thoughts and end included."""

from __future__ import annotations

from dataclasses import dataclass

# The conversation every prompt here is made of.
CONVERSATION = (("system", "Be short."), ("user", "a"), ("assistant", "b"), ("user", "c"))
DATE = "2000-01-01"  # stands for today in the prompts: as long as any other


@dataclass(frozen=True)
class Talk:
    """`prompt` is what the template makes of CONVERSATION; `says` what the model answers, a token each."""

    template: str | None
    controls: tuple[str, ...]
    prompt: str
    says: tuple[str, ...] = ("▁fine", "▁thanks", "<|im_end|>")
    thought: str = ""
    ends_prompt: str = "<0x0A>"  # its last token
    eos: str = "</s>"
    begins: bool = False  # the tokenizer puts <s> first
    source: str = "file"


_IM = ("<|im_start|>", "<|im_end|>")
_THINK = ("<think>", "</think>")
_IM_TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_IM_LOOP = "{% for m in messages %}" + _IM_TURN + "{% endfor %}"
_IM_OPEN = "{% if add_generation_prompt %}<|im_start|>assistant\n"
_IM_PROMPT = (
    "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
    "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n"
)

CHATML = Talk(
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    + _IM_LOOP
    + _IM_OPEN
    + "{% endif %}",
    _IM,
    _IM_PROMPT,
)
# A template of its own is missing, and its words for the end of a turn are no tokens.
NONE = Talk(None, (), _IM_PROMPT, says=("▁fine", "▁thanks", "<|im", "_end|>", "▁more", "</s>"), source="missing")
LFM2 = Talk("{{- bos_token -}}" + _IM_LOOP + _IM_OPEN + "{% endif %}", _IM, "<s>" + _IM_PROMPT, begins=True)
LLAMA3 = Talk(
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "<s>"
    + "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{said}<|eot_id|>"
        for role, said in (*CONVERSATION, ("assistant", ""))
    ).removesuffix("<|eot_id|>"),
    says=("▁fine", "▁thanks", "<|eot_id|>"),
    begins=True,
)
MISTRAL = Talk(
    "{{- bos_token }}{%- for m in messages %}{%- if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}[/SYSTEM_PROMPT]"
    "{%- elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{%- else %}{{ m.content }}{{ eos_token }}{%- endif %}{%- endfor %}",
    ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]", "[THINK]", "[/THINK]"),
    "<s>[SYSTEM_PROMPT]Be short.[/SYSTEM_PROMPT][INST]a[/INST]b</s>[INST]c[/INST]",
    says=("[THINK]", "▁hm", "[/THINK]", "▁fine", "▁thanks", "</s>"),
    thought="hm",
    ends_prompt="[/INST]",
    begins=True,
)
QWEN3 = Talk(
    "{%- for m in messages %}{%- set said = m.content.split('</think>')[-1].lstrip('\\n') %}"
    "{{- '<|im_start|>' + m.role + '\\n' + said + '<|im_end|>' + '\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}",
    (*_IM, *_THINK),
    _IM_PROMPT + "<think>\n\n</think>\n\n",
)
THINKING = Talk(
    _IM_LOOP + _IM_OPEN + "<think>\n{% endif %}",
    (*_IM, *_THINK),
    _IM_PROMPT + "<think>\n",
    says=("▁hm", "</think>", "▁fine", "▁thanks", "<|im_end|>"),
    thought="hm",
)
QWEN35 = Talk(
    _IM_LOOP
    + _IM_OPEN
    + "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    + "{% else %}<think>\n{% endif %}{% endif %}",
    (*_IM, *_THINK),
    _IM_PROMPT + "<think>\n\n</think>\n\n",
    says=("<think>", "▁hm", "</think>", "▁fine", "▁thanks", "<|im_end|>"),  # it does so all the same
    thought="hm",
)
_GEMMA = ("<start_of_turn>", "<end_of_turn>")
_GEMMA_PROMPT = (
    "<s><start_of_turn>user\nBe short.\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
    "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n"
)
GEMMA2 = Talk(
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}<start_of_turn>"
    "{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    _GEMMA,
    _GEMMA_PROMPT,
    says=("▁fine", "▁thanks", "<end_of_turn>"),
    begins=True,
)
GEMMA3 = Talk(
    "{{ bos_token }}{%- if messages[0]['role'] == 'system' -%}{%- set first = messages[0]['content'] + '\\n\\n' -%}"
    "{%- set turns = messages[1:] -%}{%- else -%}{%- set first = '' -%}{%- set turns = messages -%}{%- endif -%}"
    "{%- for m in turns -%}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n'"
    " + (first if loop.first else '') }}{{ m.content | trim }}{{ '<end_of_turn>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}",
    _GEMMA,
    _GEMMA_PROMPT,
    says=("▁fine", "▁thanks", "<end_of_turn>"),
    begins=True,
)
GEMMA4 = Talk(
    "{{ bos_token }}{%- for m in messages -%}{{ '<|turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' }}"
    "{{- m.content | trim }}{{ '<turn|>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|turn>model\\n' }}{%- endif -%}",
    ("<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>"),
    "<s><|turn>system\nBe short.<turn|>\n<|turn>user\na<turn|>\n<|turn>model\nb<turn|>\n<|turn>user\nc<turn|>\n<|turn>model\n",
    says=("<|channel>", "thought\n", "▁hm", "<channel|>", "▁fine", "▁thanks", "<turn|>"),
    thought="hm",
    begins=True,
)
PHI3 = Talk(
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
    "<|system|>\nBe short.<|end|>\n<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
    says=("▁fine", "▁thanks", "<|end|>"),
    eos="<|endoftext|>",
)
DEEPSEEK = Talk(
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}"
    "<｜User｜>{{ m.content }}{% else %}<｜Assistant｜>{{ m.content.split('</think>')[-1] }}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
    ("<｜User｜>", "<｜Assistant｜>", *_THINK),
    "<s>Be short.<｜User｜>a<｜Assistant｜>b</s><｜User｜>c<｜Assistant｜><think>\n",
    says=("▁hm", "</think>", "▁fine", "▁thanks", "</s>"),
    thought="hm",
    begins=True,
)
GRANITE = Talk(
    "{%- for m in messages %}{{- '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant' }}"
    "{%- if thinking %}{{- ' thinking' }}{%- endif %}{{- '<|end_of_role|>' }}{%- endif %}",
    ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
    "".join(
        f"<|start_of_role|>{role}<|end_of_role|>{said}<|end_of_text|>\n"
        for role, said in (*CONVERSATION, ("assistant", ""))
    ).removesuffix("<|end_of_text|>\n"),
    says=("▁fine", "▁thanks", "<|end_of_text|>"),
    ends_prompt="<|end_of_role|>",
    eos="<|end_of_text|>",
)
HARMONY = Talk(
    "{{- '<|start|>system<|message|>You are a model.\nCurrent date: ' + strftime_now('%Y-%m-%d') + '\n\nReasoning: ' }}"
    "{{- (reasoning_effort or 'medium') + '\n\n# Valid channels: analysis, commentary, final.<|end|>' }}"
    "{%- for m in messages %}{%- if m.role == 'system' %}"
    "{{- '<|start|>developer<|message|># Instructions\n\n' + m.content + '\n\n<|end|>' }}"
    "{%- elif m.role == 'assistant' %}{%- if '<|channel|>' in m.content %}{{- raise_exception('no tags here') }}{%- endif %}"
    "{{- '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|end|>' }}"
    "{%- else %}{{- '<|start|>user<|message|>' + m.content + '<|end|>' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}<|start|>assistant{%- endif %}",
    ("<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|return|>", "<|call|>"),
    f"<|start|>system<|message|>You are a model.\nCurrent date: {DATE}\n\nReasoning: low\n\n"
    "# Valid channels: analysis, commentary, final.<|end|><|start|>developer<|message|># Instructions\n\nBe short.\n\n<|end|>"
    "<|start|>user<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|end|>"
    "<|start|>user<|message|>c<|end|><|start|>assistant",
    # A led model says each token once: the second time the channel comes in letters.
    says=(
        *("<|channel|>", "analysis", "<|message|>", "▁hm", "<|end|>", "<|start|>", "assistant"),
        *("<|channel|>final<|message|>", "▁fine", "▁thanks", "<|return|>"),
    ),
    thought="hm",
    ends_prompt="<0x74>",
    eos="<|return|>",
)
SMOLLM3 = Talk(
    "{%- set mode = '/think' if enable_thinking is not defined or enable_thinking else '/no_think' -%}"
    "{{- '<|im_start|>system\n## Metadata\n\nToday: ' + strftime_now('%Y-%m-%d') + '\nReasoning Mode: ' + mode + '\n\n' -}}"
    "{%- if messages[0].role == 'system' -%}{{- messages[0].content -}}{%- endif -%}{{- '<|im_end|>\n' -}}"
    "{%- for m in messages -%}{%- if m.role == 'system' -%}{%- continue -%}{%- endif -%}"
    "{%- if m.role == 'assistant' -%}{%- generation -%}{{- '<|im_start|>assistant\n' + m.content + '<|im_end|>\n' -}}"
    "{%- endgeneration -%}{%- else -%}{{- '<|im_start|>user\n' + m.content + '<|im_end|>\n' -}}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}"
    "{%- if mode == '/no_think' -%}{{- '<think>\n\n</think>\n' -}}{%- endif -%}{%- endif -%}",
    (*_IM, *_THINK),
    f"<|im_start|>system\n## Metadata\n\nToday: {DATE}\nReasoning Mode: /no_think\n\nBe short.<|im_end|>\n"
    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n",
)
# Its words for turns are no tokens, so nothing but its template says where an answer ends that goes on with one.
OLMO2 = Talk(
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}"
    "{{ eos_token + '\n' if m.role == 'assistant' else '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
    (),
    "<s><|system|>\nBe short.\n<|user|>\na\n<|assistant|>\nb</s>\n<|user|>\nc\n<|assistant|>\n",
    says=("▁fine", "▁thanks", "<|us", "er|>", "▁more", "</s>"),
    begins=True,
)
_COHERE = (
    "<|START_OF_TURN_TOKEN|> <|END_OF_TURN_TOKEN|> <|SYSTEM_TOKEN|> <|USER_TOKEN|> <|CHATBOT_TOKEN|> "
    "<|START_THINKING|> <|END_THINKING|> <|START_RESPONSE|> <|END_RESPONSE|>"
)
_COHERE_PROMPT = (
    "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be short.<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>a<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>b<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>c<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
)
COMMAND_R = Talk(
    "{{ bos_token }}{% for m in messages %}{{ '<|START_OF_TURN_TOKEN|><|' + {'system': 'SYSTEM', 'user': 'USER', "
    "'assistant': 'CHATBOT'}[m.role] + '_TOKEN|>' + m.content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}",
    tuple(_COHERE.split()),
    _COHERE_PROMPT,
    says=("▁fine", "▁thanks", "<|END_OF_TURN_TOKEN|>"),
    ends_prompt="<|CHATBOT_TOKEN|>",
    eos="<|END_OF_TURN_TOKEN|>",
    begins=True,
)
COHERE2 = Talk(
    COMMAND_R.template,
    tuple(_COHERE.split()),
    _COHERE_PROMPT,
    says=(
        *("<|START_THINKING|>", "▁hm", "<|END_THINKING|>", "<|START_RESPONSE|>", "▁fine", "▁thanks"),
        *("<|END_RESPONSE|>", "<|END_OF_TURN_TOKEN|>"),
    ),
    thought="hm",
    ends_prompt="<|CHATBOT_TOKEN|>",
    eos="<|END_OF_TURN_TOKEN|>",
    begins=True,
)
# An answer ends with the next turn's first token, which is no end of text to the library.
GLM4 = Talk(
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|endoftext|>"),
    "[gMASK]<sop><|system|>\nBe short.<|user|>\na<|assistant|>\nb<|user|>\nc<|assistant|>\n",
    says=("▁fine", "▁thanks", "<|user|>", "▁more", "<|endoftext|>"),
    eos="<|endoftext|>",
)
