"""Which events in a firm's life bring what; the numbers are the city's parameters."""

from quanyu.kernel.declare import rule


@rule(
    on="Firm.ageMonths",
    severity="info",
    opens="policy_offer",
    zh="新办企业辅导服务推送",
    en="Guidance for a young firm",
)
def young_firm(ageMonths: float, benefit_young_months: float) -> bool:  # noqa: N803
    """A firm in its first months is offered guidance on tax, hiring and premises before it has to ask."""
    return ageMonths < benefit_young_months


@rule(
    on="Firm.newStaff",
    severity="info",
    opens="benefit_direct",
    zh="吸纳就业补贴免申即享",
    en="Support for hiring, without an application",
)
def hiring_direct(newStaff: float, benefit_hiring_count: float, benefit_hiring_direct: float) -> bool:  # noqa: N803
    """Who hires many gets the support by itself: the insurance register already knows all that a form would ask."""
    return newStaff >= benefit_hiring_count and benefit_hiring_direct >= 1


@rule(
    on="Firm.newStaff",
    severity="info",
    opens="policy_application",
    zh="吸纳就业补贴推送",
    en="Support for hiring is offered",
)
def hiring_offer(newStaff: float, benefit_hiring_count: float, benefit_hiring_direct: float) -> bool:  # noqa: N803
    """Where the law asks for an application, the firm is told that it may apply."""
    return newStaff >= benefit_hiring_count and benefit_hiring_direct < 1


@rule(
    on="Firm.newPatents",
    severity="info",
    opens="policy_offer",
    zh="知识产权与人才政策推送",
    en="Support for patents and talent is offered",
)
def new_patents(newPatents: float) -> bool:  # noqa: N803
    """A new patent is when support for talent and pledge loans is of use."""
    return newPatents >= 1
