"""The command line: `quanyu`. It starts quickly because every command loads only what it uses."""


def main() -> None:
    """Run the command line; failures of the error tree end it with status 1 and a remedy."""
    from quanyu.faces.cli.app import run

    run()
