#!/usr/bin/env python3
"""Runs everything that docs/from-objgraph.md shows, and writes what came out into it.

    docs/from-objgraph/make.py --lib build/lib/libheldby.so --cli build/bin/heldby [--referrers FOLDER] [--python PYTHON]

A block of `pycon` is run by one Python process, in the order of the page, with shop.py imported; a block of `console`
after it, in the folder where that left its snapshots. FOLDER holds the package referrers (github.com/nfergu/referrers, src); without it the blocks that use it
stay as they are, and so do all that a Debian package they need (python3-objgraph, python3-networkx) is missing for. With --check nothing is written, and it is an error when a
command of heldby fails.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, os.pardir, "from-objgraph.md")
BLOCK = re.compile(r"^```(pycon|console)\n(.*?)^```$", re.M | re.S)

# Runs in the process under observation: statements come as JSON, what they print goes back.
DRIVER = r"""
import contextlib, io, json, sys
sys.path[:0] = [path for path in json.loads(sys.argv[1]) if path]
import shop
def run(blocks):
    results = []
    for statements in blocks:
        results.append([])
        for statement in statements:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                try:
                    exec(compile(statement + "\n", "page", "single"), globals())
                except Exception as error:
                    print("%s: %s" % (type(error).__name__, error))
            results[-1].append(printed.getvalue())
    return results
done = run(json.load(open(sys.argv[2])))
with open(sys.argv[3], "w") as file:
    json.dump(done, file)
"""


def statements_of(text):
    """The statements of a pycon block, without what they printed."""
    result = []
    for line in text.split("\n"):
        if line.startswith(">>> "):
            result.append(line[4:])
        elif line.startswith("... ") or line == "...":
            result[-1] += "\n" + line[4:]
    return result


def shown(statement):
    lines = statement.split("\n")
    return ">>> " + "\n... ".join(lines) + "\n"


def tidy(text, folder):
    text = text.replace(folder + "/", "").replace(HERE + "/", "")
    text = "".join(line.rstrip() + "\n" for line in text.split("\n"))
    lines = text.strip("\n").split("\n")
    if len(lines) > 40:
        lines = lines[:24] + ["(%d lines more)" % (len(lines) - 24)]
    return "\n".join(line if len(line) <= 150 else line[:149] + "…" for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", required=True)
    parser.add_argument("--cli", required=True)
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--referrers", default="")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "lib"))
        os.symlink(os.path.abspath(options.lib), os.path.join(folder, "lib", "heldby.so"))
        blocks = [statements_of(match.group(2)) for match in BLOCK.finditer(page) if match.group(1) == "pycon"]
        for name, text in (("driver.py", DRIVER), ("statements", json.dumps(blocks))):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        paths = json.dumps([HERE, os.path.join(folder, "lib"), os.path.abspath(options.referrers) if options.referrers else ""])
        environment = dict(os.environ, HELDBY_CLI=os.path.abspath(options.cli))
        subprocess.run([options.python, "driver.py", paths, "statements", "results"], cwd=folder, env=environment, check=True)
        with open(os.path.join(folder, "results")) as file:
            results = iter(json.load(file))

        def fill(match):
            nonlocal failures
            kind, text = match.groups()
            if kind == "pycon":
                printed = next(results)
                missing = [p for p in printed if re.match("(ModuleNotFoundError|ImportError):", p)]
                broken = [p for p in printed if p.startswith("NameError: name 'referrers'")]
                if missing or broken:
                    return match.group()
                lines = ""
                for statement, out in zip(statements_of(text), printed):
                    lines += shown(statement)
                    if re.match(r"^[A-Z]\w*Error: ", out):
                        print("%s\n%s" % (statement, out), file=sys.stderr)
                        failures += 1
                    if out.strip():
                        lines += tidy(out, folder) + "\n"
                return "```pycon\n%s```" % lines
            lines = ""
            for command in re.findall(r"^\$ (.*)$", text, re.M):
                done = subprocess.run(["bash", "-c", re.sub(r"^heldby", options.cli and os.path.abspath(options.cli), command)], cwd=folder, env=environment,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                lines += "$ %s\n%s\n" % (command, tidy(done.stdout.decode(), folder))
                if done.returncode not in (0, 1):
                    print("%s\n%s" % (command, done.stdout.decode()), file=sys.stderr)
                    failures += 1
            return "```console\n%s```" % lines

        page = BLOCK.sub(fill, page)
    if not options.check:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
