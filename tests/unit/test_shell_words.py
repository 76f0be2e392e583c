"""Commands to copy: what is shown steers nothing, and what is pasted means the same."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.model.shell import join_words, quote_word
from tests.hostile.steering import find_steering

BASH = shutil.which("bash")
HOSTILE = st.text(
    st.sampled_from("a0 '\"\\\\$`!\n\r\t\x1b\x7f\x85\u00e9\u2028\u202e\u200d\ufeff\udc80\udcff"), max_size=8
)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("plan.json", "plan.json"),
        ("a b's", "'a b'\"'\"'s'"),
        ("e\x1b[2J'.json", r"$'e\033[2J\047.json'"),
        ("a\\\n1", r"$'a\134\0121'"),
        ("\u202ex", r"$'\342\200\256x'"),
        ("b\udcff", r"$'b\377'"),
        ("b\ud800", r"$'b\355\240\200'"),
    ],
)
def test_words(word: str, shown: str) -> None:
    assert quote_word(word) == shown
    assert join_words(["omnictl", word]) == f"omnictl {shown}"


@pytest.mark.skipif(BASH is None, reason="no bash here")
@given(st.lists(HOSTILE, min_size=1, max_size=20))
@settings(max_examples=15, deadline=None)
def test_a_shell_reads_what_was_meant(words: list[str]) -> None:
    line = join_words(words)
    assert find_steering(line) == ""
    ran = subprocess.run([str(BASH), "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True, timeout=60)
    assert ran.stdout.split(b"\0")[:-1] == [os.fsencode(each) for each in words]
