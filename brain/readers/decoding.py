"""Bytes to text, whatever their encoding; shared by the text formats. Refuses what is not text.

Certain signs decide first: byte order marks, UTF-8 that holds. Then cheap counting over the encodings people have, which
beats statistics on short notes; charset-normalizer judges the rest.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from brain.errors import ReadError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins like that one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY = (
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"%PDF-", "a PDF"),
    (b"SQLite format 3\x00", "a database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"GGUF", "a model"),
)
_SAMPLE = 200_000
_FEW = 64  # control bytes that even a short text may hold: a terminal's output, a table of characters
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\x00\t\n\v\f\r\x1b") + b"\x7f"
_HIGH = bytes(range(128, 256))
_RUN = re.compile(rb"[\x80-\xff]+")


def decode(data: bytes, name: str) -> str:
    """The text of a file. Raises ReadError, which speaks of `name`, for binary data."""
    if not data:
        return ""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    for magic, kind in _BINARY:
        if data.startswith(magic):
            raise ReadError(f"{name} is {kind}, not text.", hint="Give it its proper ending, or move it away.")
    sample = data[:_SAMPLE]
    if wide := _wide(sample):
        return data.decode(wide, "replace")
    if escaped := _escaped(data):
        return escaped
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if controls > max(_FEW, len(sample) // 10) or sample.count(0) > len(sample) // 10:
        raise ReadError(f"{name} is binary data, not text.", hint="Give it its proper ending, or move it away.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if 0 in data:  # no old encoding has NULs in text
        raise ReadError(f"{name} is binary data, not text.", hint="Give it its proper ending, or move it away.")
    mended = data.decode("utf-8", "replace")
    lost = mended.count("\ufffd")
    if sum(map(len, re.findall(r"[^\x00-\x7f]+", mended[:_SAMPLE]))) > 4 * mended.count("\ufffd", 0, _SAMPLE) and (
        lost < len(mended) // 20 + 2
    ):
        return mended  # UTF-8 with a few bytes broken, as by a cut in the middle of a character
    return data.decode(_old_encoding(sample, name), "replace")


def _wide(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: the zero bytes of ASCII and of newlines stand in one column."""
    sample = sample[: len(sample) & ~3] or sample[: len(sample) & ~1]
    zeros = sample.count(0)
    if zeros * 50 < len(sample) or len(sample) < 4:
        return None
    columns = [sample[at::4].count(0) * 4 / len(sample) for at in range(4)]
    even, odd = (columns[0] + columns[2]) / 2, (columns[1] + columns[3]) / 2
    candidates = []
    if columns[3] > 0.9 and columns[2] > 0.5:
        candidates.append("utf-32-le")
    if columns[0] > 0.9 and columns[1] > 0.5:
        candidates.append("utf-32-be")
    if odd > 5 * even:
        candidates.append("utf-16-le")
    if even > 5 * odd:
        candidates.append("utf-16-be")
    for encoding in candidates:
        text = sample.decode(encoding, "replace")
        odd_ones = sum(1 for letter in text if letter == "\ufffd" or (letter < " " and letter not in "\t\n\r\f"))
        if odd_ones * 100 <= len(text):
            return encoding
    return None


def _escaped(data: bytes) -> str | None:
    """ISO-2022: seven bits, so it would pass for UTF-8."""
    for sign, encoding in ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2")):
        if sign in data:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
    return None


def _old_encoding(sample: bytes, name: str) -> str:
    sample = sample[: sample.rfind(b"\n") + 1] or sample if len(sample) == _SAMPLE else sample
    if declared := _declared(sample):
        return declared
    return _latin(sample) or _asian(sample) or _alphabetic(sample) or _guess(sample, name)


_DECLARED = re.compile(
    rb"""(?:<\?xml[^>]{0,80}?encoding|<meta[^>]{0,80}?charset|-\*-[^\n]{0,40}coding)\s*[=:]\s*["']?([\w-]+)"""
)

# Names that Python does not know, and those that writers use for a larger encoding: as browsers understand them.
_MEANT = {
    "x-sjis": "cp932",
    "shift-jis": "cp932",
    "x-euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "ks-c-5601-1987": "cp949",
    "big5": "cp950",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "x-mac-cyrillic": "mac_cyrillic",
}


def _declared(sample: bytes) -> str | None:
    """The encoding that the file says it has, where it holds."""
    found = _DECLARED.search(sample[:1024])
    if found is None:
        return None
    named = found[1].decode("ascii", "replace").lower()
    encoding = _MEANT.get(named.replace("_", "-"), named)
    try:
        sample.decode(encoding)
        return encoding
    except (LookupError, UnicodeError):
        return None


_TYPOGRAPHY = set("‘’“”„‚‹›«»–—…•·€£¥§©®™°½\xa0\xad")
# One language a line: its letters beyond ASCII. In the wrong encoding a text of any length leaves its language.
_LANGUAGES = tuple(
    (encoding, set(letters) | set(letters.upper()) | _TYPOGRAPHY)
    for encoding, letters in (
        ("cp1252", "äöüßé"),  # German
        ("cp1252", "éèêëàâçîïôûùüœæ²³"),  # French
        ("cp1252", "ñáéíóúü¿¡ªºçàèòï"),  # Spanish, Catalan
        ("cp1252", "ãõáâàéêíóôúçüªº"),  # Portuguese
        ("cp1252", "àèéìòùîªº"),  # Italian
        ("cp1252", "åäöæøé"),  # Nordic
        ("cp1252", "áéíóúýþæöð"),  # Icelandic
        ("cp1252", "ëéèïöüê"),  # Dutch
        ("cp1252", "äöüßéèêàâçîïôñ²³±µ×"),  # several of them in one note
        ("cp1254", "çğıöşüâîûİ"),  # Turkish
        *((encoding, letters) for letters in (
            "ąćęłńóśźż",  # Polish
            "áčďéěíňóřšťúůýž",  # Czech
            "áäčďéíĺľňóôŕšťúýž",  # Slovak
            "áéíóöőúüű",  # Hungarian
            "čšžćđ",  # Slovenian, Croatian
            "ăâîşţ",  # Romanian
        ) for encoding in ("iso8859_2", "cp1250")),
    )
)  # fmt: skip


def _latin(sample: bytes) -> str | None:
    """The encodings of Latin letters: some letters beyond ASCII, mostly alone, all of one language."""
    runs = _RUN.findall(sample)
    if sum(map(len, runs)) > 2.5 * len(runs):
        return None
    found: dict[str, set[str]] = {}
    for encoding, letters in _LANGUAGES:
        if encoding not in found:
            found[encoding] = set(re.findall(r"[^\x00-\x7f]", sample.decode(encoding, "replace")))
        if found[encoding] <= letters:
            return encoding
    return None


def _asian(sample: bytes) -> str | None:
    """Shift-JIS, EUC-JP, GB18030, Big5 and EUC-KR by their everyday characters, which each keeps in one place."""
    if len(sample.translate(None, _HIGH)) == len(sample):
        return None
    best, encoding = 0.0, None
    for candidate, everyday in _EVERYDAY.items():
        text = sample.decode(candidate, "replace")
        if text.count("\ufffd") * 100 > len(text):  # one at the end may be a character cut in two
            continue
        wide = re.findall(r"[^\x00-\x7f]", text)
        score = everyday("".join(wide)) if wide else 0.0
        if score > best:
            best, encoding = score, candidate
    return encoding if best >= 0.8 else None


_KANA = re.compile("[\u3040-\u30ff]")
_MARKS = re.compile("[\u3000-\u3020\uff00-\uff5e‘’“”…—·～]")


def _share_japanese(text: str) -> float:
    kana, marks = len(_KANA.findall(text)), len(_MARKS.findall(text))
    kanji = sum(1 for letter in text if "\u4e00" <= letter <= "\u9fff" and _first(letter, "euc_jp") <= 0xCF)
    body = len(text) - marks
    if body == 0 or kana < 0.15 * body:
        return 0.0
    return (kana + kanji + marks) / len(text)


def _share(text: str, encoding: str, low: int, high: int) -> float:
    marks = len(_MARKS.findall(text))
    common = sum(1 for letter in text if low <= _first(letter, encoding) <= high)
    return (common + marks) / len(text) if common else 0.0


def _first(letter: str, encoding: str) -> int:
    try:
        code = letter.encode(encoding)
    except UnicodeEncodeError:
        return 255
    return code[0] if len(code) == 2 else 255


_EVERYDAY: dict[str, Callable[[str], float]] = {
    "cp932": _share_japanese,
    "euc_jp": _share_japanese,
    "cp949": lambda text: 1.01 * _share(text, "euc_kr", 0xB0, 0xC8),
    "gb18030": lambda text: _share(text, "gb2312", 0xB0, 0xD7),
    "cp950": lambda text: _share(text, "big5", 0xA4, 0xC6),
}


_ALPHABETS = (
    *(
        (encoding, "абвгдежзийклмнопрстуфхцчшщъыьэюя", "оеаинтсрвлкмдпу")
        for encoding in ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855")
    ),
    ("cp1253", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ", "αοιετσνηυρπκλμςόίά"),
    ("cp1255", "אבגדהוזחטיךכלםמןנסעףפץצקרשת", "אבדהוחילםמנערשת"),
)


def _alphabetic(sample: bytes) -> str | None:
    """Cyrillic, Greek and Hebrew: the right encoding makes small letters, the most common ones most often."""
    runs = _RUN.findall(sample)
    if sum(map(len, runs)) < 1.6 * len(runs):
        return None
    best, encoding = 0.0, None
    for candidate, small, common in _ALPHABETS:
        wide = re.findall(r"[^\x00-\x7f]", sample.decode(candidate, "replace"))
        if len(wide) < 6:
            return None
        large = small.upper()
        points = 0.0
        before = ""
        for letter in wide[:20_000]:
            if letter in common:
                points += 1.0
            elif letter in small:
                points += 0.4
            elif letter in large:
                points += 0.3 if before not in small else -0.5
            else:
                points -= 0.6
            before = letter
        points /= min(len(wide), 20_000)
        if points > best:
            best, encoding = points, candidate
    return encoding if best >= 0.66 else None


def _guess(sample: bytes, name: str) -> str:
    import charset_normalizer

    found = charset_normalizer.from_bytes(sample).best()
    if found is not None:
        return found.encoding
    high = len(sample) - len(sample.translate(None, _HIGH))
    if high > len(sample) // 3:
        raise ReadError(f"{name} is binary data, not text.", hint="Give it its proper ending, or move it away.")
    return "cp1252"
