"""The house rules, in one pass over the checkout; and each rule on a file that breaks it."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.tidy import code_rules, text_rules
from tests.tidy.findings import ROOT, Finding, Source, load_paths, load_sources

EACH_MODULE = [
    code_rules.sizes,
    code_rules.names,
    code_rules.docstrings,
    code_rules.unfinished,
    code_rules.blanket_errors,
]
EACH_TEXT = [
    text_rules.unfinished_words,
    text_rules.machine_paths,
    text_rules.lock_places,
    text_rules.titles,
    text_rules.literal_words,
]


def findings(paths: list[str], sources: list[Source]) -> Iterator[Finding]:
    modules = [source for source in sources if source.suffix == ".py" and source.within(*code_rules.PLACES)]
    for source in modules:
        for rule in EACH_MODULE:
            yield from rule(source)
    yield from code_rules.assertions(modules)
    yield from code_rules.dead_modules(sources)
    for source in sources:
        for rule in EACH_TEXT:
            yield from rule(source)
    yield from text_rules.catalogues(sources)
    yield from text_rules.links(paths, sources)
    yield from text_rules.leftovers(paths)


def test_the_checkout_keeps_the_house_rules() -> None:
    paths = load_paths()
    found = [str(finding) for finding in findings(paths, load_sources(paths))]
    assert not found, f"{len(found)} house rules are broken:\n" + "\n".join(sorted(found))


def test_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def says(found: Iterable[Finding]) -> str:
    return "\n".join(map(str, found))


LONG_FUNCTION = '"""A."""\n\ndef f() -> None:\n' + "    print()\n" * 60
BROKEN: list[tuple[Callable[[Source], Iterator[Finding]], str, str, str]] = [
    (code_rules.sizes, "src/a.py", '"""A."""\n' * 401, "src/a.py:401: the file has 401 lines"),
    (code_rules.sizes, "src/a.py", LONG_FUNCTION, "src/a.py:3: f has 61 lines"),
    (code_rules.names, "src/quanyu/helpers/a.py", "", "'helpers' says nothing"),
    (code_rules.docstrings, "src/a.py", "x = 1\n", "src/a.py:1: the module has no docstring"),
    (code_rules.unfinished, "src/a.py", "\nraise NotImplementedError\n", "src/a.py:2: NotImplementedError"),
    (
        code_rules.blanket_errors,
        "src/a.py",
        "try:\n    f()\nexcept Exception:\n    pass\n",
        "src/a.py:3: catches every",
    ),
    (code_rules.blanket_errors, "src/a.py", "try:\n    f()\nexcept (OSError, Exception):\n    pass\n", "src/a.py:3:"),
    (text_rules.unfinished_words, "src/a.ts", "// TO" + "DO: later\n", "src/a.ts:1: a note"),
    (text_rules.machine_paths, "a.toml", "home = '/ro" + "ot/x'\n", "a.toml:1: names a folder"),
    (text_rules.lock_places, "a.lock", "--index-url x\n", "a.lock:1: a lock names"),
    (text_rules.lock_places, "console/package-lock.json", '"resolved": "https://x/y.tgz"\n', ":1: the lock names"),
    (text_rules.titles, "a.md", "Text\n", "a.md:1: the page does not open"),
    (text_rules.titles, "a.md", "# A\n\n```\n# no title\n```\n# B\n", "a.md:6: a second title"),
    (text_rules.literal_words, "console/src/A.svelte", "<p>\n事件</p>\n", "A.svelte:2: Chinese text"),
]


@pytest.mark.parametrize(("rule", "path", "text", "expected"), BROKEN)
def test_each_rule_finds_what_breaks_it(
    rule: Callable[[Source], Iterator[Finding]], path: str, text: str, expected: str
) -> None:
    assert expected in says(rule(Source(path, text)))


def test_faces_and_runners_may_catch_everything_and_cleaning_up_may_pass_it_on() -> None:
    text = "try:\n    f()\nexcept Exception:\n    pass\n"
    assert not list(code_rules.blanket_errors(Source("src/quanyu/faces/http/app.py", text)))
    assert not list(code_rules.blanket_errors(Source("src/quanyu/assembly/readers.py", text)))
    assert not list(code_rules.blanket_errors(Source("src/a.py", text.replace("pass", "raise"))))


def test_a_test_without_an_assertion_is_found_and_one_that_asserts_through_another_is_not() -> None:
    text = "def test_a():\n    f()\n\ndef holds():\n    assert f()\n\ndef test_b():\n    holds()\n"
    assert says(code_rules.assertions([Source("tests/test_a.py", text)])) == (
        "tests/test_a.py:1: test_a asserts nothing: say what must hold"
    )


def test_a_module_that_nobody_imports_is_found() -> None:
    sources = [
        Source("src/quanyu/engines/a.py", "from quanyu.engines import b\nfrom .c import x\n"),
        *(Source(f"src/quanyu/engines/{name}.py", "") for name in "bcd"),
        Source("src/quanyu/assembly/__init__.py", "'quanyu.engines.d'\nimport quanyu.engines.a\n"),
        Source("src/quanyu/engines/e.py", ""),
    ]
    assert says(code_rules.dead_modules(sources)) == (
        "src/quanyu/engines/e.py:1: nothing imports quanyu.engines.e: use it or delete it"
    )


def test_a_word_in_one_language_only_is_found_where_it_stands() -> None:
    sources = [
        Source("p/strings.zh.toml", '[card]\ntitle = "空气"\nnote = "注"\n'),
        Source("p/strings.en.toml", '[card]\ntitle = "Air"\n'),
        Source("console/src/i18n/en.json", '{"a": {"b": "x"}}'),
    ]
    assert says(text_rules.catalogues(sources)) == (
        "p/strings.zh.toml:3: card.note is missing in strings.en.toml\n"
        "console/src/i18n/en.json:1: a.b is missing in i18n/zh.json"
    )


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = Source("docs/a.md", "# A\n[b](../b.md#top) [c](c.md) [d](https://x) [e](#e) [docs](../docs)\n")
    assert says(text_rules.links(["b.md", "docs/a.md"], [page])) == "docs/a.md:2: c.md does not exist"


def test_leftovers_are_found() -> None:
    assert says(text_rules.leftovers(["src/a.py", "src/a.py.orig"])) == "src/a.py.orig:1: a leftover: delete it"
