#!/usr/bin/env python3
"""Each rule of tidy fires on a tree that breaks it, and on nothing else."""

import os
import sys
import tempfile
import unittest

import tidy
from cxx_scan import code_only, functions_of

GOOD = {
    "README.md": "| folder | |\n|---|---|\n| `src/base` | ground |\n| `src/io` | files |\n\nSee [docs](docs/a.md#one-thing).\n",
    "docs/a.md": "# One thing\n",
    "CMakeLists.txt": "add_subdirectory(src/base)\nadd_subdirectory(src/io)\n",
    "src/base/CMakeLists.txt": "rhizome_module(base)\n",
    "src/base/check.h": "// steady_clock::now is allowed here.\nint64_t Now() { return steady_clock::now().count(); }\n",
    "src/io/CMakeLists.txt": "rhizome_module(io)\n",
    "src/io/file.h": '#include "base/check.h"\n',
    "src/io/file_test.cc": '#include "io/file.h"\nTEST(File, Opens) { EXPECT_EQ(Rank(1), 2); }\n',
}
LEFT = "TO" + "DO"


def violations_of(changes):
    """What tidy says of the good tree after `changes`: path -> new text, None for a file that is not there."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            if text is None:
                continue
            os.makedirs(os.path.dirname(os.path.join(root, path)) or root, exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return tidy.check_all(tidy.Tree(root))


class TidyTest(unittest.TestCase):
    def breaks(self, rule, changes):
        self.assertEqual({v.rule for v in violations_of(changes)}, {rule})

    def test_good_tree_passes(self):
        self.assertEqual(violations_of({}), [])

    def test_upward_include(self):
        self.breaks("floors", {"src/base/up.h": '#include "io/file.h"\n'})

    def test_sideways_include(self):
        self.breaks("floors", {"README.md": GOOD["README.md"].replace("\n\nSee", "\n| `src/format` | bytes |\n\nSee"),
                               "src/format/x.h": '#include "io/file.h"\n'})

    def test_engine_including_the_log(self):
        readme = GOOD["README.md"].replace("\n\nSee", "\n| `src/wal` | |\n| `src/engines/vector` | |\n\nSee")
        self.breaks("floors", {"README.md": readme, "src/wal/log.h": "",
                               "src/engines/vector/index.h": '#include "wal/log.h"\n'})

    def test_include_of_nothing(self):
        self.breaks("floors", {"src/io/gone.h": '#include "gone.h"\n'})

    def test_generated_header_and_subfolder_of_an_engine(self):
        readme = GOOD["README.md"].replace("\n\nSee", "\n| `src/engines/vector` | |\n\nSee")
        self.assertEqual(violations_of({"src/io/CMakeLists.txt": "configure_file(a.in made.h)\nrhizome_module(io)\n",
                                        "src/io/x.cc": '#include "made.h"\n', "README.md": readme,
                                        "src/engines/vector/peer/other.h": '#include "io/file.h"\n'}), [])

    def test_folder_without_floor(self):
        self.breaks("floors", {"src/attic/x.h": "", "README.md": GOOD["README.md"].replace("\n\nSee", "\n| `src/attic` | |\n\nSee")})

    def test_tests_may_share_headers_under_tests_and_nobody_else_has_them(self):
        shared = {"tests/history/x.h": "", "tests/sim/y.h": '#include "history/x.h"\n'}
        self.assertEqual(violations_of(shared), [])
        self.breaks("floors", {**shared, "apps/main.cc": '#include "history/x.h"\n'})

    def test_app_may_include_everything_and_its_neighbours(self):
        self.assertEqual(violations_of({"apps/a.h": "", "apps/main.cc": '#include "a.h"\n#include "io/file.h"\n'}), [])

    def test_test_in_folder_without_module(self):
        self.breaks("unbuilt-test", {"src/io/CMakeLists.txt": None})

    def test_folder_missing_from_root(self):
        self.breaks("unbuilt-test", {"CMakeLists.txt": "add_subdirectory(src/base)\n"})

    def test_cross_module_test_not_listed(self):
        self.breaks("unbuilt-test", {"tests/CMakeLists.txt": "", "tests/crash_test.cc": ""})

    def test_folder_missing_from_readme(self):
        self.breaks("readme-table", {"README.md": GOOD["README.md"].replace("| `src/io` | files |\n", "")})

    def test_readme_row_of_a_folder_that_is_gone(self):
        self.breaks("readme-table", {"README.md": GOOD["README.md"].replace("\n\nSee", "\n| `src/kv` | gone |\n\nSee")})

    def test_broken_link_and_anchor(self):
        self.breaks("link", {"docs/b.md": "[x](gone.md)\n"})
        self.breaks("link", {"docs/b.md": "[x](a.md#two-things)\n"})
        self.assertEqual(violations_of({"docs/b.md": "[x](a.md#one-thing) [y](https://x.org/)\n"}), [])

    def test_banned_calls(self):
        for call in ["std::rand()", "rand()", "srand(seed)", "std::chrono::steady_clock::now()", "system_clock::now()",
                     "time(nullptr)", "clock_gettime(CLOCK_MONOTONIC, &t)", "std::hash<std::string>{}(key)"]:
            self.breaks("banned-call", {"src/io/bad.cc": f"void F() {{ {call}; }}\n"})

    def test_words_in_comments_and_strings_are_no_calls(self):
        self.assertEqual(violations_of({"src/io/ok.cc": '// std::rand()\nvoid F() { Say("steady_clock::now()"); }\n'}), [])

    def test_leftovers(self):
        self.breaks("leftover", {"src/io/bad.cc": f"// {LEFT}: later\n"})
        self.breaks("leftover", {"docs/b.md": f"{LEFT}\n"})

    def test_vague_names(self):
        self.breaks("name", {"src/io/file_util.h": ""})
        self.breaks("name", {"src/io/file_new.h": ""})
        self.breaks("name", {"src/io/x.h": "class FileManager {};\n"})
        self.breaks("name", {"src/io/x.h": "struct IndexV2 {};\n"})
        self.assertEqual(violations_of({"src/io/x.h": "class Utilization {};\n"}), [])

    def test_long_files(self):
        self.breaks("file-size", {"src/io/x.h": "\n" * 301})
        self.breaks("file-size", {"src/io/x.cc": "\n" * 701})
        self.breaks("file-size", {"src/io/x_test.cc": "\n" * 801})
        self.assertEqual(violations_of({"src/io/x.cc": "\n" * 700}), [])

    def test_long_function(self):
        body = "  Step();\n" * 69
        self.breaks("function-size", {"src/io/x.cc": f"void F() {{\n{body}}}\n"})
        self.assertEqual(violations_of({"src/io/x.cc": f"void F() {{\n{body[10:]}}}\n"}), [])

    def test_many_parameters(self):
        self.breaks("parameters", {"src/io/x.h": "int F(int a, int b, int c, int d, int e, int f, int g);\n"})
        self.assertEqual(violations_of({"src/io/x.h": "int F(std::map<int, int> a, int b, int c, int d, int e, int f);\n"}), [])

    def test_large_module(self):
        self.breaks("module-size", {f"src/io/part{i}.h": "" for i in range(31)})

    def test_exemptions_are_counted_and_used(self):
        long = {"src/io/x.h": "\n" * 301, "tools/tidy_exemptions.txt": "file-size src/io/x.h # a table\n"}
        self.breaks("exemption", long)  # EXEMPTIONS_MAX was not raised
        before, tidy.EXEMPTIONS_MAX = tidy.EXEMPTIONS_MAX, 1
        try:
            self.assertEqual(violations_of(long), [])
            self.breaks("exemption", {"tools/tidy_exemptions.txt": "file-size src/io/x.h # a table\n"})
        finally:
            tidy.EXEMPTIONS_MAX = before
        self.breaks("exemption", {"tools/tidy_exemptions.txt": "file-size src/io/x.h\n"})


class ScanTest(unittest.TestCase):
    def functions(self, text):
        return [(f.name, f.first_line, f.last_line, f.parameters) for f in functions_of(code_only(text))]

    def test_methods_constructors_and_operators(self):
        text = ('namespace a {\nclass B(attr) C : public D {\n public:\n  explicit C(int x)\n      : x_(x), y_{1, 2} {\n'
                '    if (x) { F(); }\n  }\n  int operator()(int a, int b) const { return a; }\n  void G() = default;\n};\n}\n')
        self.assertEqual(self.functions(text), [("C", 4, 7, 1), ("operator()", 8, 8, 2), ("G", 9, 9, 0)])

    def test_attribute_before_a_class_name(self):
        self.assertEqual(self.functions('class ATTR(x("y")) M {\n void F() {}\n};\n'), [("F", 2, 2, 0)])

    def test_templates_and_braces_in_literals(self):
        text = "template <class T, int N = 3>\nvoid F(T a, const char* b = \"{\", char c = '{') {\n}\nint x{0};\nint y = 1'000;\n"
        self.assertEqual(self.functions(text), [("F", 2, 3, 3)])

    def test_arrays_and_raw_strings(self):
        self.assertEqual(self.functions('const char* k[] = {R"(})", "{"};\nvoid F() {}\n'), [("F", 2, 2, 0)])


if __name__ == "__main__":
    sys.exit(unittest.main())
