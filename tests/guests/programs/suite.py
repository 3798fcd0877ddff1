# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs modules of Python's own test suite: those in the file `suite`, a line each, without the tests that stand there with a
minus (which take long, and try the same many times over). Prints for each module how many tests there were, a digest of
every test's name and result, and all of the output where one failed. Times are left out: they differ anyhow."""
import contextlib
import hashlib
import importlib
import io
import re
import sys
import unittest

import test.support


def without(suite, names):
    """The tests of a suite, flat, less those named."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from without(item, names)
        elif item.id().split(".")[-1] not in names:
            yield item


def decimal_tests(module):
    """What its test_main would make, for the decimals that are written in C."""
    made = []
    module.run_unittest = lambda *classes: made.extend(c for c in classes if isinstance(c, type))
    module.run_doctest = lambda *ignored, **also: None
    module.all_tests = [c for c in module.all_tests if not c.__name__.startswith("Py")]
    module.test_main()
    module.init(module.C)
    module.init(module.P)
    return unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(c) for c in made)


def run(name, *options):
    module = importlib.import_module("test." + name)
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        if name == "test_decimal":
            suite = decimal_tests(module)
        else:
            suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        suite = unittest.TestSuite(without(suite, [option.lstrip("-") for option in options]))
        good = unittest.TextTestRunner(stream=text, verbosity=2).run(suite).wasSuccessful()
    lines = text.getvalue().splitlines()
    verdicts = sorted(line for line in lines if re.search(r" \.\.\. (ok|FAIL|ERROR|skipped)", line))
    digest = hashlib.sha256("\n".join(verdicts).encode()).hexdigest()[:16]
    print(f"{name}: {len(verdicts)} tests, {'all well' if good else 'FAILED'}, {digest}", flush=True)
    if not good:
        print("\n".join(line for line in lines if line not in verdicts))
    return good


test.support.use_resources = []  # no network, nothing that takes long
with open("suite", encoding="ascii") as listed:
    sys.exit(0 if all([run(*line.split()) for line in listed]) else 1)
