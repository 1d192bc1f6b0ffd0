"""Builds programs/refleak.c for the interpreter under observation, with its own headers."""
import os
import shutil
import subprocess

import held

FACTS = "import sysconfig; print(sysconfig.get_paths()['include']); print(sysconfig.get_config_var('EXT_SUFFIX'))"


def build(test, directory):
    """Leaves the module in `directory`. Returns None, or why it cannot be built here."""
    include, suffix = subprocess.run([test.options.python, "-c", FACTS], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if not os.path.exists(os.path.join(include, "Python.h")):
        return "no Python.h in %s" % include
    if compiler is None:
        return "no C compiler"
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-I" + include, os.path.join(held.PROGRAMS, "refleak.c"), "-o",
                           os.path.join(directory, "refleak" + suffix)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise held.Failed("refleak.c does not compile: %s" % done.stdout.decode(errors="replace")[-2000:])
    return None
