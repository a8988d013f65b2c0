"""Money: whole minor units of one currency, so that no fen is ever lost or made."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final, Literal

from quanyu.kernel.errors import Invalid

# ISO 4217: number of decimals of the currencies that a Chinese city meets.
MINOR_DIGITS: Final = {
    "AUD": 2, "CAD": 2, "CHF": 2, "CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0,
    "KRW": 0, "MOP": 2, "RUB": 2, "SGD": 2, "THB": 2, "TWD": 2, "USD": 2,
}  # fmt: skip

Rounding = Literal["half_up", "half_even", "down"]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (fen, cent); built from text by ``money``."""

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        _digits(self.currency)
        if type(self.minor) is not int:
            raise Invalid(
                f"amount {self.minor!r} is not a whole number of minor units",
                code="money.inexact",
                remedy="build it from text: money('12.50', 'CNY')",
            )

    def __str__(self) -> str:
        digits = _digits(self.currency)
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}{f'.{rest:0{digits}}' if digits else ''} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise Invalid(f"amounts in {self.currency} and {other.currency} do not mix", code="money.currency")
        return other.minor

    def times(self, factor: int | Decimal | Fraction, rounding: Rounding | None = None) -> "Money":
        """Multiply exactly; raises Invalid (money.inexact) when minor units would break and no rounding is named."""
        if isinstance(factor, float):
            raise _float(factor)
        exact = self.minor * Fraction(factor)
        if exact.denominator == 1:
            return Money(exact.numerator, self.currency)
        if rounding is None:
            raise Invalid(
                f"{self} times {factor} is not a whole number of minor units",
                code="money.inexact",
                remedy="name the rounding that the rule prescribes: half_up, half_even or down",
            )
        return Money(_rounded(exact, rounding), self.currency)

    def split(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Share out by whole weights without losing a unit: largest remainders first, ties to the earlier share."""
        if not weights or any(type(weight) is not int or weight < 0 for weight in weights) or not any(weights):
            raise Invalid(
                f"weights {list(weights)!r} cannot share an amount",
                code="money.weights",
                remedy="give whole numbers from zero, at least one of them positive",
            )
        total, sign = sum(weights), -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        left = abs(self.minor) - sum(whole for whole, _ in shares)
        lucky = set(sorted(range(len(shares)), key=lambda place: -shares[place][1])[:left])
        return tuple(Money(sign * (whole + (place in lucky)), self.currency) for place, (whole, _) in enumerate(shares))


def money(amount: str | int | Decimal, currency: str = "CNY") -> Money:
    """Read an amount in major units (``"12.50"`` yuan); floats and more decimals than the currency has are refused."""
    if isinstance(amount, float | bool):
        raise _float(amount)
    try:
        value = Decimal(amount.strip() if isinstance(amount, str) else amount)
    except InvalidOperation as fault:
        raise Invalid(f"amount {amount!r} cannot be read", code="money.unreadable", remedy="write 12.50") from fault
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise Invalid(f"amount {amount!r} is not a finite amount", code="money.unreadable", remedy="write 12.50")
    minor = Fraction(value) * 10 ** _digits(currency)
    if minor.denominator != 1:
        raise Invalid(
            f"amount {amount!r} has more decimals than {currency}", code="money.inexact", remedy="round it by the rule"
        )
    return Money(minor.numerator, currency)


def _digits(currency: str) -> int:
    if currency not in MINOR_DIGITS:
        raise Invalid(
            f"currency {currency!r} is not known",
            code="money.currency",
            remedy=f"write one of {', '.join(MINOR_DIGITS)}",
        )
    return MINOR_DIGITS[currency]


def _float(amount: object) -> Invalid:
    return Invalid(
        f"amount {amount!r} is binary and not exact", code="money.inexact", remedy="write it as text: '12.50'"
    )


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    whole, rest = divmod(abs(exact), 1)
    up = {"half_up": rest >= Fraction(1, 2), "half_even": round(abs(exact)) > whole, "down": False}[rounding]
    return (1 if exact > 0 else -1) * (whole + up)
