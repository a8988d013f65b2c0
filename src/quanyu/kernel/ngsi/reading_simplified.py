"""Simplified attributes (4.5.4) → concise ones, whose kind the standing attribute tells (5.6.17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import KINDS, NULL, instances
from quanyu.kernel.ngsi.reading_value import is_geometry

_WRAPPED: Final = frozenset({"languageMap", "json", "vocab"})


class Simplified:
    """Turns values that stand alone into attributes of the kind that `standing`, the stored entity, has for them."""

    def __init__(self, standing: Mapping[str, Any], lang: str | None = None) -> None:
        self.standing = standing
        self.lang = lang

    def concise(self, name: str, given: Any) -> Any:
        """Return the attribute, or the list of one instance per dataset."""
        if isinstance(given, dict) and set(given) == {"dataset"}:
            datasets = given["dataset"]
            if not isinstance(datasets, dict) or not datasets:
                raise Invalid(
                    "A dataset map holds no datasets.",
                    code="attribute.dataset",
                    where=name,
                    remedy='Write {"dataset": {"@none": …}}.',
                )
            return [self._instance(name, value, dataset) for dataset, value in datasets.items()]
        return given if given == NULL else self._instance(name, given, "@none")

    def _instance(self, name: str, given: Any, dataset: str) -> Any:
        made = self._valued(given, self._kind(name, dataset))
        return made if dataset == "@none" else made | {"datasetId": dataset}

    def _valued(self, given: Any, kind: str) -> dict[str, Any]:
        if given == NULL:
            return {"type": kind, KINDS[kind]: NULL}
        if isinstance(given, dict) and len(given) == 1 and next(iter(given)) in _WRAPPED:
            return dict(given)
        if is_geometry(given) and kind == "Property":
            return {"type": "GeoProperty", "value": given}
        if kind == "LanguageProperty" and isinstance(given, str) and self.lang:
            return {"type": kind, "languageMap": {self.lang: given}}
        return {"type": kind, KINDS[kind]: given}

    def _kind(self, name: str, dataset: str) -> str:
        attribute = self.standing.get(name)
        if attribute is None:
            return "Property"
        several = instances(attribute)
        for instance in several:
            if instance.get("datasetId", "@none") == dataset:
                return str(instance["type"])
        return str(several[0]["type"])
