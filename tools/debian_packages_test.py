#!/usr/bin/env python3
"""What debian_packages makes of Debian's records."""

import importlib.machinery
import importlib.util
import os
import sys
import unittest

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debian_packages")
_SPEC = importlib.util.spec_from_loader("debian_packages", importlib.machinery.SourceFileLoader("debian_packages", _PATH))
packages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(packages)


class DebianPackagesTest(unittest.TestCase):
    def test_long_description_loses_its_margin_and_keeps_its_lists(self):
        self.assertEqual(packages.long_text("short\n Some text\n goes on.\n .\n  * item"), "Some text\ngoes on.\n\n * item")
        self.assertEqual(packages.long_text("short"), "")

    def test_relations_name_each_package_once(self):
        package = {"Depends": "a (>= 1), b | c:any, a", "Suggests": "d"}
        self.assertEqual(packages.related_packages(package), {"a", "b", "c", "d"})

    def test_a_program_in_a_library_section_is_no_part(self):
        self.assertTrue(packages.is_part({"Section": "libs"}))
        self.assertTrue(packages.is_part({"Section": "contrib/libdevel"}))
        self.assertFalse(packages.is_part({"Section": "python", "Tag": "role::program"}))
        self.assertFalse(packages.is_part({"Section": "utils"}))

    def test_document_has_what_the_record_has_and_nothing_empty(self):
        package = {"Package": "p", "Description": "does p", "Section": "utils", "Tag": "a::b,\n c::d", "Installed-Size": "7"}
        self.assertEqual(packages.document(package, "", 3), {
            "id": "p", "title": "p: does p", "text": "does p",
            "metadata": {"section": "utils", "source_package": "p", "tags": ["a::b", "c::d"], "installed_size_kib": 7,
                         "named_by_packages": 3}})


if __name__ == "__main__":
    sys.exit(unittest.main())
