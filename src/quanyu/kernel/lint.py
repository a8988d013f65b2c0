"""What packs may not do: judged over one pack, and over all packs of a city together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from quanyu.kernel.declare import Indicator
from quanyu.kernel.errors import Invalid
from quanyu.kernel.pack import Pack
from quanyu.kernel.unit import find_unit

VITALS_MAX: Final = 12
TRACES: Final = re.compile(
    r"log_?in|sign_?in|log_?on|session|photo|picture|check_?in|punch|footprint|points|active_?days|登录|签到|打卡|照片|积分|留痕",
    re.IGNORECASE,
)
"""Words of trace-keeping: a score of them makes people produce traces instead of work (rules.md A5)."""


def lint(pack: Pack) -> Iterator[Invalid]:
    """Yield every fault of one pack by itself."""
    for indicator in pack.indicators:
        place = f"{pack.id}, indicator {indicator.name}"
        if trace := _trace(indicator):
            yield Invalid(
                f"Indicator {indicator.name} counts traces of work ({trace!r}), not its results.",
                code="pack.trace_indicator",
                where=place,
                remedy="Measure what changed in the city: what was solved, how soon, how often again.",
            )
        if find_unit(indicator.unit) is None:
            yield Invalid(f"Indicator {indicator.name} has the unknown unit {indicator.unit}.", where=place)
    own = {row.type for row in pack.types} | set(pack.reads)
    for rule in pack.rules:
        if rule.type not in own:
            yield Invalid(
                f"Rule {rule.name} watches {rule.type}, which the pack neither declares nor reads.",
                code="pack.type_unknown",
                where=f"{pack.id}, rule {rule.name}",
                remedy=f'Add "{rule.type}" to reads in pack.toml.',
            )
    known = {indicator.name for indicator in pack.indicators}
    for card in pack.views.card:
        for name in card.indicators:
            if name not in known:
                yield Invalid(f"Card {card.id} shows the unknown indicator {name}.", where=f"{pack.id}/views.toml")


def lint_all(packs: Collection[Pack], units: Collection[str]) -> Iterator[Invalid]:
    """Yield every fault of packs together: names used twice, flows and units that nobody has, too many vital signs."""
    for pack in packs:
        yield from lint(pack)
    yield from _twice("indicator", (each.name for pack in packs for each in pack.indicators))
    yield from _twice("rule", (each.name for pack in packs for each in pack.rules))
    yield from _twice("flow", (each.name for pack in packs for each in pack.flows))
    yield from _twice("source", (each.name for pack in packs for each in pack.sources))
    vitals = [each.vital for pack in packs for each in pack.indicators if each.vital is not None]
    yield from _twice("vital sign", (str(vital) for vital in vitals))
    if len(vitals) > VITALS_MAX:
        yield Invalid(f"{len(vitals)} vital signs are declared; {VITALS_MAX} fit.", code="pack.vitals")
    flows = {flow.name for pack in packs for flow in pack.flows}
    for pack in packs:
        opened = [(rule.name, rule.opens) for rule in pack.rules]
        opened += [(each.name, each.opens) for each in pack.indicators if each.opens]
        for name, flow in opened:
            if flow not in flows:
                yield Invalid(
                    f"{name} opens cases of flow {flow}, which no pack declares.",
                    code="pack.flow_unknown",
                    where=pack.id,
                )
        yield from _strangers(pack, units)


def _strangers(pack: Pack, units: Collection[str]) -> Iterator[Invalid]:
    named = [(pack.id, pack.owner)]
    named += [(indicator.name, indicator.owner) for indicator in pack.indicators]
    named += [(flow.name, unit) for flow in pack.flows for unit in (*flow.roles.values(), flow.escalate) if unit]
    for name, unit in named:
        if unit not in units:
            yield Invalid(
                f"{name} names the unit {unit}, which the city lacks.", code="pack.unit_unknown", where=pack.id
            )


def _twice(what: str, names: Iterable[str]) -> Iterator[Invalid]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Invalid(f"The {what} {name} is declared {count} times.", code="pack.twice")


def _trace(indicator: Indicator) -> str | None:
    """Return the first word that names a trace, among everything the indicator reads and is called."""
    texts = [indicator.name, *indicator.title.values()]
    for measure in indicator.measures:
        parts = (measure.name, measure.type, measure.attribute, measure.where, measure.value)
        texts += [part for part in parts if part]
    found = (TRACES.search(text) for text in texts)
    return next((match[0] for match in found if match), None)
