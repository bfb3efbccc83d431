"""Which loss goes with which task: what is answered trains."""

import pytest

from core import Config, Run
from core.data import DATASETS, FORMS_OF_TASK
from core.loss_lessons.choice import NO_LAYER, SHOWN_ON, TASKS, candidates, last_layers, made_for, shown_on
from core.losses import LOSSES, fitting
from core.result import result
from core.verdict import verdict

ANSWERS = {
    ("regression", "values", NO_LAYER): ["mse", "l1", "huber", "smooth_l1"],
    ("binary", "zero_one", NO_LAYER): ["bce", "focal", "mse", "l1", "huber", "smooth_l1"],
    ("binary", "zero_one", "Sigmoid"): ["bce_of_sigmoid"],
    ("classes", "class_index", NO_LAYER): ["cross_entropy", "smoothed", "weighted"],
    ("classes", "class_index", "LogSoftmax"): ["nll"],
    ("classes", "one_hot", "LogSoftmax"): ["kl_div"],
}


@pytest.mark.parametrize("questions", ANSWERS)
def test_answers(questions):
    assert candidates(*questions) == ANSWERS[questions]


@pytest.mark.parametrize("task", TASKS)
def test_every_loss_that_fits_a_task_is_an_answer_and_every_question_has_one(task):
    found = set()
    for form in FORMS_OF_TASK[task]:
        for last in last_layers(task, form):
            names = candidates(task, form, last)
            assert names
            assert all(form in LOSSES[name].takes for name in names)
            found |= set(names)
    assert found == set(fitting(SHOWN_ON[task]))
    assert DATASETS[SHOWN_ON[task]].task == task


def test_tasks_are_those_of_the_data_sets():
    assert set(TASKS) == set(FORMS_OF_TASK) == {row.task for row in DATASETS.values()}
    assert (
        made_for("huber") == "regression"
        and made_for("focal") == "binary"
        and made_for("kl_div") == "classes"
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_shown_trains_beside_the_usual_loss(loss):
    comparison = shown_on(loss)
    (_, _, config), *others = comparison.named()
    usual = Config(dataset=config.dataset).loss
    assert config.loss == loss and [other.config.loss for other in others] == [usual] * (loss != usual)
    assert verdict(result(Run(config).advance())).word == "learns"


def test_a_loss_is_shown_on_the_task_that_is_asked():
    assert shown_on("mse", "classes").baseline.dataset == "iris"
    assert shown_on("cross_entropy", "binary").baseline.dataset == "moons"
    assert shown_on("l1").baseline.dataset == "line"
