"""Jobs behind an Executor: in the caller's thread, told to stop, told of what they raise."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from core import Config, Run
from core.jobs.executors import Gone, Here, InCaller, finished
from core.jobs.jobs import Block, Whole
from core.result import result
from core.run_summary import brief

CONFIGS = tuple(Config(dataset="deliveries", model="linear", steps=10, lr=lr) for lr in (0.01, 0.1))


def counting(steps):
    """A job that does so many steps, one at a time, and returns how many it has done."""

    def job(tell):
        for done in range(1, steps + 1):
            if not tell(done):
                return done
        return steps

    return job


def test_what_is_submitted_runs_at_once_in_the_callers_thread():
    future = InCaller().submit(threading.get_ident)
    assert future.done() and future.result() == threading.get_ident()
    failed = InCaller().submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result()


def test_results_come_one_after_another_with_the_steps_of_all_jobs():
    seen = []
    found = list(finished(Here(lambda steps: seen.append(steps) or True), [counting(3), counting(2)]))
    assert found == [(0, 3), (1, 2)]
    assert seen == sorted(seen) and seen[-1] == 5


def test_who_is_told_to_stop_returns_what_it_has_and_the_rest_is_not_begun():
    begun = []

    def second(tell):
        begun.append(True)

    assert list(finished(Here(lambda steps: steps < 2), [counting(9), second])) == [(0, 2)]
    assert begun == []


def test_who_stops_before_the_first_job_waits_for_none(monkeypatch):
    monkeypatch.setattr("core.jobs.executors._done", None)
    assert list(finished(Here(lambda steps: False), [counting(1)])) == []


def test_an_interruption_of_the_caller_goes_through_a_job():
    """Streamlit ends a script by an exception that is none of Exception."""

    class Interrupted(BaseException):
        pass

    def look(steps):
        if steps == 2:
            raise Interrupted
        return True

    with pytest.raises(Interrupted):
        list(finished(Here(look), [counting(9)]))


def test_what_a_job_raises_is_raised():
    def job(tell):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(finished(Here(lambda steps: True), [job]))


class InThreads:
    """A place with an executor of Python's own, to see that any will do."""

    def __init__(self, executor, losses=()):
        self.executor, self.room, self.losses = executor, 2, losses
        self.told, self.stopped, self.ended, self.looks = {}, threading.Event(), None, 0

    def tell(self, job):
        return lambda steps: self.told.update({job: steps}) or not self.stopped.is_set()

    def look(self):
        self.looks += 1
        return True

    def stop(self):
        self.stopped.set()

    def end(self, under_way):
        self.ended = under_way
        if under_way:
            self.stop()


def test_any_executor_will_do():
    with ThreadPoolExecutor(2) as pool:
        place = InThreads(pool)
        found = dict(finished(place, [counting(steps) for steps in (4, 3, 2, 1)]))
    assert found == {0: 4, 1: 3, 2: 2, 3: 1}
    assert place.told == found and place.ended is False


def test_no_more_jobs_are_handed_over_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("core.jobs.executors.LOOK_S", 0.01)
    under_way, seen, wake = set(), [], threading.Event()

    class Later(InThreads):
        """Jobs end only once it has looked a few times."""

        def look(self):
            seen.append(len(under_way))
            if self.looks == 3:
                wake.set()
            return super().look()

    def job(number):
        def run(tell):
            wake.wait(30)
            return number

        return run

    with ThreadPoolExecutor(1) as pool:
        place = Later(pool)
        submit = pool.submit
        pool.submit = lambda begin, job, tell: under_way.add(job) or submit(begin, job, tell)
        jobs = [job(number) for number in range(7)]
        for number, _ in finished(place, jobs):
            under_way.discard(jobs[number])
    assert max(seen) == place.room and not under_way


def test_who_leaves_stops_what_is_under_way():
    def until_stopped(tell):
        while tell(1):
            pass
        return "stopped"

    with ThreadPoolExecutor(2) as pool:  # leaving it waits for both jobs, so they do end
        place = InThreads(pool)
        with closing(finished(place, [counting(1), until_stopped])) as results:
            assert next(results) == (0, 1)
        assert place.ended is True


class InNoTime(InThreads):
    """A place that loses room while two jobs are under way, and answers no more."""

    def look(self):
        self.room = 2 if self.looks == 0 else 0
        if self.looks == 2:
            raise Gone("It froze")
        return super().look()


def test_a_place_that_loses_room_and_is_gone_is_left_and_its_jobs_are_not_begun():
    begun, wake = [], threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(wake.wait)  # nothing moves
        place = InNoTime(pool)
        try:
            with pytest.raises(Gone, match=r"^It froze$"):
                list(finished(place, [begun.append, begun.append, begun.append]))
        finally:
            wake.set()
    assert place.ended is True and place.told == {} and begun == []


def test_a_place_that_is_gone_says_so_by_a_job_too():
    def job(tell):
        raise Gone("It froze")

    with ThreadPoolExecutor(1) as pool, pytest.raises(Gone, match=r"^It froze$"):
        list(finished(InThreads(pool, losses=(Exception,)), [job]))


def test_a_lost_job_is_told_apart_from_one_that_raises():
    def job(tell):
        raise ConnectionError("worker")

    with ThreadPoolExecutor(1) as pool, pytest.raises(Gone, match=r"could not do a job \(ConnectionError\)"):
        list(finished(InThreads(pool, losses=(OSError,)), [job]))


def test_a_block_gives_each_of_its_runs_in_short():
    """In double: in float32 a loss near its minimum has few digits that every processor agrees on."""
    configs = tuple(replace(config, dtype="float64") for config in CONFIGS)
    found = Block(configs, "cpu")(lambda steps: True)
    for one, config in zip(found, configs, strict=True):
        alone = brief(result(Run(config).advance()))
        assert (one.config, one.word, one.done) == (config, alone.word, alone.done)
        np.testing.assert_allclose(one.losses, alone.losses, rtol=1e-9)


def test_a_block_goes_on_where_it_was_stopped_but_is_sent_from_its_beginning():
    config, steps = Config(steps=1500), []
    block = Block((config,), "cpu")
    (stopped,) = block(lambda done: False)
    assert 0 < stopped.done < config.steps
    sent = pickle.loads(pickle.dumps(block))
    (gone_on,) = block(lambda done: steps.append(done) or True)
    assert steps[0] > stopped.done and gone_on.finished
    again: list[int] = []
    (anew,) = sent(lambda done: again.append(done) or False)
    assert sent == block and again == [anew.done]


def test_a_whole_run_is_what_compare_shows():
    found = Whole(CONFIGS[0], "cpu")(lambda steps: True)
    alone = result(Run(CONFIGS[0]).advance())
    assert_frame_equal(found.steps, alone.steps, check_exact=True)
    assert_frame_equal(found.parameters, alone.parameters, check_exact=True)
    assert (found.snapshots == alone.snapshots).all()
    stopped = Whole(Config(steps=5000), "cpu")(lambda steps: False)
    assert 0 < stopped.done < 5000
