"""report_test.py: the report sees what it is to list, and nothing else."""

import pathlib
import tempfile
import unittest

import report


def headless(text, suffix=".cc"):
    return [line for line, _ in report.headless_comments(text, suffix)]


def long_functions(text):
    return [(name, size) for name, _, size in report.functions_of(text)]


class Comments(unittest.TestCase):
    def test_a_clause_at_the_beginning(self):
        self.assertEqual(headless("// What the daemon sends.\nint x;  // whatever\n// Sends x.\n"), [1])
        self.assertEqual(headless("# Where it fails\nx = 1\n", ".py"), [1])

    def test_a_clause_behind_code(self):
        self.assertEqual(headless("int x;  // Whose it is\n"), [1])

    def test_a_clause_that_begins_a_later_sentence(self):
        self.assertEqual(headless("// Sends x. Whoever waits gets it.\n"), [1])
        self.assertEqual(headless("// Sends x.\n// Else it waits.\n"), [2])

    def test_a_line_that_continues_a_sentence(self):
        self.assertEqual(headless("// Sends the part\n// Of all parts\n"), [])

    def test_words_in_a_literal(self):
        self.assertEqual(headless('say("x // What now");\nsay("https://example.com/What");\n'), [])


class Functions(unittest.TestCase):
    def test_the_lines_of_a_function(self):
        text = "namespace x {\nint one(int a) {\n  if (a) {\n  }\n  return a;\n}\n}\n"
        self.assertEqual(long_functions(text), [("one", 5)])

    def test_a_member_and_a_constructor_with_initializers(self):
        text = "class A : public B {\n  A() : b_{1}, c_(2) {\n  }\n  int get() const {\n    return b_;\n  }\n};\n"
        self.assertEqual(long_functions(text), [("A", 2), ("get", 3)])

    def test_a_table_and_a_lambda_are_no_functions(self):
        text = "constexpr Row kRows[] = {\n  {1, f(2)},\n};\nvoid f() {\n  g([] {\n  });\n}\n"
        self.assertEqual(long_functions(text), [("f", 4)])

    def test_braces_in_literals_and_comments(self):
        text = "void f() {\n  g(\"{\");  // {\n  g('{');\n  g(R\"({)\");\n}\nvoid h() {\n}\n"
        self.assertEqual(long_functions(text), [("f", 5), ("h", 2)])


class Report(unittest.TestCase):
    def test_every_list(self):
        with tempfile.TemporaryDirectory() as root:
            files = {"pam/short.h": "int x;\n", "pam/long.cc": "// What\n" * 501,
                     "pam/function.cc": "void f() {\n" + "  g();\n" * 60 + "}\n"}
            for name, text in files.items():
                (pathlib.Path(root) / name).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(root) / name).write_text(text, encoding="utf-8")
            comments, short, long, functions = report.report(pathlib.Path(root)).values()
        self.assertEqual(comments, ["pam/long.cc:1: What"])
        self.assertEqual(short, ["pam/short.h: 1"])
        self.assertEqual(long, ["pam/long.cc: 501"])
        self.assertEqual(functions, ["pam/function.cc:1: f: 62"])


if __name__ == "__main__":
    unittest.main()
