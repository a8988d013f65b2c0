"""The commands. Each loads what it needs when it runs."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from quanyu.faces.cli import show
from quanyu.kernel.errors import Invalid, QuanyuError

app = typer.Typer(
    help="Quanyu (全域): an open-source city hub.",
    no_args_is_help=True,
    add_completion=False,
    # Rich tracebacks would print local variables, and a secret may be one of them.
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="API tokens and sign-in links.", no_args_is_help=True)
flows = typer.Typer(help="Flows as BPMN 2.0 drawings.", no_args_is_help=True)
app.add_typer(tokens, name="token")
app.add_typer(flows, name="flows")

Home = Annotated[Path, typer.Option("--home", envvar="QUANYU_HOME", help="Folder that holds the city's state.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
HOME = Path("var")


def run() -> None:
    """Run the command line; an error of the tree ends it with status 1."""
    try:
        app()
    except QuanyuError as error:
        show.stopped(error)
        sys.exit(1)


@app.callback()
def prepare() -> None:
    """Set the log up: commands warn, only serve informs."""
    from quanyu.faces.cli.logs import set_up

    set_up(logging.WARNING)


def operated(home: Path, name: str, arguments: dict[str, Any], quiet: bool = False) -> Any:
    """Run an operation where the home is owned, showing how far it is."""
    from quanyu.assembly.remote import operate

    with show.progress(quiet) as progress:
        return operate(home, name, arguments, progress)


@app.command()
def serve(
    home: Home = HOME,
    port: Annotated[int, typer.Option(envvar="QUANYU_PORT", min=0, max=65535, help="0 takes any free port.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    city: Annotated[str, typer.Option(help="City profile.")] = "beijing",
    demo: Annotated[bool, typer.Option("--demo", help="Simulate the city.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="No sign-in; this machine only.")] = False,
    speed: Annotated[float, typer.Option(min=0.001, max=100_000, help="City seconds per second, in a demo.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of a demo.")] = 8,
    start: Annotated[str | None, typer.Option(help="Where a demo's time starts (RFC 3339).")] = None,
    warm_days: Annotated[int | None, typer.Option(min=0, max=400, help="Days of past that a demo makes first.")] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let webhooks and downloads of contexts reach private hosts.")
    ] = False,
    temporal_page: Annotated[
        int, typer.Option(min=2, max=1_000_000, help="Instances in one answer of the temporal API.")
    ] = 10_000,
    tenants: Annotated[
        bool, typer.Option("--tenants", help="The first write to an unknown tenant makes it (so with --open).")
    ] = False,
    body_max: Annotated[
        int, typer.Option(min=1_024, max=1 << 30, help="Bytes in the body of one NGSI-LD request.")
    ] = 16 * 1024 * 1024,
    devices: Annotated[
        Path | None, typer.Option(help="Brokers, topics and stations to listen to; devices.toml of the home otherwise.")
    ] = None,
    hj212: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port for stations that speak HJ 212; shut without it.")
    ] = None,
) -> None:
    """Serve a city hub."""
    from quanyu.faces.cli import logs
    from quanyu.faces.cli.serve import Wish
    from quanyu.faces.cli.serve import serve as run_server

    logs.set_up()
    run_server(
        Wish(
            home, host, port, city, demo, open_, speed, seed, start, warm_days, allow_private, temporal_page, tenants,
            body_max, devices, hj212,
        )
    )  # fmt: skip


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="Kind of file; quanyu packs lists them.")],
    files: Annotated[list[Path], typer.Argument(help="CSV files, gzip allowed.")],
    home: Home = HOME,
    as_: Annotated[str, typer.Option("--as", help="history (nobody is notified) or live.")] = "history",
    mapping: Annotated[Path | None, typer.Option(help="Mapping file for any CSV of observations.")] = None,
    json: Json = False,
) -> None:
    """Import files of a kind that a pack reads."""
    names = [str(path.resolve()) for path in files]
    arguments = {"kind": kind, "files": names, "mode": as_, "mapping": str(mapping.resolve()) if mapping else None}
    report = operated(home, "import", arguments, json)
    show.line(report) if json else show.facts(f"Imported {kind}", report)


@app.command()
def packs(json: Json = False) -> None:
    """List the packs with what they declare."""
    from quanyu.assembly.packs import load_packs

    parts = ("flows", "rules", "indicators", "sources", "messages", "simulations", "types", "parameters", "elements",
             "registers", "forms")  # fmt: skip
    for pack in (found := load_packs()):
        if json:
            names = {part: [getattr(each, "name", None) or getattr(each, "id", None) for each in getattr(pack, part)]
                     for part in parts if part != "types"}  # fmt: skip
            show.line({"id": pack.id, **names})
    if not json:
        items = []
        for each in found:
            counted = ((len(getattr(each, part)), part) for part in parts)
            declares = ", ".join(f"{part} {count}" for count, part in counted if count)
            reads = ", ".join(source.name for source in each.sources)
            items.append({"id": each.id, "declares": declares, "reads": reads})
        show.rows("Packs", items, ("id", "declares", "reads"))


@app.command()
def check(
    home: Home = HOME,
    dossier: Annotated[Path | None, typer.Option(help="The JSON of a case's dossier: compare it alone.")] = None,
    json: Json = False,
) -> None:
    """Verify the chain, the state against the journal, the history and the files; or a dossier against the journal."""
    if dossier is not None:
        report = operated(home, "check-dossier", {"file": str(dossier.resolve())}, json)
    else:
        report = operated(home, "check", {}, json)
    faults = report["faults"]
    show.line(report) if json else show.facts("Sound" if not faults else "Damaged", report)
    if faults:
        raise typer.Exit(1)


@app.command()
def backup(file: Path, home: Home = HOME, json: Json = False) -> None:
    """Write one file from which restore makes this home again; nobody needs to stop."""
    report = operated(home, "backup", {"target": str(file.resolve())}, json)
    show.line(report) if json else show.facts(f"Backup {file}", report)


@app.command()
def restore(
    file: Path,
    home: Home = HOME,
    instead_of: Annotated[
        Path | None, typer.Option(help="The home that it replaces: who was erased there later is erased here too.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a home from a backup, in an empty folder, and check it."""
    from quanyu.assembly.backup import restore as unpack
    from quanyu.assembly.owner import Lock

    lock = Lock(home)
    try:
        with show.progress(json) as progress:
            manifest = unpack(file, home, progress)
    finally:
        lock.release()
    from quanyu.assembly.keeping import erasures_after

    erased = erasures_after(instead_of, manifest.seq) if instead_of is not None else []
    for person in erased:
        operated(home, "erase", {"person": person, "reason": "erased after this backup was made"}, json)
    report = operated(home, "check", {}, json)
    said = {"erased_again": len(erased), "seq": manifest.seq, "files": len(manifest.files), "faults": report["faults"]}
    show.line(said) if json else show.facts(f"Restored {home}", said)
    if report["faults"]:
        raise typer.Exit(1)


@app.command()
def export(folder: Path, home: Home = HOME, json: Json = False) -> None:
    """Write everything in open formats, without personal data."""
    report = operated(home, "export", {"target": str(folder.resolve())}, json)
    show.line(report) if json else show.facts(f"Exported to {folder}", report)


@app.command()
def erase(
    person: Annotated[str, typer.Argument(help="Person's id, or the id of the case that they reported.")],
    reason: Annotated[str, typer.Option(help="Why, for the record: who asked, and when.")],
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Forget a person: destroys the key and the rows of their personal data; the journal keeps that it was done."""
    report = operated(home, "erase", {"person": person, "reason": reason}, json)
    show.line(report) if json else show.facts("Erased", report)


@app.command()
def calendar(
    source: Annotated[str, typer.Option(help="The notice that orders it.")],
    work: Annotated[list[str] | None, typer.Option(help="A day that becomes a working day, as 2027-02-13.")] = None,
    rest: Annotated[list[str] | None, typer.Option(help="A day that becomes a day off.")] = None,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Edit the official calendar; clocks of open cases are counted again."""
    days = {**dict.fromkeys(work or (), True), **dict.fromkeys(rest or (), False)}
    if not days:
        raise Invalid(
            "The calendar edit names no day.", code="calendar.day", where="--work", remedy="Give --work or --rest."
        )
    report = operated(home, "edit-calendar", {"days": days, "source": source}, json)
    show.line(report) if json else show.facts("Calendar", report)


@app.command()
def checkpoint(
    prune: Annotated[bool, typer.Option("--prune", help="Then drop telemetry that the history holds.")] = False,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Dump the state beside the journal, so that check can start there and telemetry before it may go."""
    report = operated(home, "checkpoint", {"prune_telemetry": prune}, json)
    show.line(report) if json else show.facts("Checkpoint", report)


@app.command("accept-time")
def accept_time(home: Home = HOME, json: Json = False) -> None:
    """Let a running hub write again although the machine's clock stands before its last record."""
    report = operated(home, "accept-time", {}, json)
    show.line(report) if json else show.facts("Time accepted", report)


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Benches to run; all otherwise.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure against named peers (in a checkout)."""
    from quanyu.faces.cli.benches import COLUMNS, checkout, chosen, find_benches, measured

    results = []
    for result in measured(chosen(find_benches(checkout()), names or []), show.stopped):
        results.append(result)
        if json:
            show.line(result)
    if not json:
        show.rows("Bench", results, COLUMNS)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        show.plain(f"quanyu {installed('quanyu')}")
    except PackageNotFoundError:
        show.plain("quanyu (not installed)")


@tokens.command("issue")
def issue(
    person: Annotated[str, typer.Argument(help="Whose rights it has, for example person:admin.")],
    title: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never otherwise.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="Narrow it to these roles.")] = None,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Issue an API token; it is shown now and never again."""
    made = operated(home, "token.issue", {"person": person, "title": title, "days": days, "roles": role}, True)
    show.line(made) if json else show.plain(made["token"])


@tokens.command("list")
def list_tokens(home: Home = HOME, json: Json = False) -> None:
    """List tokens; the secrets themselves are kept nowhere."""
    found = operated(home, "token.list", {}, True)
    if json:
        for each in found:
            show.line(each)
        return
    show.rows("Tokens", found, ("id", "person", "title", "roles", "expires", "revoked_at"))


@tokens.command("revoke")
def revoke(token: Annotated[str, typer.Argument(help="Id, or the token itself.")], home: Home = HOME) -> None:
    """Revoke a token."""
    show.plain(f"Revoked {operated(home, 'token.revoke', {'id': token}, True)['id']}")


@tokens.command("sign-in")
def sign_in(
    person: Annotated[str, typer.Argument(help="Who signs in.")] = "person:admin", home: Home = HOME, json: Json = False
) -> None:
    """Print a one-time sign-in link: 15 minutes, one use."""
    made = operated(home, "sign-in", {"person": person}, True)
    show.line(made) if json else show.plain((made["url"] or "http://127.0.0.1:8000") + made["path"])


@tokens.command("citizen")
def citizen(
    subject: Annotated[str, typer.Argument(help="Whose it is: person:ID or firm:CREDIT-CODE.")],
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Print link and code by which a person or firm signs in on the citizen pages: one week."""
    made = operated(home, "citizen-link", {"subject": subject}, True)
    show.line(made) if json else show.plain(f"{made['url'] or 'http://127.0.0.1:8000'}{made['path']}\n{made['code']}")


@flows.command("check")
def check_flow(
    file: Annotated[Path, typer.Argument(help="A BPMN 2.0 file.")],
    city: Annotated[str, typer.Option(help="City profile that it is for.")] = "beijing",
    name: Annotated[str | None, typer.Option(help="Name of the flow, instead of the one drawn.")] = None,
    case: Annotated[str | None, typer.Option(help="Kind of its cases, instead of the one drawn.")] = None,
    overall: Annotated[str | None, typer.Option(help="Overall limit: '5 working days' or parameter:ID.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="LANE=ROLE, for a lane of the drawing.")] = None,
    json: Json = False,
) -> None:
    """Say what a drawing would be: its steps, what is wrong, assumed and left out; nothing is kept."""
    from quanyu.faces.cli.drawings import judged, tell

    verdict = judged(file, city, name, case, overall, role or [])
    show.line(verdict) if json else tell(file, verdict)
    if not verdict["ok"]:
        raise typer.Exit(1)


@flows.command("export")
def export_flow(
    name: Annotated[str, typer.Argument(help="Name of a flow in force, or its hash.")],
    to: Annotated[Path | None, typer.Option(help="File to write; standard output otherwise.")] = None,
    home: Home = HOME,
) -> None:
    """Write a flow as a BPMN 2.0 file with a picture."""
    text = operated(home, "flow.draw", {"name": name}, True)
    sys.stdout.write(text) if to is None else to.write_text(text, encoding="utf-8")
