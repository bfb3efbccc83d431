"""An own file on the pages, through app.py and without a browser."""

import gc
import tracemalloc
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from core.data import OWN, TABLES
from tests.helpers.app import address, baseline, charts, opened, sound, texts, widget

FILE = ("a,b,kind\n" + "".join(f"{n},{n * n % 7},{'xyz'[n % 3]}\n" for n in range(40))).encode()
OTHER = FILE.replace(b"a,b", b"c,d")
MISSING = "These runs use the file iris.csv"


def upload(app, content=FILE, name="iris.csv"):
    (uploader,) = (one for one in app.get("file_uploader") if one.key.startswith("own_data_upload_"))
    uploader.set_value((name, content, "text/csv"))
    return sound(app.run())


def with_file(page="compare", **params):
    app = opened(page, steps="3", **params)
    sound(widget(app, "dataset").set_value(OWN).run())
    return upload(app)


def infos(app):
    return [one.value.replace("\\", "") for one in app.info]


def test_a_file_is_chosen_read_and_trained_on():
    app = opened("compare", steps="3")
    sound(widget(app, "dataset").set_value(OWN).run())
    assert baseline(app).dataset == "moons" and charts(app)  # what was on the screen stays until there is one
    assert any("5 MB, 20,000 rows, 200 columns" in one.value for one in app.sidebar.caption)
    upload(app)
    own = baseline(app).own
    assert baseline(app).dataset == OWN and baseline(app).loss == "cross_entropy"
    assert (
        own[2:5] == ((0, 1), 2, "classes") and address(app)["own"] == f"{own.digest}_0-1_2_classes_iris.csv"
    )
    assert own.token and own.token not in str(address(app)) and charts(app) and not app.warning
    sound(widget(app, "own_target").set_value(1).run())
    assert baseline(app).own[2:5] == ((0,), 1, "classes")
    sound(widget(app, "own_task").set_value("regression").run())
    assert baseline(app).loss == "mse" and charts(app)


@pytest.mark.parametrize("page", ["watch", "sweep"])
def test_other_pages_train_on_it(page):
    app = with_file(page, **({"x": "lr~0.1~0.2", "y": "seed~0~1"} if page == "sweep" else {}))
    assert baseline(app).dataset == OWN and not app.info and not app.warning and texts(app)


@pytest.mark.parametrize("page", ["compare", "watch", "sweep"])
def test_who_opens_a_link_without_the_file_gets_a_sentence_and_an_uploader(page):
    params = address(with_file())
    app = opened(page, **params)
    assert len(app.info) == 1 and MISSING in infos(app)[0] and not charts(app)
    assert address(app) == params and not app.warning
    upload(app, OTHER, "other.csv")
    assert MISSING in infos(app)[0] and "This is a different file" in app.warning[0].value
    upload(app)
    assert not app.info and baseline(app).own.digest in params["own"] and address(app) == params


def test_another_file_can_be_used_instead():
    app = opened("compare", **address(with_file()))
    upload(app, OTHER, "other.csv")
    button = next(one for one in app.button if one.label.startswith("Use other"))
    sound(button.click().run())
    assert baseline(app).own.name == "other.csv" and not app.info and charts(app)


def test_a_broken_file_gets_a_sentence_and_changes_nothing():
    app = with_file()
    before = baseline(app)
    upload(app, b"a,![x](//elsewhere)\n1,1e400\n2,3\n")
    assert baseline(app) == before and charts(app)
    (warning,) = app.warning
    assert "more than float32 holds" in warning.value and "![x](" not in warning.value


def test_a_run_that_is_kept_keeps_its_columns():
    app = with_file()
    sound(next(one for one in app.button if one.label == "Keep").click().run())
    sound(widget(app, "own_inputs").set_value([0]).run())
    runs = app.session_state.comparison.named()
    assert runs[-1].config.own.inputs == (0, 1) and runs[0].config.own.inputs == (0,)
    assert not app.info  # it trains: the kept run has its file


def test_no_input_at_all_is_refused():
    app = with_file()
    sound(widget(app, "own_inputs").set_value([]).run())
    assert baseline(app).own.inputs == (0, 1) and "at least one column" in app.warning[0].value


def test_after_200_uploads_memory_holds_two_files():
    def script():
        import streamlit as st

        from core.compare.comparison import FIRST
        from pages._ui.shared import own_data

        st.session_state.setdefault("comparison", FIRST)
        own_data.choose_data_set("own")
        own_data.controls(st.session_state.comparison.baseline, "")

    head, rows = FILE.split(b"\n", 1)

    def held(app, numbers):
        for number in numbers:  # every fourth is refused
            last = f"{number},1,x" if number % 4 else f"{number},1e400,x"
            upload(app, head + b"\n" + rows * 100 + last.encode())
        gc.collect()
        return tracemalloc.get_traced_memory()[0], len(TABLES)

    app = sound(AppTest.from_function(script, default_timeout=120).run())
    tracemalloc.start()
    try:
        some, tables = held(app, range(20))
        more, still = held(app, range(20, 200))
    finally:
        tracemalloc.stop()
    assert len(app.session_state.own_tables) == 2 and still == tables
    assert more - some < 20 * len(FILE * 100)  # of 180 that came


def test_losses_train_on_it_where_its_target_is_one_that_they_take():
    app = with_file()
    sound(widget(app, "own_target").set_value(0).run())
    assert baseline(app).own.task == "regression"
    sound(app.switch_page("pages/losses.py").run())
    for loss, takes in (("cross_entropy", False), ("l1", True)):
        sound(widget(app, "losses_loss").set_value(loss).run())
        links = {link.proto.label: link.proto.query_string for link in app.main.get("page_link")}
        assert ("Train with this loss on iris.csv" in links) == takes
    app.query_params = dict(parse_qsl(links["Train with this loss on iris.csv"]))
    sound(app.switch_page("pages/compare.py").run())
    assert (baseline(app).dataset, baseline(app).loss) == (OWN, "l1") and charts(app) and not app.info
    assert app.session_state.comparison.named()[1].config.loss == "mse"  # beside the usual one
