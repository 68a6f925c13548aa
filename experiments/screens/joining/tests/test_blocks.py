from hypothesis import given
from hypothesis import strategies as st

from experiments.screens.joining.blocks import Block, text_blocks


def test_a_blank_line_begins_a_paragraph_and_broken_lines_stay_broken():
    assert text_blocks("One\ntwo\n\nthree") == [Block(False, ("One", "two")), Block(False, ("three",))]


def test_lines_with_a_dash_are_a_list_also_right_after_a_line():
    assert text_blocks("You will:\r\n- read\r\n- answer\r\nThanks") == [
        Block(False, ("You will:",)),
        Block(True, ("read", "answer")),
        Block(False, ("Thanks",)),
    ]


def test_an_indented_line_belongs_to_its_item():
    assert text_blocks("- read\n  each case\n- answer") == [Block(True, ("read each case", "answer"))]


def test_nothing_is_nothing():
    assert text_blocks(" \n\n ") == []


@given(st.text(alphabet="ab -\n\t\r<&", max_size=60))
def test_no_word_is_lost_or_added(text: str):
    words = [word for block in text_blocks(text) for line in block.lines for word in line.split() if word.strip("-")]
    assert "".join(words).replace("-", "") == "".join(text.split()).replace("-", "")
