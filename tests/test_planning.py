"""What is on disk × what is stored → steps."""

from pathlib import Path

import pytest

from brain import planning
from brain.planning import FEW, MANY, Look, Move, Remove, Stamp, Stored, looks_unmounted

A, B, C = Path("/n/a.md"), Path("/n/b.md"), Path("/n/sub/c.md")


def plan(seen, stored, *, kept=(), **options):
    """The plan for Paths: inside it paths are strings."""
    seen = {str(path): its for path, its in seen.items()}
    stored = {str(path): its for path, its in stored.items()}
    return planning.plan(seen, stored, kept=[str(path) for path in kept], **options)


def stamp(mtime: int = 1, *, ctime: int = 1, size: int = 10, inode: int = 1) -> Stamp:
    return Stamp(mtime, ctime, size, inode)


def stored(a_stamp: Stamp, *, recipe: str = "r", failed: bool = False) -> Stored:
    return Stored(a_stamp, "sha", recipe, failed)


def test_nothing_changed_plans_nothing():
    assert plan({A: stamp()}, {A: stored(stamp())}, recipes=("r",)) == []


def test_new_files_are_read_newest_first():
    steps = plan({A: stamp(1), B: stamp(9, inode=2)}, {}, recipes=("r",))
    assert steps == [Look(B, stamp(9, inode=2), None), Look(A, stamp(1), None)]


def test_replacement_that_keeps_time_and_size_is_seen():
    replaced = stamp(ctime=2, inode=7)
    assert plan({A: replaced}, {A: stored(stamp())}, recipes=("r",)) == [Look(A, replaced, stored(stamp()))]


def test_renamed_file_is_moved_and_not_read():
    moved = stamp(ctime=5)
    assert plan({B: moved}, {A: stored(stamp())}, recipes=("r",)) == [Move(B, A, moved)]


def test_hard_link_beside_its_first_name_is_read_as_a_new_file():
    assert plan({A: stamp(), B: stamp()}, {A: stored(stamp())}, recipes=("r",)) == [Look(B, stamp(), None)]


def test_missing_file_is_removed_but_never_below_a_kept_folder():
    known = {A: stored(stamp()), C: stored(stamp(inode=3))}
    assert plan({}, known, recipes=("r",), kept=[Path("/n/sub")]) == [Remove(A)]


def test_a_kept_file_is_not_removed():
    assert plan({}, {A: stored(stamp()), B: stored(stamp(inode=2))}, recipes=("r",), kept=[A]) == [Remove(B)]


def test_removals_wait_only_for_a_few_files_and_those_that_may_hold_the_same_text():
    many = {Path(f"/n/{at}.md"): stamp(1000 - at, size=7, inode=1000 + at) for at in range(3 * FEW)}
    alike = {Path("/n/size.md"): stamp(2, size=5, inode=2), Path("/n/inode.md"): stamp(1, size=9, inode=1)}
    steps = plan(many | alike, {A: stored(stamp(size=5, inode=1))}, recipes=("r",))
    at = steps.index(Remove(A))
    assert [step.path for step in steps[:at]] == [*list(many)[:FEW], *alike]
    assert len(steps) == len(many) + len(alike) + 1


@pytest.mark.parametrize(
    ("known", "gone", "is_bare", "is_another", "unmounted"),
    [
        (MANY, MANY, True, False, True),
        (MANY - 1, MANY - 1, True, False, False),
        (100, 100, False, False, False),
        (100, 51, False, True, True),
        (100, 50, False, True, False),
        (1, 1, True, True, True),
        (100, 0, False, True, False),
        (0, 0, True, True, False),
    ],
)
def test_a_folder_is_believed_unless_it_looks_unmounted(known, gone, is_bare, is_another, unmounted):
    assert looks_unmounted(known=known, gone=gone, is_bare=is_bare, is_another=is_another) is unmounted


def test_file_under_a_kept_folder_is_no_source_of_a_move():
    assert plan({A: stamp()}, {C: stored(stamp())}, recipes=("r",), kept=[Path("/n/sub")]) == [Look(A, stamp(), None)]


def test_other_recipe_reads_again_unless_recipes_do_not_count():
    known = {A: stored(stamp(), recipe="old")}
    assert plan({A: stamp()}, known, recipes=("new",)) == [Look(A, stamp(), known[A])]
    assert plan({A: stamp()}, known, recipes=None) == []


def test_failed_file_waits_for_a_change():
    known = {A: stored(stamp(), recipe="read 1", failed=True)}
    assert plan({A: stamp()}, known, recipes=("new",), reading="read 1") == []
    assert plan({A: stamp(2)}, known, recipes=("new",), reading="read 1") == [Look(A, stamp(2), known[A])]


def test_failed_file_is_tried_again_by_a_brain_that_reads_otherwise():
    known = {A: stored(stamp(), recipe="read 1", failed=True)}
    assert plan({A: stamp()}, known, recipes=None, reading="read 2") == [Look(A, stamp(), known[A])]


def test_failed_file_is_no_source_of_a_move():
    known = {A: stored(stamp(), failed=True)}
    assert plan({B: stamp()}, known, recipes=("r",)) == [Look(B, stamp(), None), Remove(A)]


def test_two_files_swapping_names_are_both_read():
    known = {A: stored(stamp(inode=1)), B: stored(stamp(inode=2))}
    steps = plan({A: stamp(inode=2), B: stamp(inode=1)}, known, recipes=("r",))
    assert {step.path for step in steps} == {A, B}
    assert all(isinstance(step, Look) for step in steps)
