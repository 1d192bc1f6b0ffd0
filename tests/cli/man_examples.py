"""Checks that every example of docs/man/*.txt that begins with `    $ ` prints what the page shows below it.

Run by the case help/examples in a folder with the snapshots of make_fixtures, heldby in PATH. With UPDATE=1 in the environment (that is, with
tests/cli/run --update) the pages are rewritten instead.
"""
import difflib
import os
import pathlib
import subprocess

INDENT = "    "


def run(command):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    lines = (done.stdout + done.stderr).rstrip("\n").split("\n")
    return [(INDENT + line).rstrip() for line in lines]


def rendered(text):
    """The page with the output of each example as it is now. An example ends at the next one or at the next line at the margin."""
    result, lines, at = [], text.split("\n"), 0
    while at < len(lines):
        line = lines[at]
        result.append(line)
        at += 1
        if not line.startswith(INDENT + "$ "):
            continue
        end = at
        while end < len(lines) and (not lines[end] or lines[end].startswith(INDENT)) and \
                not lines[end].startswith(INDENT + "$ "):
            end += 1
        result += run(line[len(INDENT) + 2:])
        if end < len(lines):
            result.append("")
        at = end
    return "\n".join(result).rstrip("\n") + "\n"


def main():
    for page in sorted((pathlib.Path(os.environ["SOURCE"]) / "docs/man").glob("*.txt")):
        text = page.read_text()
        now = rendered(text)
        if now == text:
            continue
        if os.environ.get("UPDATE") == "1":
            page.write_text(now)
        else:
            print("\n".join(difflib.unified_diff(text.split("\n"), now.split("\n"), page.name, "what it prints", lineterm="")))


main()
