#!/usr/bin/env python3
"""The worked examples that people know from objgraph's and referrers' documentation, answered by the command line.

examples/NAME.py takes snapshots of itself. examples/NAME.txt is a transcript: lines that begin with `$ heldby` are run, what follows is
the answer expected. {name} stands for an address the program told, {1} for its first snapshot, and without a number for its last. In answers,
addresses are 0x1, 0x2 ... in order of appearance, thread ids and sizes #, folders are left out. A part between `# 3.11-` or `# -3.10` and the next such line
or `# all` is for these versions only.

    run_examples.py ... --update      writes the answers of this version into the transcripts that have one part for all
"""
import os
import re
import subprocess
import sys

import held

EXAMPLES = os.path.join(held.HERE, "examples")
update = "--update" in sys.argv
if update:
    sys.argv.remove("--update")


def normal(text, folder):
    seen = {}
    text = text.replace(EXAMPLES + os.sep, "").replace(folder + os.sep, "")
    text = re.sub(r"0x[0-9a-f]+", lambda match: seen.setdefault(match.group(), "0x%d" % (len(seen) + 1)), text)
    text = re.sub(r"\(id \d+\)", "(id #)", text)
    text = re.sub(r"@\d+", "@#", text)
    text = re.sub(r"[+-]?\d[\d.]* (B|KiB|MiB)\b", "# B", text)
    text = re.sub(r"… \d+ more", "… # more", text)
    text = re.sub(r"\.\d+\.(\d+)\.held", r".PID.\1.held", text)
    lines = [line.rstrip() if re.search("[├└│]", line) else re.sub(r"(?<=\S)  +", "  ", line.rstrip()) for line in text.split("\n")]
    return "\n".join(line.strip() if re.match(r" *[#+\d]", line) else line for line in lines).strip("\n")


def applies(condition, version):
    """`# 3.11-`, `# -3.10`, `# all`."""
    if condition == "all":
        return True
    low, high = condition.split("-")
    number = [tuple(int(part) for part in side.split(".")) if side else None for side in (low, high)]
    return (number[0] is None or version >= number[0]) and (number[1] is None or version <= number[1])


def blocks(path, version):
    """[(command, expected)] for this version."""
    result, wanted = [], True
    with open(path, encoding="utf-8") as lines:
        for line in lines.read().split("\n"):
            condition = re.fullmatch(r"# (all|[\d.]*-[\d.]*)", line)
            if condition:
                wanted = applies(condition.group(1), version)
            elif wanted and line.startswith("$ heldby "):
                result.append([line[9:], []])
            elif wanted and result:
                result[-1][1].append(line)
    return [(command, "\n".join(lines).strip("\n")) for command, lines in result]


def fill(command, addresses, snapshots):
    words = []
    for word in command.split():
        if word == "{all}":
            words += snapshots
        elif word == "{}":
            words.append(snapshots[-1])
        elif re.fullmatch(r"\{\d\}", word):
            words.append(snapshots[int(word[1]) - 1])
        elif word.startswith("{"):
            words.append(addresses[word[1:-1]])
        else:
            words.append(word)
    return words


def run_example(test, name, modules):
    directory = test.folder_for(name)
    test.run_program(os.path.join(EXAMPLES, name + ".py"), directory, PYTHONPATH=os.pathsep.join((modules, EXAMPLES)), LD_PRELOAD="")
    addresses = {}
    if os.path.exists(os.path.join(directory, "addresses")):
        with open(os.path.join(directory, "addresses")) as lines:
            addresses = dict(line.split() for line in lines)
    snapshots = test.snapshots(directory)
    transcript = os.path.join(EXAMPLES, name + ".txt")
    written = []
    for command, expected in blocks(transcript, test.version):
        status, out, err = test.ask_text(*fill(command, addresses, snapshots))
        got = normal(out + err, directory)
        written.append("$ heldby %s\n%s\n" % (command, got))
        test.check(status in (0, 1), "%s: heldby %s: exit status %d: %s", name, command, status, err)
        if not update:
            test.check(got == expected, "%s: heldby %s\n--- wanted\n%s\n--- got\n%s", name, command, expected, got)
    if update:
        with open(transcript, encoding="utf-8") as lines:
            head = lines.read()
        if not re.search(r"^# (all|[\d.]*-[\d.]*)$", head, re.M):
            with open(transcript, "w", encoding="utf-8") as out:
                out.write(head.split("$ heldby ")[0] + "\n".join(written))


def page(test):
    """All that docs/from-objgraph.md shows still runs, where objgraph is installed."""
    if subprocess.run([test.options.python, "-c", "import objgraph"], stderr=subprocess.DEVNULL).returncode:
        return
    program = os.path.join(held.HERE, os.pardir, os.pardir, "docs", "from-objgraph", "make.py")
    done = subprocess.run([sys.executable, program, "--lib", test.options.lib, "--cli", test.options.cli, "--python", test.options.python, "--check"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    test.check(done.returncode == 0, "docs/from-objgraph.md: %s", done.stdout.decode())
    test.note("docs/from-objgraph.md runs")


def body(test):
    modules = test.folder_for("modules")
    os.symlink(test.options.lib, os.path.join(modules, "heldby.so"))
    names = sorted(name[:-4] for name in os.listdir(EXAMPLES) if name.endswith(".txt"))
    for name in names:
        run_example(test, name, modules)
    page(test)
    test.check(len(names) >= 6, "only %d examples", len(names))
    test.note("%d examples", len(names))


if __name__ == "__main__":
    held.Test("the worked examples of objgraph's and referrers' documentation").main(body)
