"""A context for tests: a few words with IRIs, all else as in the core context."""

from quanyu.kernel.ngsi.members import Words

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


class Renaming:
    """Translates by a table of word → IRI; a stored word that the table gives another meaning is written as its IRI."""

    def __init__(self, table: dict[str, str]) -> None:
        back = {iri: word for word, iri in table.items()}
        self.core = not table
        self.members: dict[str, str] = {}
        self.name = lambda word: table.get(word, word.removeprefix(DEFAULT))
        self.word = lambda name: back.get(name, DEFAULT + name if name in table else name)
        self.type_word = self.word


CORE: Words = Renaming({})
CITY: Words = Renaming(
    {word: f"https://city.example/{word}" for word in ("Building", "pm25", "owner", "monument", "accuracy", "City")}
)
