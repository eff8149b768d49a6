"""includes_test.py ROOT: the tree keeps to docs/architecture.md, and the check can fail."""

import pathlib
import sys
import unittest

import includes
from planted import PlantedTree

ROOT = pathlib.Path(sys.argv.pop(1))

PAGE = """# A page
```layers
common:
pam: common
runtime: common
cognito: runtime common
policy: cognito runtime common
sign_in: policy cognito runtime common
main: sign_in common
```
"""


class Tree(unittest.TestCase):
    def test_the_tree_keeps_to_the_page(self):
        self.assertEqual(includes.check(ROOT), [])

    def test_the_tree_was_seen(self):
        layers = {includes.layer_of(path)
                  for path in includes.sources(ROOT, *includes.TOP_LAYERS, "daemon")}
        self.assertEqual(layers, set(includes.read_layers(ROOT)))


class Planted(PlantedTree):
    """Each fault planted in a small tree is found, and nothing else."""

    checker = includes

    def setUp(self):
        super().setUp()
        self.write("docs/architecture.md", PAGE)
        self.write("common/fd.h", "#include <unistd.h>\n")
        self.write("daemon/runtime/task.h", '#include "common/fd.h"\n')
        self.write("daemon/cognito/pool_config.h", "")
        self.write("daemon/cognito/pool.h", "#include <string>\n")
        self.write("daemon/policy/config.h", '#include "daemon/cognito/pool_config.h"\n')
        self.write("daemon/sign_in/sign_in.cc", '#include "daemon/cognito/pool.h"\n')
        self.write("daemon/main.cc", '#include "daemon/sign_in/sign_in.h"\n')
        self.write("daemon/sign_in/sign_in.h", "")
        self.write("pam/entry.cc", '#include "common/fd.h"\n')

    def test_a_sound_tree_has_no_problem(self):
        self.assertEqual(includes.check(self.root), [])

    def test_a_lower_layer_includes_a_higher_one(self):
        self.write("daemon/runtime/task.h", '#include "daemon/sign_in/sign_in.h"\n')
        self.assert_problem("runtime must not include daemon/sign_in/sign_in.h")

    def test_a_header_in_the_page_is_no_layer(self):
        self.write("docs/architecture.md", PAGE.replace("cognito: runtime", "cognito: policy/config.h runtime"))
        self.assert_problem("cognito names policy/config.h, which is no layer")

    def test_two_folders_that_include_each_other(self):
        self.write("daemon/cognito/pool.h", '#include "daemon/policy/config.h"\n')
        self.assert_problem("cognito must not include daemon/policy/config.h")

    def test_the_module_includes_the_daemon(self):
        self.write("pam/entry.cc", '#include "daemon/runtime/task.h"\n')
        self.assert_problem("pam must not include")

    def test_an_include_relative_to_the_file(self):
        self.write("daemon/sign_in/sign_in.cc", '#include "sign_in.h"\n')
        self.assert_problem("sign_in.h is not a path from the top")

    def test_a_folder_that_is_no_layer(self):
        self.write("daemon/extra/x.cc", "")
        self.assert_problem("its layer extra is not in architecture.md")

    def test_a_foreign_header_in_the_module(self):
        self.write("pam/entry.cc", "#  include <openssl/evp.h>\n")
        self.assert_problem("pam/entry.cc", "openssl/evp.h")

    def test_a_foreign_header_reached_through_another_layer(self):
        self.write("daemon/cognito/pool.h", "#include <curl/curl.h>\n")
        self.assert_problem("daemon/sign_in/sign_in.cc", "<curl/curl.h> through daemon/cognito/pool.h")

    def test_the_pool_shares_code_with_the_daemon(self):
        self.write("tests/pool/pool.cc", '#include "common/fd.h"\n#include "common/secret.h"\n')
        self.assert_problem("tests/pool/pool.cc", "common/secret.h")

    def test_a_standard_name_without_its_header(self):
        self.write("daemon/cognito/pool.h", "#include <vector>\nusing Octets = std::vector<std::uint8_t>;\n")
        self.assert_problem("daemon/cognito/pool.h", "std::uint8_t without <cstdint> or <stdint.h>")
        self.write("daemon/cognito/pool.h", "#include <stdint.h>\nusing Octet = uint8_t;\n")
        self.assertEqual(includes.check(self.root), [])
        self.write("daemon/cognito/pool.h", "using Octet = uint8_t;\n")
        self.assert_problem("std::uint8_t without <cstdint>")

    def test_a_header_within_a_namespace_of_std(self):
        self.write("tests/clock.cc", "std::chrono::seconds time{};\n")
        self.assert_problem("tests/clock.cc", "std::chrono without <chrono>")

    def test_the_header_of_the_same_name_includes_for_its_source(self):
        self.write("daemon/sign_in/sign_in.cc", '#include "daemon/sign_in/sign_in.h"\nstd::string text;\n')
        self.assert_problem("daemon/sign_in/sign_in.cc", "std::string without <string>")
        self.write("daemon/sign_in/sign_in.h", "#include <string>\n")
        self.assertEqual(includes.check(self.root), [])

    def test_another_header_does_not_include_for_it(self):
        self.write("daemon/sign_in/sign_in.cc", '#include "daemon/cognito/pool.h"\nstd::string text;\n')
        self.assert_problem("daemon/sign_in/sign_in.cc", "std::string without <string>")

    def test_a_standard_name_in_a_comment(self):
        self.write("daemon/cognito/pool.h", "// no std::string\n")
        self.assertEqual(includes.check(self.root), [])

    def test_a_standard_name_that_the_table_lacks(self):
        self.write("daemon/cognito/pool.h", "std::strong_text text;\n")
        self.assert_problem("std::strong_text has no header in tests/arch/standard_headers.py")

    def test_a_file_that_is_too_long(self):
        self.write("daemon/sign_in/sign_in.h", "\n" * 600)
        self.assertEqual(includes.check(self.root), [])
        self.write("daemon/sign_in/sign_in.h", "\n" * 601)
        self.assert_problem("601 lines")

    def test_a_circle_in_the_page(self):
        self.write("docs/architecture.md", PAGE.replace("common:\n", "common: pam\n", 1))
        self.assert_problem("a circle: common > pam > common")

    def test_a_word_in_the_page_that_is_no_layer(self):
        self.write("docs/architecture.md", PAGE.replace("pam: common", "pam: common util"))
        self.assert_problem("pam names util")

    def test_a_page_without_the_block(self):
        self.write("docs/architecture.md", "# A page\n")
        with self.assertRaises(ValueError):
            includes.check(self.root)


if __name__ == "__main__":
    unittest.main()
