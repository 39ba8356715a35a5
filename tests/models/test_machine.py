"""What of the machine a model is given, and what the command line says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brain.cli import main
from brain.models import gguf, llama
from brain.models.desk import Refused
from brain.models.machine import ALL, attempts, can_offload, fitting_batch, physical_cores
from tests.models import families, tiny


def test_layers_are_tried_from_all_to_none_until_they_fit() -> None:
    assert attempts(ALL, 32, offloads=False) == attempts(12, 32, offloads=False) == (0,)
    assert attempts(ALL, 32, offloads=True) == (ALL, 24, 16, 8, 0)
    assert attempts(ALL, 1, offloads=True) == (ALL, 0)
    assert attempts(12, 32, offloads=True) == (12,)
    assert attempts(0, 32, offloads=True) == (0,)


def test_a_batch_is_the_machines_unless_it_is_set() -> None:
    assert fitting_batch(64, offloads=True) == 64
    assert fitting_batch(0, offloads=False) < fitting_batch(0, offloads=True)
    assert physical_cores() >= 1


@pytest.mark.parametrize(
    ("complaint", "tried"),
    [
        (
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000 MiB on device 0: cudaMalloc failed: out of memory",
            3,
        ),
        ("error loading model: missing tensor 'output.weight'", 1),
    ],
)
def test_fewer_layers_are_tried_where_the_card_is_full_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, tried: int
) -> None:
    import llama_cpp

    path, given = tiny.write_chat(tmp_path / "model.gguf"), []
    real = llama_cpp.Llama

    def full(path: str, **options: object) -> object:
        given.append(options["n_gpu_layers"])
        if options["n_gpu_layers"]:
            opened.complaints.append(complaint)
            raise ValueError("Failed to load model from file")
        return real(path, **options)

    opened = llama.Llama.__new__(llama.Llama)
    opened.library, opened.complaints = llama_cpp, []
    monkeypatch.setattr(llama_cpp, "Llama", full)
    if tried == 1:
        with pytest.raises(Refused, match="missing tensor"):
            opened._opened(str(path), (ALL, 1, 0), {"n_ctx": 256})
    else:
        assert opened._opened(str(path), (ALL, 1, 0), {"n_ctx": 256}) is not None
    assert given == [ALL, 1, 0][:tried]


def test_the_child_and_this_process_agree_on_what_the_build_can_do() -> None:
    assert can_offload() == llama.can_offload()
    assert gguf.can_offload is llama.can_offload


@pytest.mark.parametrize(
    ("template", "said"), [("", "its own"), (None, "none in the file"), ("{{ nobody.there.at_all }}", "does not work")]
)
def test_info_says_what_a_model_would_be_given(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    template: str | None,
    said: str,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[chat]\nthreads = 3\nbatch = 64\ngpu_layers = -1\n")
    monkeypatch.setenv("BRAIN_HOME", str(home))
    path = families.write(tmp_path / "model.gguf", families.CHATS["qwen3"], template=template)
    assert main(["models", "info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["threads"], facts["batch"]) == (3, 64)
    assert facts["gpu_layers"] == (2 if can_offload() else 0)
    assert said in facts["chat_template"]
