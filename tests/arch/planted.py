"""A small tree in a temporary directory, in which a test plants faults."""

import pathlib
import tempfile
import unittest


class PlantedTree(unittest.TestCase):
    # The module whose check(root) gives the problems of a tree.
    checker = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def assert_problem(self, *parts):
        """There is one problem, and it names these parts."""
        problems = self.checker.check(self.root)
        self.assertEqual(len(problems), 1, problems)
        for part in parts:
            self.assertIn(part, problems[0])
