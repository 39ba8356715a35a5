import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import ReadError
from brain.readers.decoding import decode

PIECES = {
    "cp1252": ["Müller café", "Größe, año, façade", "naïve “quoted” — £5", "El niño comió en Málaga. ¿Qué?"],
    "iso8859_2": ["Zażółć gęślą jaźń, łódź", "Příliš žluťoučký kůň úpěl ďábelské ódy"],
    "cp1254": ["İstanbul'da güneşli bir gün, ağaç ve kuş"],
    "cp1251": ["Привет, мир! Это записка о встрече."],
    "koi8_r": ["Привет, мир! Это записка о встрече."],
    "cp1253": ["Η συνάντηση είναι την Τρίτη στην Αθήνα"],
    "cp1255": ["הפגישה תתקיים ביום שלישי בתל אביב"],
    "shift_jis": ["日本語の文章です。", "来週の会議は東京で行います"],
    "euc_jp": ["日本語の文章です。来週の会議は東京で行います"],
    "iso2022_jp": ["日本語の文章です。"],
    "gb18030": ["中文笔记：北京是中国的首都。", "明天下午三点开会"],
    "big5": ["中文筆記：台北是台灣的首都。"],
    "euc_kr": ["안녕하세요 세계", "다음 주 화요일에 서울에서 회의가 있습니다"],
    "utf-16-le": ["hi there", "日本語\nテスト 文\n" * 3],
    "utf-16-be": ["Grüße an alle"],
    "utf-32-le": ["abc"],
    "utf-32-be": ["Привет, мир"],
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in PIECES.items() for text in texts])
def test_short_notes_in_old_encodings(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), "note.txt") == text


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        ("x-sjis", "cp932", "①②③髙﨑㍉"),
        ("Shift_JIS", "cp932", "①②③髙﨑㍉"),
        ("iso-8859-1", "cp1252", "“50 €” – ‘so’"),
        ("gb2312", "gb18030", "镕㐀"),
        ("euc-kr", "cp949", "똠방각하"),
        ("no-such-encoding", "cp1252", "Größe"),
    ],
)
def test_a_declared_encoding_means_what_browsers_understand_by_it(declared: str, encoding: str, text: str) -> None:
    page = f'<html><meta charset="{declared}"><p>{text}</p></html>'
    assert decode(page.encode(encoding), "page.txt") == page


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_decide_and_are_left_out(encoding: str) -> None:
    assert decode("Grüße".encode(encoding), "note.txt") == "Grüße"


@given(st.text())
def test_utf8_always_wins(text: str) -> None:
    text = "é" + text.replace("\x00", "").replace("\x1b", "")
    if sum(letter < " " or letter == "\x7f" for letter in text) * 10 <= len(text):
        assert decode(text.encode(), "note.txt") == text


def test_one_broken_byte_does_not_cost_the_other_letters() -> None:
    assert decode("Grüße aus Köln, schöne Stadt".encode() + b"\xc3", "note.txt").startswith("Grüße aus Köln")


def test_a_few_zero_bytes_in_text_are_borne() -> None:
    assert "after" in decode(b"keyword before\x00\x00\x00after the gap\n", "note.md")


@pytest.mark.parametrize(
    "data",
    [b"\x7fELF\x02\x01" + bytes(99), b"PK\x03\x04" + bytes(99), b"%PDF-1.7\n%abc", bytes(range(256)) * 50, bytes(5000)],
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"^note\.txt is .*not text"):
        decode(data, "note.txt")


@given(st.binary(max_size=400))
def test_any_bytes_give_text_or_a_reason(data: bytes) -> None:
    try:
        assert isinstance(decode(data, "note.txt"), str)
    except ReadError as error:
        assert error.reason


def test_a_short_text_full_of_control_characters_is_still_text() -> None:
    text = "keyword " + "".join(map(chr, range(1, 32))) + "\x08" * 20 + " end"
    assert decode(text.encode(), "controls.md") == text
