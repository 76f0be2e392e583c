"""What a lock of Terraform's HTTP protocol says of its holder, whoever wrote it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.state.base import LockHolder
from omnictl.state.terraform.lock_text import UNNAMED, decode_lock_text, encode_lock_text, make_lock_text

_TIMES = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_TEXTS = st.text(max_size=12)
_HOLDERS = st.builds(LockHolder, _TEXTS, _TEXTS, _TIMES, st.none() | _TIMES, _TEXTS, st.text(max_size=300), _TEXTS)
TOKEN = "0123456789abcdef" * 2


@given(_HOLDERS)
def test_all_of_a_holder_comes_back_where_the_server_gives_it_back(holder: LockHolder) -> None:
    text = make_lock_text(holder, TOKEN, tells_by_name=False)
    found = decode_lock_text(encode_lock_text(text), tells_by_name=False)
    assert (found.lock_id, found.holder) == (TOKEN, holder)


@given(_HOLDERS)
def test_the_name_tells_what_fits_and_is_taken_by_gitlab(holder: LockHolder) -> None:
    text = make_lock_text(holder, TOKEN, tells_by_name=True)
    assert len(text.lock_id) <= 255
    assert text.lock_id.isascii()
    found = decode_lock_text(encode_lock_text(text), tells_by_name=True).holder
    assert found is not None
    parts = text.lock_id.count(",")
    if parts == 7:
        assert found == holder
    elif parts >= 3:
        assert (found.operation, found.run, found.since) == (holder.operation, holder.run, holder.since)
    else:
        assert found.operation == UNNAMED.operation


@given(
    content=st.binary(max_size=80)
    | st.text(max_size=80).map(lambda text: f'{{"ID": "{text}"}}'.encode("utf-8", "replace"))
)
@pytest.mark.parametrize("tells_by_name", [True, False])
def test_whatever_a_server_says_is_no_error(content: bytes, tells_by_name: bool) -> None:
    decode_lock_text(content, tells_by_name=tells_by_name)
