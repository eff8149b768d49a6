"""cycles_test.py ROOT: the tree has no cycle of #include, and the check can fail."""

import pathlib
import sys
import unittest

import cycles
from planted import PlantedTree

ROOT = pathlib.Path(sys.argv.pop(1))


class Tree(unittest.TestCase):
    def test_the_tree_has_no_new_cycle(self):
        self.assertEqual(cycles.check(ROOT), [])

    def test_the_tree_was_read(self):
        graph = cycles.folder_graph(ROOT)
        self.assertIn("common", graph["pam"])
        self.assertIn("pam", graph["tests/module"])


class Planted(PlantedTree):
    """Each cycle planted in a small tree is found."""

    checker = cycles

    def setUp(self):
        super().setUp()
        self.write("daemon/policy/config.h", '#include "daemon/limits/turn.h"\n')
        self.write("daemon/limits/turn.h", "#include <string>\n")
        self.write("daemon/limits/turn.cc", '#include "daemon/limits/turn.h"\n')
        self.write("cli/doctor/checks.h", '#include "cli/json.h"\n')
        self.write("cli/json.h", "")
        self.write("cli/main.cc", '#include "cli/doctor/checks.h"\n')

    def test_a_sound_tree_has_no_cycle(self):
        self.assertEqual(cycles.check(self.root), [])

    def test_two_folders_include_each_other(self):
        self.write("daemon/limits/turn.cc", '#include "daemon/policy/config.h"\n')
        self.assertEqual(cycles.check(self.root), ["these folders include each other: limits, policy"])

    def test_three_folders_form_a_cycle(self):
        self.write("daemon/limits/turn.cc", '#include "daemon/sessions/store.h"\n')
        self.write("daemon/sessions/store.h", '#include "daemon/policy/access.h"\n')
        self.write("daemon/policy/access.h", "")
        self.assertEqual(cycles.check(self.root), ["these folders include each other: limits, policy, sessions"])

    def test_two_headers_of_a_folder_include_each_other(self):
        self.write("daemon/limits/turn.h", '#include "daemon/limits/queue.h"\n')
        self.write("daemon/limits/queue.h", '#include "daemon/limits/turn.h"\n')
        self.assertEqual(cycles.check(self.root),
                         ["these headers include each other: daemon/limits/queue.h, daemon/limits/turn.h"])

    def test_two_folders_of_tests_include_each_other(self):
        self.write("tests/cli/a.h", '#include "tests/module/b.h"\n')
        self.write("tests/module/b.h", "")
        self.assertEqual(cycles.check(self.root), [])
        self.write("tests/module/c.h", '#include "tests/cli/a.h"\n')
        self.assertEqual(cycles.check(self.root), ["these folders include each other: tests/cli, tests/module"])


if __name__ == "__main__":
    unittest.main()
