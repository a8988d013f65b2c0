"""Money is exact: nothing is lost in a split and no float gets in."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.money import MINOR_DIGITS, Money, Rounding, money


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "text"),
    [
        ("12.50", "CNY", 1250, "12.50 CNY"),
        (" 7 ", "CNY", 700, "7.00 CNY"),
        (Decimal("-0.05"), "CNY", -5, "-0.05 CNY"),
        (1200, "JPY", 1200, "1200 JPY"),
    ],
)
def test_money_is_read_and_written(amount: str | int | Decimal, currency: str, minor: int, text: str) -> None:
    assert money(amount, currency) == Money(minor, currency)
    assert str(money(amount, currency)) == text


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (12.5, "CNY", "money.inexact"),
        (True, "CNY", "money.inexact"),
        ("0.001", "CNY", "money.inexact"),
        ("0.5", "JPY", "money.inexact"),
        ("twelve", "CNY", "money.unreadable"),
        ("NaN", "CNY", "money.unreadable"),
        ("Infinity", "CNY", "money.unreadable"),
        ("1e999999999", "CNY", "money.unreadable"),
        ("1", "XYZ", "money.currency"),
    ],
)
def test_what_is_not_exact_money_is_refused(amount: Any, currency: str, code: str) -> None:
    with pytest.raises(Invalid) as fault:
        money(amount, currency)
    assert fault.value.code == code


@pytest.mark.parametrize("minor", [1.0, True, "1"])
def test_minor_units_are_whole(minor: Any) -> None:
    with pytest.raises(Invalid) as fault:
        Money(minor)
    assert fault.value.code == "money.inexact"


def test_arithmetic_and_order() -> None:
    assert money("1.10") + money("2.20") == money("3.30")
    assert money("1.10") - money("2.20") == -money("1.10")
    assert money("1") < money("2") > money("1.99") >= money("1.99") <= money("2")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(Invalid, match="CNY and USD"):
        money("1") + money("1", "USD")
    with pytest.raises(Invalid, match="CNY and USD"):
        assert money("1") < money("1", "USD")


@pytest.mark.parametrize(
    ("minor", "rounding", "result"),
    [
        (5, "half_up", 3),
        (5, "half_even", 2),
        (7, "half_even", 4),
        (5, "down", 2),
        (-5, "half_up", -3),
        (-5, "down", -2),
    ],
)
def test_a_broken_unit_is_rounded_by_name(minor: int, rounding: Rounding, result: int) -> None:
    assert Money(minor).times(Fraction(1, 2), rounding) == Money(result)


def test_a_broken_unit_without_a_rounding_is_refused() -> None:
    assert money("10").times(Decimal("0.05")) == money("0.50")
    assert money("10").times(3) == money("30")
    for factor in (Fraction(1, 3), 0.5):
        with pytest.raises(Invalid) as fault:
            money("1").times(factor)  # type: ignore[arg-type]
        assert fault.value.code == "money.inexact"


def test_split_gives_the_largest_remainders_first() -> None:
    assert [each.minor for each in money("1.00").split([1, 1, 1])] == [34, 33, 33]
    assert [each.minor for each in Money(10).split([70, 20, 11])] == [7, 2, 1]
    assert [each.minor for each in Money(-100).split([1, 1, 1])] == [-34, -33, -33]
    assert [each.minor for each in Money(5).split([0, 1])] == [0, 5]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [0.5, 0.5], [True]])
def test_split_refuses_weights_that_share_nothing(weights: Any) -> None:
    with pytest.raises(Invalid) as fault:
        money("1").split(weights)
    assert fault.value.code == "money.weights"


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_a_split_sums_to_the_whole_and_is_fair(minor: int, weights: list[int]) -> None:
    shares = [each.minor for each in Money(minor).split(weights)]
    assert sum(shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(minor * weight, sum(weights))) < 1


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(MINOR_DIGITS)))
def test_text_reads_back(minor: int, currency: str) -> None:
    amount, code = str(Money(minor, currency)).split()
    assert money(amount, code) == Money(minor, currency)
