"""The supervised child: errors, deaths, hangs, stopping, turns."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from brain.errors import Cancelled, ModelError
from brain.models.turn import Turn
from brain.models.worker import Worker


@pytest.fixture
def worker() -> Iterator[Any]:
    workers: list[Worker] = []

    def start(**how: Any) -> Worker:
        setup = how.pop("setup", {})
        workers.append(Worker("odd", setup, module="tests.models.odd_child", **how))
        return workers[-1]

    yield start
    for one in workers:
        one.close()


def test_words_and_bytes_come_back(worker: Any) -> None:
    text = "é\ud800\x00" * 100_000  # far more than a pipe holds
    words, raw = worker().ask({"do": "echo", "text": text.replace("\ud800", "")})
    assert words["text"] == text.replace("\ud800", "")
    assert raw.decode() == words["text"]


def test_a_refusal_leaves_the_child_alive(worker: Any) -> None:
    one = worker()
    with pytest.raises(ModelError, match="No, thank you") as caught:
        one.ask({"do": "refuse"})
    assert caught.value.hint == "Ask nicely."
    pid = one.pid
    one.ask({"do": "echo", "text": ""})
    assert one.pid == pid


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("refuse", "It is too odd"),
        ("die", "while it was opened.*error: no such thing"),
        ("hang", "did not start in time"),
    ],
)
def test_a_child_that_does_not_start_says_why(worker: Any, start: str, why: str) -> None:
    one = worker(setup={"start": start}, start_timeout=1.0)
    one.warm()
    with pytest.raises(ModelError, match=why) as caught:
        one.ask({"do": "echo", "text": ""})
    assert caught.value.hint
    assert one.pid is None


def test_a_death_is_one_error_with_its_last_words_then_a_fresh_start(worker: Any) -> None:
    one = worker()
    with pytest.raises(ModelError, match=r"stopped unexpectedly \(signal 6\).*n_tokens <= n_batch"):
        one.ask({"do": "abort"})
    assert one.ask({"do": "echo", "text": "again"})[0]["text"] == "again"


@pytest.mark.parametrize("trouble", ["hang", "nonsense"])
def test_silence_and_nonsense_end_the_child(worker: Any, trouble: str) -> None:
    one = worker(silence_timeout=0.5)
    with pytest.raises(ModelError, match=r"gave no answer|stopped unexpectedly"):
        one.ask({"do": trouble})
    assert one.ask({"do": "echo", "text": "again"})[0]["text"] == "again"


def test_after_some_deaths_in_a_row_it_stays_off(worker: Any) -> None:
    one = worker(restarts=1)
    for _ in range(3):  # each death is forgiven by a request that works
        with pytest.raises(ModelError, match="stopped unexpectedly"):
            one.ask({"do": "abort"})
        one.ask({"do": "echo", "text": ""})
    for _ in range(2):
        with pytest.raises(ModelError, match="stopped unexpectedly"):
            one.ask({"do": "abort"})
    with pytest.raises(ModelError, match="2 times in a row and stays off") as caught:
        one.ask({"do": "echo", "text": ""})
    assert caught.value.hint
    one.warm()
    assert one.pid is None


def test_one_at_rest_starts_again_when_it_is_asked(worker: Any) -> None:
    one = worker(restarts=0)
    for _ in range(3):  # it is no death
        one.ask({"do": "echo", "text": ""})
        assert one.rest()
        assert one.pid is None
        assert one.ask({"do": "count"}, aside=True)[0]["pid"] == one.pid
        assert one.rest()


def test_one_at_work_is_not_put_to_rest(worker: Any) -> None:
    one = worker()
    running = one.request({"do": "until stopped"})
    next(running)
    assert not one.rest()
    assert next(running)[0]["is"] == "piece"
    running.close()
    assert one.rest()


def test_counting_beside_goes_on_where_the_child_is_put_to_rest_meanwhile(worker: Any) -> None:
    one, counted = worker(restarts=0), []
    pid = one.ask({"do": "count"}, aside=True)[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    counting = threading.Thread(target=lambda: counted.append(one.ask({"do": "count"}, aside=True)[0]["pid"]))
    counting.start()
    child = one._child
    while not child._inboxes:
        time.sleep(0.001)
    assert one.rest()
    counting.join(30)
    assert counted == [one.pid]
    assert counted != [pid]


def test_a_child_that_the_system_ends_while_it_is_opened_is_one_error(worker: Any) -> None:
    one = worker()
    one.warm()
    pid = one.pid
    os.kill(pid, signal.SIGSTOP)
    told: list[ModelError] = []

    def ask() -> None:
        try:
            one.ask({"do": "echo", "text": ""})
        except ModelError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not one.turn._busy:
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    asking.join(30)
    assert "memory" in told[0].hint
    assert "signal 9" in told[0].reason
    assert one.ask({"do": "echo", "text": "again"})[0]["text"] == "again"


def test_what_forbids_the_start_is_told(worker: Any) -> None:
    def forbid() -> None:
        raise ModelError("No memory", hint="Buy some.")

    with pytest.raises(ModelError, match="No memory"):
        worker(before=forbid).ask({"do": "echo", "text": ""})


def test_asking_aside_does_not_wait(worker: Any) -> None:
    one = worker()
    running = one.request({"do": "until stopped"})
    next(running)
    assert one.ask({"do": "count"}, aside=True)[0]["pid"] == one.pid
    running.close()
    assert one.ask({"do": "echo", "text": "next"})[0]["text"] == "next"


def test_cancel_reaches_the_child(worker: Any) -> None:
    cancel = threading.Event()
    frames = []
    for words, _ in worker().request({"do": "until stopped"}, cancel=cancel):
        frames.append(words)
        cancel.set()
    assert frames[-1]["stopped"] is True


def test_cancel_ends_waiting_for_a_turn_and_for_a_start(worker: Any) -> None:
    cancel = threading.Event()
    cancel.set()
    one = worker()
    running = one.request({"do": "until stopped"})
    next(running)
    with pytest.raises(Cancelled):
        list(one.request({"do": "echo", "text": ""}, cancel=cancel))
    running.close()
    with pytest.raises(Cancelled):
        list(worker(setup={"start": "hang"}).request({"do": "echo", "text": ""}, cancel=cancel))


def test_close_from_another_thread_ends_a_request(worker: Any) -> None:
    one = worker()
    running = one.request({"do": "until stopped"})
    next(running)
    closing = threading.Thread(target=one.close)
    closing.start()
    with pytest.raises(ModelError, match="was closed"):
        list(running)
    closing.join()
    one.close()
    with pytest.raises(ModelError, match="is closed"):
        one.ask({"do": "echo", "text": ""})


def test_what_is_urgent_ends_what_may_be_interrupted(worker: Any) -> None:
    one, answers = worker(), []
    calm = {"do": "wait for stop"}
    waiting = threading.Thread(target=lambda: answers.append(one.ask(calm, interruptible=True)[0]))
    waiting.start()
    while not one.turn._busy:
        time.sleep(0.001)
    assert one.ask({"do": "echo", "text": "now"}, urgent=True)[0]["text"] == "now"
    waiting.join(30)
    assert answers[0]["stopped"] is True


def test_what_is_urgent_waits_for_what_may_not_be_interrupted(worker: Any) -> None:
    one, order = worker(), []
    running = one.request({"do": "until stopped"})
    next(running)
    urgent = threading.Thread(target=lambda: order.append(one.ask({"do": "echo", "text": ""}, urgent=True)[0]["is"]))
    urgent.start()
    while not one.turn.is_wanted:
        time.sleep(0.001)
    assert next(running)[0]["is"] == "piece"
    assert not order
    running.close()
    urgent.join(30)
    assert order == ["done"]


def test_urgent_waiters_go_first() -> None:
    turn, order, waiting = Turn(), [], threading.Semaphore(0)

    def wait(name: str, urgent: bool) -> None:
        waiting.release()
        with turn(urgent=urgent):
            order.append(name)

    threads = [threading.Thread(target=wait, args=(f"calm{n}", False)) for n in range(3)]
    threads.append(threading.Thread(target=wait, args=("urgent", True)))
    with turn():
        for thread in threads:
            thread.start()
            waiting.acquire()
        deadline = time.monotonic() + 5
        while not turn._urgent and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    for thread in threads:
        thread.join()
    assert order[0] == "urgent"
    assert sorted(order) == ["calm0", "calm1", "calm2", "urgent"]
