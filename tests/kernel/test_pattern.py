"""Patterns of queries: what they find, what they refuse, and that no pattern takes long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.pattern import TEXT_MAX, compile_pattern

FINDS = [
    ("", "", True),
    ("", "abc", True),
    ("^$", "", True),
    ("^$", "a", False),
    ("$^", "", True),
    ("b", "abc", True),
    ("^b", "abc", False),
    ("^a", "abc", True),
    ("c$", "abc", True),
    ("b$", "abc", False),
    ("a.c", "abc", True),
    ("a.c", "a\nc", True),
    ("a|^b|c$", "xxc", True),
    ("(^|/)tmp(/|$)", "a/tmp", True),
    ("(^|/)tmp(/|$)", "a/tmps", False),
    ("ab*c", "ac", True),
    ("ab+c", "ac", False),
    ("ab?c", "abbc", False),
    ("ab{2}c", "abbc", True),
    ("ab{2}c", "abbbc", False),
    ("ab{2,}c", "abbbc", True),
    ("ab{0,1}c", "ac", True),
    ("(ab){2}$", "xabab", True),
    ("(?:ab)+c", "ababc", True),
    ("[a-c]x", "bx", True),
    ("[^a-c]x", "bx", False),
    ("[]a]", "]", True),
    ("[^]a]", "]", False),
    ("[a-]", "-", True),
    ("[[:digit:]]{3}", "a123", True),
    ("[[:alpha:]_]+$", "京_", True),
    ("[[:upper:][:digit:]]", "a", False),
    ("[\\d.]+$", "1.5", True),
    ("\\d\\s\\w", "1 a", True),
    ("\\D\\S\\W", "a1-", True),
    ("a\\.b", "axb", False),
    ("a\\tb", "a\tb", True),
    ("京.*区", "北京市东城区", True),
    ("(a*)*b", "aaac", False),
    ("()*a", "ba", True),
    ("(){99}a", "a", True),
    ("(|a){3}b", "aab", True),
]


@pytest.mark.parametrize(("pattern", "text", "found"), FINDS)
def test_a_pattern_is_found_anywhere(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern)(text) is found


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a", "a)", "*a", "a**", "a{", "a{x}", "a{2,1}", "[a", "[", "[b-a]", "[[:odd:]]", "[[:", "a*?", "a|*"),
        *("\\", "\\1", "\\b", "a\\z", "(?=a)", "(?i)a", "[\\D]", "[a-\\d]"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_pattern(pattern)
    assert caught.value.code == "q.pattern"
    assert caught.value.remedy


@pytest.mark.parametrize("pattern", ["a" * 1_001, "a{501}", "((a{9}){9}){9}", "(" * 33 + "a" + ")" * 33, "(a?){300}"])
def test_what_needs_too_much_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_pattern(pattern)
    assert caught.value.code == "q.complex"


def test_a_text_past_the_limit_matches_nothing() -> None:
    holds = compile_pattern("a")
    assert holds("a" * TEXT_MAX)
    assert not holds("a" * (TEXT_MAX + 1))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 4_000 + "b"),
        ("(a|aa)+$", "a" * 4_000 + "b"),
        ("(a*)*b", "a" * 4_000),
        (".*.*.*.*=$", "x=" * 2_000 + "x"),
        ("(a|b)*a(a|b){150}$", "ab" * 2_000 + "c"),
        ("([ab]?){40}[ab]{40}$", "a" * 4_000 + "c"),
    ],
)
def test_no_pattern_explodes(pattern: str, text: str) -> None:
    """Steps are counted rather than timed: one for each character, each bounded by the states."""
    assert compile_pattern(pattern)(text) is False


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\.", "^", "$"])


def repeated(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sign = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}"])
    return st.one_of(
        st.tuples(part, part).map("".join),
        st.tuples(part, part).map("|".join),
        st.tuples(part, sign).map(lambda pair: f"({pair[0]}){pair[1]}"),
    )


@given(st.recursive(ATOMS, repeated, max_leaves=6), st.text("ab.\n", max_size=8))
def test_a_pattern_finds_what_the_library_finds(pattern: str, text: str) -> None:
    # `$` of the library also stands before a last line feed, `\Z` does not.
    expected = re.search(pattern.replace("$", r"\Z"), text, re.DOTALL) is not None
    assert compile_pattern(pattern)(text) is expected
