"""Writes a GGUF as several files, the way llama.cpp's own splitter does."""

from __future__ import annotations

from pathlib import Path

import gguf


def split(whole: Path, stem: str, parts: int) -> list[Path]:
    """Write `stem-00001-of-0000N.gguf` and so on beside `whole`, the first with everything but most of the tensors."""
    reader = gguf.GGUFReader(str(whole))
    architecture = reader.fields["general.architecture"].contents()
    share = -(-len(reader.tensors) // parts)
    written = []
    for number in range(parts):
        path = whole.with_name(f"{stem}-{number + 1:05d}-of-{parts:05d}.gguf")
        writer = gguf.GGUFWriter(str(path), architecture)
        if number:  # only the first says what it is
            writer.kv_data[0].clear()
        else:
            for item in reader.fields.values():
                if not item.name.startswith("GGUF.") and item.name != "general.architecture":
                    kind, *inner = item.types
                    writer.add_key_value(item.name, item.contents(), kind, sub_type=inner[-1] if inner else None)
        writer.add_key_value("split.no", number, gguf.GGUFValueType.UINT16)
        writer.add_key_value("split.count", parts, gguf.GGUFValueType.UINT16)
        writer.add_key_value("split.tensors.count", len(reader.tensors), gguf.GGUFValueType.INT32)
        for tensor in reader.tensors[number * share : (number + 1) * share]:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        written.append(path)
    return written
