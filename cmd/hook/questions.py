# The Python side of heldby.referrers() and its like: from arguments to a command line, from its output to an answer.
#
# Part of libheldby.so, compiled at the first question; question.c calls begin(), takes the snapshot, and calls finish().
# Nothing here may stay alive in between or hold the caller's objects. Python 3.8 and later. LIBRARY, start()
# and wait() come from question.c. No imports at the top: a question must not change what the program has loaded before it is asked.

answers = []  # weak references to those that the program still has; snapshots leave them out
growth_base = []  # the snapshot of the last growth(), while none uses it


class Answer:
    """What the heldby command said: print it, or take .data, the document that --json prints."""

    __slots__ = ("_text", "_json", "__weakref__")

    def __init__(self, text, document):
        import _weakref
        self._text = text
        self._json = document
        answers.append(_weakref.ref(self))

    def __repr__(self):
        return self._text

    __str__ = __repr__

    @property
    def data(self):
        """The document that `heldby COMMAND --json` prints, as dicts and lists; None if it has printed none."""
        import json
        return json.loads(self._json) if self._json.strip() else None


def command_line_program():
    import os
    named = os.environ.get("HELDBY_CLI")
    if named:
        if os.access(named, os.X_OK):
            return named
        raise RuntimeError("HELDBY_CLI names %s, which cannot be run" % named)
    folder = os.path.dirname(os.path.realpath(LIBRARY))
    places = [os.path.join(folder, up, "bin", "heldby") for up in ("..", os.path.join("..", ".."))]
    places += [os.path.join(part, "heldby") for part in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return os.path.abspath(place)
    raise RuntimeError("the heldby command is neither in %s nor in PATH; HELDBY_CLI=/path/to/heldby names it"
                       % os.path.abspath(places[0]))


def new_folder(order):
    """A folder for the snapshot; `order` names both before it exists, so that an interrupt leaves nothing behind."""
    import os
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "."):
        if not parent or not (parent == "." or os.path.isabs(parent)):
            continue
        try:
            folder = os.path.join(os.getcwd() if parent == "." else parent, folder_prefix() + os.urandom(6).hex())
            order[:] = [folder + "/now.held", folder]
            os.mkdir(folder, 0o700)
            return
        except OSError as error:
            if error.errno is None:  # a signal handler's
                raise
    raise OSError("no folder for a temporary snapshot; TMPDIR names one")


def folder_prefix():
    import os
    return "heldby-%d-" % os.getpid()


def remove_folder(folder):
    import os
    if not os.path.basename(folder).startswith(folder_prefix()):
        return  # the parent's, which has forked meanwhile
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError as error:
        if error.errno is None:  # a signal handler's
            raise
        # it is gone, or somebody else's


def selector(value):
    """How the command line names what an option was given: a str is a pattern or an expression, an int what id() says."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, type):
        return value.__qualname__ if value.__module__ == "builtins" else "%s.%s" % (value.__module__, value.__qualname__)
    return hex(id(value))


def option_words(options):
    words = []
    for name, value in options.items():
        if name == "group":
            words += [] if value else ["--no-group"]
            continue
        option = "--from" if name == "start" else "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if name in ("exclude", "avoid"):
            for item in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
                words += [option, selector(item)]
        elif value is True:
            words.append(option)
        elif name == "start":
            words += [option, selector(value) if isinstance(value, (str, int)) else hex(id(value))]
        else:
            words += [option, selector(value) if name == "type" else str(value)]
    return words


def begin(order, command, arguments, options, lists):
    """Fills the order: the snapshot's file, its folder, the program, the command, and what follows it.

    lists: a letter for each argument and one for target=, y where it is a list that stands for what is in it."""
    options = dict(options or ())
    if command is None:
        if not arguments or not isinstance(arguments[0], str):
            raise TypeError("heldby.ask(command, ...): the name of a command comes first")
        command, arguments, lists = arguments[0], arguments[1:], lists[1:]
    if "target" in options:
        arguments += (options.pop("target"),)
    if command in ("referrers", "path") and options.get("type") is not None:
        if arguments:
            raise TypeError("heldby.%s() takes an object or type=, not both" % command)
    elif command in ("referrers", "referents", "path", "show") and not arguments:
        raise TypeError("heldby.%s() needs an object" % command)
    elif command in ("histogram", "growth") and arguments:
        raise TypeError("heldby.%s() takes options by name only" % command)
    if options.get("json") or "output" in options:
        raise TypeError("the document is .data of the answer, and the text is str() of it")
    addresses = []
    for argument, letter in zip(arguments, lists.ljust(len(arguments), "n")):
        if letter == "y":
            addresses += [hex(id(item)) for item in argument]
        else:
            addresses.append(hex(id(argument)))
    if command in ("referrers", "referents", "path", "show") and not addresses and options.get("type") is None:
        raise ValueError("heldby.%s() was given an empty list" % command)
    words = option_words(options)
    program = command_line_program()
    if command == "growth":
        import atexit  # before the snapshot: it may be new to the program
    answers[:] = [answer for answer in answers if answer() is not None]
    new_folder(order)
    order += [program, command] + words + [""] + addresses


def taken_text(path):
    """The text of a file, which goes."""
    import os
    with open(path, "rb") as file:
        os.unlink(path)
        return file.read().decode("utf-8", "replace")


def environment():
    import os
    pairs = [name + b"=" + value for name, value in os.environb.items()
             if name != b"LD_PRELOAD" and not name.startswith(b"HELDBY_")]
    return b"".join(pair + b"\0" for pair in pairs)


def run(folder, commands):
    """Runs them side by side; [(status, output, errors)]. Without an answer question.c ends those under way."""
    import os
    running = []
    for number, words in enumerate(commands):
        names = [os.path.join(folder, "%s.%d" % (name, number)) for name in ("out", "err")]
        block = b"".join(os.fsencode(word) + b"\0" for word in words)
        running.append([start(block, environment(), os.fsencode(names[0]), os.fsencode(names[1]))] + names)
    return [(wait(number), taken_text(out), taken_text(err)) for number, out, err in running]


def ask(folder, program, command, words, files, addresses):
    """The answer to one command."""
    question = [program, command] + words + files + addresses
    plain, document = run(folder, [question, unformatted([program, command, "--json"] + words) + files + addresses])
    status, out, err = plain
    for name in ("heldby: ", files[-1] + ": "):  # the file was ours, and is gone by then
        err = "\n".join(line[len(name):] if line.startswith(name) else line for line in err.strip("\n").split("\n"))
    if status == 1 and err.startswith("no object at 0x"):
        err = ("nothing holds it but this call: what the collector does not track (a str, a number) is in a snapshot only if "
               "something else holds it")
    if status == 2:
        raise ValueError(err.split("\n")[0])
    if status not in (0, 1):
        raise RuntimeError("heldby %s left with status %d: %s" % (command, status, err))
    if document[0] not in (0, 1):
        raise RuntimeError("heldby %s --json left with status %d: %s" % (command, document[0], document[2].rstrip("\n")))
    # what it advises to ask next names a file that is gone by then
    text = "\n".join(line for line in out.split("\n") if not (line.startswith("heldby ") and files[-1] in line))
    text = text.replace("\n\n\n", "\n\n").strip("\n")
    return Answer(text or err, document[1])


def unformatted(words):
    """Without --format and its value, which --json stands for."""
    if "--format" in words:
        at = words.index("--format")
        return words[:at] + words[at + 2:]
    return words


def take_base(path):
    """Takes it out of growth_base for this thread alone; False if another has it."""
    try:
        growth_base.remove(path)
        return True
    except ValueError:
        return False


def forget_growth(*kept):
    import os
    for path in list(growth_base):
        if path not in kept and take_base(path):
            remove_folder(os.path.dirname(path))


def growth_answer(path, folder, program, words, old):
    import os
    if old and os.path.basename(os.path.dirname(old)).startswith(folder_prefix()) and os.path.exists(old):
        return ask(folder, program, "growth", words, [old, path], [])
    first = ask(folder, program, "histogram", ["--limit", "1"], [path], [])
    return Answer("the base is set: %s; the next heldby.growth() says what has grown" % first._text.split(", in ")[0],
                  '{"rows": [], "base": %s}' % first._json)


def finish_growth(path, folder, program, words):
    import atexit
    import os
    old, taken = (growth_base[:1] or [None])[0], False
    try:
        taken = old and take_base(old)
        answer = growth_answer(path, folder, program, words, old if taken else None)
        atexit.unregister(forget_growth)
        atexit.register(forget_growth)
        growth_base.append(path)
        if taken:
            remove_folder(os.path.dirname(old))
        forget_growth(path)
        return answer
    except BaseException:
        if old and old not in growth_base:
            growth_base.append(old)
        raise


def finish(order):
    path, folder, program, command = order[:4]
    end = len(order) - 1 - order[::-1].index("")
    words, addresses = order[4:end], order[end + 1:]
    if command == "growth":
        return finish_growth(path, folder, program, words)
    answer = ask(folder, program, command, words, [path], addresses)
    remove_folder(folder)
    return answer


def abandon(order):
    """Without an answer: nothing stays, but for the base of the next growth()."""
    if order and order[0] not in growth_base:
        remove_folder(order[1])
