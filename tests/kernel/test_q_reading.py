"""How queries are read and written (NGSI-LD 4.9): faults by position, limits, and the canonical text."""

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.q import parse_q

SYNTAX = {
    "": (0, "the name of an attribute"),
    "   ": (3, "the name of an attribute"),
    "speed>": (6, "a value"),
    "speed==": (7, "a value"),
    "==5": (0, "the name of an attribute"),
    "1speed": (0, "the name of an attribute"),
    "speed=5": (5, "; or | or the end"),
    "speed 5": (6, "; or | or the end"),
    "speed;": (6, "the name of an attribute"),
    "speed;;seats": (6, "the name of an attribute"),
    "(speed": (6, "; or | or )"),
    "speed)": (5, "; or | or the end"),
    "()": (1, "the name of an attribute"),
    "!speed==5": (6, "; or | or the end"),
    "!!speed": (1, "the name of an attribute"),
    "speed>4..5": (6, "one value (a range goes with == and != only)"),
    'speed>"a".."b"': (6, "one value (a range goes with == and != only)"),
    "speed>fast": (6, "a number, a quoted text, a date or a time"),
    "speed>true": (6, "a number, a quoted text, a date or a time"),
    "speed>5,6": (7, "; or | or the end"),
    "speed==1..2,3": (11, "; or | or the end"),
    "speed==3,1..2": (9, "one value (a list holds no ranges)"),
    "speed==1..x": (10, "the end of a range of number values"),
    "speed==1..": (10, "the end of a range of number values"),
    'speed==1.."a"': (10, "the end of a range of number values"),
    "speed==1,": (9, "a value"),
    "name==Eiffel Tower": (13, "; or | or the end"),
    'name=="Eiffel': (6, "a text that ends with a quotation mark"),
    'name=="a\\x"': (6, "a text quoted as in JSON"),
    'name=="a\nb"': (6, "a text quoted as in JSON"),
    'name=="\\ud800"': (6, "a text quoted as in JSON"),
    "built==2017-02-30T00:00:00Z": (7, "a date and time that exist"),
    "speed==1e999": (7, "a number that a computer can hold"),
    "a..b": (2, "the name of an attribute"),
    "a.": (2, "the name of an attribute"),
    "a[b": (3, "]"),
    "a[]": (2, "the name of a member, a language or *"),
    "a[b].c": (4, "; or | or the end"),
    "a{b": (3, "}"),
    "a{}": (2, "the name of an attribute"),
    "a{B,C}": (5, ": after the types"),
    "a.b{c}": (3, "; or | or the end"),
    "name~=": (6, "a pattern"),
    'name~="a': (6, "a pattern that ends with a quotation mark"),
}


@pytest.mark.parametrize(("text", "fault"), SYNTAX.items())
def test_what_is_no_query_is_refused_where_it_goes_wrong(text: str, fault: tuple[int, str]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_q(text, CORE)
    assert caught.value.code == "q.syntax"
    assert caught.value.where == "q"
    assert (caught.value.details["position"], caught.value.details["expected"]) == fault


@pytest.mark.parametrize(
    "text",
    [
        "a" * 65_537,
        "a;" * 32_000 + "a",
        "(" * 33 + "a" + ")" * 33,
        "a" + ".a" * 32,
        "a[" + ".".join("a" * 33) + "]",
        "a{" * 33 + "a" + "}" * 33,
        "a{" + ",".join("T" * 33) + ":a}==1",
        "a==" + "9" * 401,
        ";".join(["a~=b"] * 21),
        'a~="' + "b" * 1_001 + '"',
        'a~="' + "b" * 501 + '"',
        'a~="(((b{99}){99}){99})"',
        'a~="' + "(" * 33 + ")" * 33 + '"',
    ],
)
def test_what_costs_too_much_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_q(text, CORE)
    assert caught.value.code == "q.complex"
    assert caught.value.where == "q"
    assert caught.value.remedy


def test_millions_of_terms_are_refused_unread() -> None:
    with pytest.raises(Invalid, match=r"it has 4000001 of at most 65536 characters"):
        parse_q("a;" * 2_000_000 + "a", CORE)


def test_as_deep_and_long_as_allowed() -> None:
    assert parse_q("(" * 32 + "a" + ")" * 32, CORE).matches({"a": 1})
    assert parse_q("|".join(f"a=={n}" for n in range(1_000)), CORE).matches({"a": {"type": "Property", "value": 999}})
    assert parse_q("a==" + ",".join(map(str, range(10_000))), CORE).matches({"a": {"type": "Property", "value": 9_999}})


@pytest.mark.parametrize(
    ("text", "written"),
    {
        ' speed > 50 ; name == "a" , b ': 'speed>50;name=="a",b',
        ' ( speed>5e1 | a ) ; b [c] =="x" ': '(speed>50.0|a);b[c]=="x"',
        "((a;b);(c|(d|e)))": "a;b;(c|d|e)",
        "(a;b)|c": "a;b|c",
        "a;b|c": "a;b|c",
        "a==-0.50,1E3": "a==-0.5,1000.0",
        'a=="\\u4eac\\""': 'a=="京\\""',
        "a~=x(y|z)": 'a~="x(y|z)"',
        'a~=x\\"': 'a~="x\\""',
        "a!~=x": 'a!~="x"',
    }.items(),
)
def test_a_query_is_written_canonically(text: str, written: str) -> None:
    query = parse_q(text, CORE)
    assert query.text(CORE) == written
    assert parse_q(written, CORE) == query


@pytest.mark.parametrize(
    ("text", "plain"),
    {
        'name=="Eiffel%20Tower"': 'name=="Eiffel Tower"',
        "speed>50;brandName==%22Tesla%22": 'speed>50;brandName=="Tesla"',
        'city=="%e4%ba%ac"': 'city=="京"',
        'city=="100%;%zz%ff"': 'city=="100%;%zz%ff"',
    }.items(),
)
def test_the_query_of_a_subscription_may_be_escaped_as_in_a_url(text: str, plain: str) -> None:
    assert parse_q(text, CORE, escaped=True) == parse_q(plain, CORE)
