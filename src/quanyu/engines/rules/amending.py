"""What is asked of a rule that a city writes, before anybody may release it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from quanyu.engines.rules.compile import Plan, compile_rule, names_in
from quanyu.kernel.declare import Rule
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.rule_file import Written


def check_rule(
    rule: Rule, types: Mapping[str, Collection[str]], parameters: Parameters, flows: Collection[str]
) -> Plan:
    """Return the compiled rule; raises Invalid for whatever would be refused at load, with line and column.

    `types`: the declared attributes of each entity type. Names that are no attribute of the rule's type and no parameter
    are refused too: a rule that reads nothing would never fire, and nobody would be told.
    """
    plan = compile_rule(rule, parameters)
    known = types.get(rule.type)
    if known is None or rule.attribute not in known:
        raise Invalid(
            f"Rule {rule.name} watches {rule.on}, which no pack declares.",
            code="rule.on",
            where="on",
            remedy=f"Attributes of {rule.type}: {', '.join(sorted(known))}." if known else "Name a declared type.",
        )
    for name, place in names_in(rule).items() if isinstance(rule.condition, Written) else ():
        if name not in known and name not in parameters:
            raise Invalid(
                f"Rule {rule.name} reads {name!r}, which is neither an attribute of {rule.type} nor a parameter.",
                code="rule.name_unknown",
                where=place,
                remedy=f"Attributes: {', '.join(sorted(known))}.",
            )
        if name in parameters and not all(isinstance(row.value, int | float) for row in parameters.history(name)):
            raise Invalid(
                f"Rule {rule.name} computes with the parameter {name}, which is not a number.",
                code="rule.parameter_type",
                where=place,
                remedy="Use a parameter whose rows are numbers.",
            )
    if rule.opens not in flows:
        raise Missing(
            f"Rule {rule.name} opens the flow {rule.opens!r}, which does not exist.",
            code="rule.flow_unknown",
            where="opens",
            remedy=f"Known: {', '.join(sorted(flows))}.",
        )
    return plan
