"""Reading a CSV: the usual kinds, the hostile ones, and pandas as the reference for what is in it."""

import csv
import gc
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import TABLES
from core.own import columns, csv_file
from core.own.csv_file import MAX_BYTES, MAX_NAME, MAX_ROWS, Refused, read
from core.own.table import LEFT_OUT, MAX_CLASSES, NUMBERS, TEXT

ROWS = "".join(f"{n},{n * n},{'ab'[n % 2]}\n" for n in range(6))
GOOD = f"x,y,kind\n{ROWS}".encode()


def kinds(table):
    return [column.kind for column in table.columns]


# -- files as people have them -------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separators_line_ends_and_a_byte_order_mark_make_no_difference(separator, ending, mark):
    text = GOOD.decode().replace(",", separator).replace("\n", ending)
    table = read("a.csv", mark + text.encode())
    assert [column.name for column in table.columns] == ["x", "y", "kind"]
    assert kinds(table) == [NUMBERS, NUMBERS, TEXT] and table.count == 6
    own = columns.proposal(table)
    inputs, labels = table.rows(own)
    assert inputs.tolist() == [[n, n * n] for n in range(6)] and labels.tolist() == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(separator):
    lines = ["height;weight", "1,5;60", "1,75;70,25", "-0,5;1e2"]
    table = read("a.csv", "\n".join(lines).replace(";", separator).encode())
    inputs, labels = table.rows(columns.proposal(table)._replace(task="regression"))
    assert inputs.tolist() == [[1.5], [1.75], [-0.5]] and labels.tolist() == [[60.0], [70.25], [100.0]]


def test_the_largest_number_of_float32_is_one():
    table = read("a.csv", b"x,y\n1,3.4028234663852886e38\n2,-3.4028234663852886e38\n3,1\n")
    _, labels = table.rows(columns.proposal(table))
    assert labels.flatten().tolist()[:2] == [(2 - 2**-23) * 2.0**127, -(2 - 2**-23) * 2.0**127]


def test_semicolons_with_decimal_points():
    table = read("a.csv", b"x;y\n1.5;2\n2.5;3\n3.5;1\n")
    assert table.rows(columns.proposal(table))[0].tolist() == [[1.5], [2.5], [3.5]]


def test_missing_cells_are_dropped_and_counted():
    table = read("a.csv", b"x,y,kind\n1,,a\n2,5,b\nNA,6,a\n4,7,\n5,8,a\n6,9,b\n")
    assert [column.missing for column in table.columns] == [1, 1, 1]
    own = columns.proposal(table)
    inputs, labels = table.rows(own)
    assert inputs.tolist() == [[2, 5], [5, 8], [6, 9]] and labels.tolist() == [1, 0, 1]
    one = own._replace(inputs=(0,))
    assert table.rows(one)[0].tolist() == [[1], [2], [5], [6]]  # what y lacks costs nothing then


@pytest.mark.parametrize("values, classes", [
    (["1", "2", "1", "2"], ("1", "2")),
    (["-1", "1", "1", "-1"], ("-1", "1")),
    (["1", "2", "3", "1", "2", "3"], ("1", "2", "3")),
    (["10", "9", "9", "10"], ("9", "10")),  # as numbers, not as text
    (["no", "yes", "no", "no"], ("no", "yes")),
    (["True", "False", "True", "True"], ("False", "True")),
    (["0.5", "1.5", "0.5", "0.5"], ("0.5", "1.5")),
])  # fmt: skip
def test_classes_of_any_kind_are_counted_from_0(values, classes):
    table = read("a.csv", ("x,y\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values))).encode())
    own = columns.proposal(table)
    assert own.task == ("binary" if len(classes) == 2 else "classes")
    rows = table.read(own)
    assert rows.classes == classes and [classes[n] for n in rows.labels] == values


def test_a_task_is_proposed_from_the_target_and_only_possible_ones_are_offered():
    lines = "".join(f"{n},{n / 7},{n % 3},{n % 2},{'abc'[n % 3]},{n}th\n" for n in range(60))
    table = read("a.csv", f"row,real,three,two,word,id\n{lines}".encode())
    assert [columns.task(table, n) for n in range(5)] == [
        *("regression", "regression", "classes", "binary", "classes")
    ]
    offered = [columns.tasks(column) for column in table.columns]
    assert offered == [
        ["regression"],
        ["regression"],
        ["regression", "classes"],
        ["regression", "binary", "classes"],
        ["classes"],
        [],
    ]
    assert kinds(table)[5] == LEFT_OUT and "text of 60 kinds" in table.columns[5].about
    assert columns.proposal(table)[2:5] == ((0, 1, 2, 3), 4, "classes")


def test_another_target_is_no_input_and_the_only_input_changes_places_with_it():
    table = read("a.csv", b"x,y\n1,4\n2,5\n3,7\n")
    own = columns.proposal(table)
    assert own[2:5] == ((0,), 1, "regression")
    assert columns.with_target(own, table, 0)[2:5] == ((1,), 0, "regression")


def test_columns_of_one_value_or_none_are_left_out_with_the_reason():
    table = read("a.csv", b"x,same,word,empty,y\n1,5,a,,2\n2,5,a,,3\n3,5,a,,5\n")
    assert kinds(table) == [NUMBERS, LEFT_OUT, LEFT_OUT, LEFT_OUT, NUMBERS]
    said = [column.about for column in table.columns[1:4]]
    assert said == [
        "left out: one value in every row",
        "left out: one text in every row",
        "left out: every cell is empty",
    ]


ODD = [
    "__proto__",
    "constructor",
    "a.b",
    "a[0]",
    "lr:Q",
    "=1+1",
    "<img src=x>",
    "![x](//y)",
    ":red[x]",
    "'\"",
]


def test_odd_and_repeated_names_are_names_like_others():
    names = [*ODD, "x", "x", ""]
    text = io.StringIO()
    csv.writer(text).writerows([names, *([n * place % 7 for place in range(1, 14)] for n in range(9))])
    table = read("a.csv", text.getvalue().encode())
    assert [column.name for column in table.columns] == [*ODD, "x", "x (12)", "column 13"]
    assert table.columns[6].kind == LEFT_OUT  # 7 n is 0 modulo 7 throughout
    assert table.rows(columns.proposal(table))[0][1].tolist() == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", [
    "x" * 81, "", "a/../../b.csv", "<b>.csv", "a~b.csv", "a\nb.csv", "[x](y).csv", "=1.csv",
    "'.csv", "$x$.csv",
])  # fmt: skip
def test_a_name_that_a_link_cannot_hold_is_not_used(name):
    assert read(name, GOOD).name == "table.csv"


@pytest.mark.parametrize("name", ["iris.csv", "Größe (1)_b-2.CSV", "x", "данные.tsv", "x" * 80])
def test_other_names_are_kept(name):
    assert read(name, GOOD).name == name


# -- files that are refused ----------------------------------------------------------------


def wide(columns):
    lines = [",".join(f"c{n}" for n in range(columns)), *(",".join([text] * columns) for text in "123")]
    return "\n".join(lines).encode()


BROKEN = {
    "empty": (b"", "is empty"),
    "only blanks": (b" \n\n \t\n", "is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty"),
    "only names": (b"a,b\n", "fewer than two rows"),
    "one row": (b"a,b\n1,2\n", "fewer than two rows"),
    "one column": (b"a\n1\n2\n3\n", "one column only"),
    "commas within quotation marks only": (b'"a,b"\n"1,2"\n"3,4"\n', "one column only"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "workbook"),
    "binary": (bytes(range(256)), "UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16-le"), "control characters"),
    "Latin-1": ("größe,b\n1,2\n".encode("latin-1"), "UTF-8"),
    "a NUL": (b"a,b\n1,2\x00\n3,4\n", "control characters"),
    "an escape": (b"a,b\n1,\x1b[31m2\n3,4\n", "control characters"),
    "too many bytes": (b"a,b\n" + b"1,2\n" * (MAX_BYTES // 4), "at most 5 MB"),
    "too many rows": (b"a,b\n" + b"1,2\n" * (MAX_ROWS + 1), "at most 20,000 rows"),
    "too many columns": (wide(201), "at most 200 columns; this has 201"),
    "millions of columns": (b"," * 4_000_000 + b"\n1,2\n", "at most 200 columns; this has 4,000,001"),
    "columns that a quotation mark hides": (b'a,"\n,' + b"," * 300 + b'"\n', "one has 302: shorten it"),
    "a row that is too long": (b"a,b\n1,2\n3,4,5\n", "Line 3 has 3 cells, and the first line has 2"),
    "a row that is too short": (b"a,b,c\n1,2,3\n3,4\n", "Line 3 has 2 cells, and the first line has 3"),
    "a row of millions of cells": (b"a,b\n" + b"," * 4_000_000 + b"\n", "Line 2 has 4,000,001 cells"),
    "decimal commas between commas": (b"a,b\n1,5,2,5\n3,5,4,5\n", "Line 2 has 4 cells"),
    "no names": (b"1,2\n3,4\n5,6\n", "must hold the names"),
    "a name of 100 kB": (b"a" * 100_000 + b",b\n1,2\n3,4\n", "one has 100,000: shorten"),
    "a name that is a little too long": (b"a" * (MAX_NAME + 1) + b",b\n1,2\n3,4\n", "one has 101"),
    "an open quotation mark": (b'a,b\n1,"2\n3,4\n5,6\n', "quotation marks do not match"),
    "a quotation mark too early": (b'a,b\n1,"2"3\n3,4\n5,6\n', "quotation marks do not match"),
    "a cell of 200 kB": (b"a,b\n1," + b"x" * 200_000 + b"\n2,y\n", "a cell is too long"),
    "1e400": (b"a,price\n1,2\n2,1e400\n3,4\n", "Row 2 of the column price has a number beyond 3.4e+38"),
    "more than float32 holds": (b"a,b\n1,2\n2,-3.5e38\n3,4\n", "Row 2 of the column b has a number beyond"),
    "the word inf": (b"a,b\ninf,2\n2,3\n3,4\n", "Row 1 of the column a has a number beyond"),
    "a whole number of 400 digits": (b"a,b\n1,2\n2," + b"9" * 400 + b"\n3,4\n", "beyond 3.4e+38"),
    "a constant target": (b"a,b\n1,5\n2,5\n3,5\n", "one value throughout is neither"),
    "a single class": (b"a,b\n1,yes\n2,yes\n3,yes\n", "one value throughout is neither"),
    "words only": (b"a,b\nx,y\nz,w\nx,x\n", "a column of numbers to learn from"),
    "names of people only": (("a,b\n" + "".join(f"{n},p{n}\n" for n in range(60))).encode(), "another one"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_one_sentence_that_says_what_to_do(name):
    content, said = BROKEN[name]
    before = len(TABLES)
    with pytest.raises(Refused) as caught:
        read("a.csv", content)
    sentence = str(caught.value)
    assert said in sentence and sentence.endswith(".") and len(sentence) < 250 and "\n" not in sentence
    assert len(TABLES) == before


def test_a_quoted_cell_may_hold_separators_and_line_ends():
    table = read("a.csv", b'x,"a, ""b"""\n1,"one, two\nthree"\n2,four\n3,four\n')
    assert table.columns[1].name == 'a, "b"' and table.count == 3
    assert table.read(columns.proposal(table)).classes == ("four", "one, two\nthree")


def test_whole_numbers_of_any_length_are_numbers():
    table = read("a.csv", b"x,y\n99999999999999999999999,1\n2,18446744073709551615\n3,-1\n")
    assert kinds(table) == [NUMBERS, NUMBERS]
    assert table.rows(columns.proposal(table))[0][0].item() == 99999999999999999999999.0


def test_limits_that_are_said_are_those_that_hold():
    assert "5 MB, 20,000 rows, 200 columns" in csv_file.LIMITS
    assert len(read("a.csv", wide(200)).columns) == 200
    assert read("a.csv", b"a,b\n" + b"1,2\n3,4\n" * (MAX_ROWS // 2)).count == MAX_ROWS


def test_all_sessions_together_hold_so_much_and_no_more(monkeypatch):
    held = read("a.csv", GOOD)
    gc.collect()  # sessions of other tests
    monkeypatch.setattr(csv_file, "ALL_BYTES", sum(table.nbytes for table in TABLES.values()) + 10)
    with pytest.raises(Refused, match="as many files as it has room for"):
        read("a.csv", GOOD)
    del held
    assert read("a.csv", GOOD).count == 6


def test_200_files_leave_nothing_behind():
    before = len(TABLES)
    for number in range(200):
        table = read("a.csv", GOOD + f"{number},0,a\n".encode())
        table.rows(columns.proposal(table))
    del table
    assert len(TABLES) == before


# -- pandas is the reference ---------------------------------------------------------------

NUMBER = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(-1e30, 1e30, allow_nan=False).map(repr),
    st.sampled_from(["0", "-0", "1e5", "+3", ".5", "7."]),
)
WORD = st.text("abcXYZ äß_=<>[]!,;'\"", min_size=1, max_size=6).filter(lambda text: text.strip())
EMPTY = st.sampled_from(["", "NA", "nan", "null"])


@st.composite
def tables(draw):
    """(separator, rows of cells) with numbers and words, some cells empty."""
    count, width = draw(st.integers(2, 8)), draw(st.integers(2, 5))
    kinds = draw(st.lists(st.sampled_from([NUMBER, WORD]), min_size=width, max_size=width))
    cell = [st.one_of(kind, kind, kind, EMPTY) for kind in kinds]
    rows = [[draw(one) for one in cell] for _ in range(count)]
    return draw(st.sampled_from([",", ";", "\t"])), rows


@given(tables())
def test_what_is_read_is_what_pandas_reads(made):
    separator, rows = made
    width, text = len(rows[0]), io.StringIO()
    csv.writer(text, delimiter=separator).writerows([[f"c{n}" for n in range(width)], *rows])
    content = text.getvalue().encode()
    reference = pd.read_csv(io.BytesIO(content), sep=separator)
    numeric = [pd.api.types.is_numeric_dtype(reference[f"c{n}"]) for n in range(width)]
    try:
        table = read("a.csv", content)
    except Refused as refused:
        assert "one value throughout" in str(refused)  # nothing else can be wrong with these
        varied = [reference[f"c{n}"].nunique() > 1 for n in range(width)]
        learnable = sum(n and v for n, v in zip(numeric, varied, strict=True))
        assert learnable < 1 or sum(varied) < 2
        return
    assert table.count == len(reference) == len(rows)
    for place, column in enumerate(table.columns):
        seen = reference[f"c{place}"]
        assert column.missing == seen.isna().sum() and column.different == seen.nunique()
        expected = NUMBERS if numeric[place] else TEXT
        assert column.kind == (expected if 1 < seen.nunique() <= (1e9 if numeric[place] else MAX_CLASSES)
                               else LEFT_OUT)  # fmt: skip
    own = columns.proposal(table)
    names = [f"c{n}" for n in own.inputs]
    used = reference[[*names, f"c{own.target}"]].dropna()
    try:
        inputs, labels = table.rows(own)
    except ValueError:  # too few rows are left, or one value
        assert len(used) < 2 or used.iloc[:, -1].nunique() < 2 or own.task == "binary"
        return
    assert inputs.tolist() == used[names].to_numpy("float64").tolist()
    target = used[f"c{own.target}"]
    if own.task == "regression":
        assert labels.tolist() == target.to_numpy("float64")[:, None].tolist()
    else:
        assert labels.tolist() == [sorted(set(target)).index(value) for value in target]
