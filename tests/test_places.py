"""Where something has changed."""

import pytest

from brain.places import Place, outermost


@pytest.mark.parametrize(
    ("place", "path", "holds"),
    [
        (Place("/n/a"), "/n/a", True),
        (Place("/n/a"), "/n/a/b/c.md", True),
        (Place("/n/a"), "/n/ab.md", False),
        (Place("/n/a", is_deep=False), "/n/a/c.md", True),
        (Place("/n/a", is_deep=False), "/n/a/b/c.md", False),
        (Place("/n/a", is_deep=False), "/n/a", False),
        (Place("/"), "/n/a", True),
        (Place("/", is_deep=False), "/n/a", False),
        (Place("/", is_deep=False), "/a.md", True),
    ],
)
def test_a_place_holds_its_own_files_or_all_below_it(place, path, holds):
    assert place.holds(path) is holds


def test_what_lies_in_a_deep_place_is_not_looked_at_twice():
    deep, beside = Place("/n/a"), Place("/n/a-b", is_deep=False)
    shallow = Place("/n", is_deep=False)
    inner = [Place("/n/a", is_deep=False), Place("/n/a/b"), Place("/n/a/b/c", is_deep=False)]
    assert set(outermost([*inner, beside, deep, shallow, deep])) == {shallow, deep, beside}
    assert outermost([Place("/n/x", is_deep=False), Place("/n/x/y")]) == [Place("/n/x", is_deep=False), Place("/n/x/y")]
