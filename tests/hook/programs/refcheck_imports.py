"""Imports much and leaks nothing.

usage: refcheck_imports.py DIRECTORY MODULE...
"""
import importlib
import sys

import signalling

for name in sys.argv[2:]:
    importlib.import_module(name)
signalling.take(sys.argv[1])
signalling.leave()
