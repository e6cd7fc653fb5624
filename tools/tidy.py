#!/usr/bin/env python3
"""Holds the rules of the tree that no compiler holds: floors, names, sizes, links, leftovers.

Usage: tools/tidy.py [ROOT]. Prints one line per violation and exits 1 when there is any. The rules are the RULES
list at the end; each is a function from a Tree to violations. HACKING.md says what they are for.
"""

import os
import re
import sys
from collections import namedtuple

from cxx_scan import code_only, functions_of

Violation = namedtuple("Violation", "rule path line message")

# Strictly downward: a folder includes itself and the folders of the rows above its own.
FLOORS = [
    ["base"],
    ["io", "format"],
    ["wal", "kv"],
    ["coordination", "rpc", "blob", "metrics_client", "queue"],
    ["engines/vector", "engines/graph", "engines/series", "promql", "ingest", "extract", "leiden"],
    ["shard", "rules", "metrics_load", "workers", "recall"],
    ["fabric", "evolve"],
    ["cluster"],
    ["backup", "metrics", "memory", "communities"],
    ["pipeline"],
    ["ask", "mcp"],
    ["gateway", "ruler"],
    ["metrics_api"],
]
# Lower, and still not to be included: engines receive decoded operations and know nothing of the log.
NEVER = [("engines/vector", "wal"), ("engines/graph", "wal"), ("engines/series", "wal")] + [
    (pure, other) for pure in ["promql", "ingest", "extract", "leiden"] for other in ["io", "wal", "kv", "coordination", "rpc", "blob"]]

HEADER_LINES_MAX = 300
SOURCE_LINES_MAX = 700
TEST_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
MODULE_PAIRS_MAX = 30
# The number of entries in tools/tidy_exemptions.txt. It may only go down.
EXEMPTIONS_MAX = 0

CODE_FOLDERS = ["src", "apps", "tests", "fuzz", "bench"]
TEXT_ENDINGS = (".h", ".cc", ".py", ".md", ".txt", ".cmake", ".ts", ".html", ".proto", ".yaml", ".toml", ".sh")
VAGUE_NAMES = {"manager", "helper", "helpers", "util", "utils", "utility", "utilities"}
# Written in two pieces so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")

BANNED = [
    (re.compile(r"\bstd::rand\b|(?<![\w:.>])s?rand\s*\(\s*\w*\s*\)"), "random numbers come from a seeded generator"),
    (re.compile(r"\b(system|steady|high_resolution)_clock::now\b"), "the clock is a port: base/clock.h"),
    (re.compile(r"\bgettimeofday\s*\(|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0)\s*\)"),
     "the clock is a port: base/clock.h"),
    (re.compile(r"\bclock_gettime\s*\(\s*CLOCK_(REALTIME|MONOTONIC)"), "the clock is a port: base/clock.h"),
    (re.compile(r"\bstd::hash\s*<[^;{}()]*>\s*(\{\s*\}|\(\s*\))"), "std::hash differs between machines: base/hash.h"),
]


class Tree:
    """The files of a checkout, read once."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._walk())
        self._text = {}
        self._code = {}

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in {"build", "node_modules", "dist", "__pycache__"}
                          and (not f.startswith(".") or f == ".ci")]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._text[path] = file.read()
        return self._text[path]

    def code(self, path):
        """The text with comments and literals blanked out; lines stay where they are."""
        if path not in self._code:
            self._code[path] = code_only(self.text(path))
        return self._code[path]

    def cxx(self, folders=CODE_FOLDERS):
        return [f for f in self.files if f.endswith((".h", ".cc")) and f.split(os.sep)[0] in folders]

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))


def module_of(path):
    """"src/engines/vector/slot.h" -> "engines/vector", which also owns its subfolders; None outside src."""
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return None
    return "/".join(parts[1:3]) if parts[1] == "engines" and len(parts) > 3 else parts[1]


def level_of(module):
    for level, row in enumerate(FLOORS):
        if module in row:
            return level
    return None


def src_modules(tree):
    return sorted({module_of(f) for f in tree.files if module_of(f)})


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_generated(tree, path, target):
    """True when the CMakeLists.txt beside `path` makes the header `target`."""
    cmake = os.path.join(os.path.dirname(path), "CMakeLists.txt")
    return tree.exists(cmake) and re.search(rf"\b{re.escape(target)}\b", tree.text(cmake)) is not None


def check_floors(tree):
    for module in src_modules(tree):
        if level_of(module) is None:
            yield Violation("floors", f"src/{module}", 0, "has no floor: add it to FLOORS in tools/tidy.py")
    for path in tree.cxx():
        module = module_of(path)
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            if module is None and tree.exists(os.path.join(os.path.dirname(path), target)):
                continue
            if path.startswith("tests/") and tree.exists(f"tests/{target}"):  # what several of them share
                continue
            if is_generated(tree, path, target):
                continue
            if not tree.exists(f"src/{target}"):
                yield Violation("floors", path, number, f'"{target}" is not a path under src/')
                continue
            other = module_of(f"src/{target}")
            if module is None or other == module:
                continue
            if level_of(other) is None or level_of(module) is None:
                continue
            if level_of(other) >= level_of(module) or (module, other) in NEVER:
                yield Violation("floors", path, number, f"{module} may not include {other}")


def check_tests_are_built(tree):
    root_cmake = tree.text("CMakeLists.txt") if tree.exists("CMakeLists.txt") else ""
    for module in sorted({module_of(f) for f in tree.files if f.endswith("_test.cc") and module_of(f)}):
        cmake = f"src/{module}/CMakeLists.txt"
        if not tree.exists(cmake) or "rhizome_module(" not in tree.text(cmake):
            yield Violation("unbuilt-test", f"src/{module}", 0, "has tests but no rhizome_module() in a CMakeLists.txt")
        elif not re.search(rf"add_subdirectory\(\s*src/{re.escape(module)}\s*\)", root_cmake):
            yield Violation("unbuilt-test", f"src/{module}", 0, "has tests but the root CMakeLists.txt does not add it")
    for path in tree.files:
        if not path.endswith("_test.cc") or not path.startswith(("tests/", "apps/")):
            continue
        name = os.path.basename(path)
        lists = [f for f in tree.files if os.path.basename(f) == "CMakeLists.txt"
                 and path.startswith(os.path.dirname(f) + "/")]
        if not any(name in tree.text(f) or name[:-3] in tree.text(f) or "*_test.cc" in tree.text(f) for f in lists):
            yield Violation("unbuilt-test", path, 0, "no CMakeLists.txt above it names it")


def check_readme_table(tree):
    if not tree.exists("README.md"):
        yield Violation("readme-table", "README.md", 0, "is missing")
        return
    rows = set(re.findall(r"^\|\s*`src/([\w/]+?)/?`", tree.text("README.md"), re.M))
    for module in src_modules(tree):
        if module not in rows:
            yield Violation("readme-table", "README.md", 0, f"the layout table has no row for `src/{module}`")
    for row in sorted(rows - set(src_modules(tree))):
        yield Violation("readme-table", "README.md", 0, f"the layout table has a row for src/{row}, which is gone")


def heading_anchors(markdown):
    """The anchors that a Markdown page's headings get."""
    anchors = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", markdown, re.M):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchors.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return anchors


def check_links(tree):
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        text = re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m.group()), tree.text(path), flags=re.S)
        for match in re.finditer(r"\[[^\]]*\]\(([^)\s]+)\)", text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            if not tree.exists(full):
                yield Violation("link", path, line_of(text, match.start()), f"{target} does not exist")
            elif anchor and full.endswith(".md") and anchor not in heading_anchors(tree.text(full)):
                yield Violation("link", path, line_of(text, match.start()), f"{target}: no such heading")


def check_banned_calls(tree):
    for path in tree.cxx():
        if module_of(path) == "base":
            continue
        code = tree.code(path)
        for pattern, why in BANNED:
            for match in pattern.finditer(code):
                yield Violation("banned-call", path, line_of(code, match.start()), f"{match.group().strip()}: {why}")


def check_leftovers(tree):
    for path in tree.files:
        if not path.endswith(TEXT_ENDINGS) and os.path.basename(path) not in {"dev", "test", "quickstart", "install"}:
            continue
        for match in LEFTOVERS.finditer(tree.text(path)):
            yield Violation("leftover", path, line_of(tree.text(path), match.start()),
                            f"{match.group()}: finish it or open an issue")


def words_of(name):
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def check_names(tree):
    for path in tree.files:
        if path.split("/")[0] not in CODE_FOLDERS + ["tools", "clients", "console"]:
            continue
        for part in path.split("/"):
            stem = part.split(".")[0]
            vague = VAGUE_NAMES.intersection(words_of(stem))
            if vague or re.search(r"_(new|old|v2|copy|tmp)(_test)?$", stem):
                yield Violation("name", path, 0, f"{part}: say what it does")
    declared = re.compile(r"\b(?:class|struct|enum class|enum|namespace|concept)\s+(?:RHIZOME_TSA\([^)]*\)\)?\s+)?(\w+)")
    for path in tree.cxx():
        code = tree.code(path)
        for match in declared.finditer(code):
            name = match.group(1)
            if VAGUE_NAMES.intersection(words_of(name)) or re.search(r"(_new|_old|_v2)$|[a-z](New|Old|V2)$", name):
                yield Violation("name", path, line_of(code, match.start()), f"{name}: say what it does")


def check_file_sizes(tree):
    for path in tree.cxx():
        lines = len(tree.text(path).splitlines())
        if path.endswith(".h"):
            limit = HEADER_LINES_MAX
        else:
            limit = TEST_LINES_MAX if path.endswith("_test.cc") else SOURCE_LINES_MAX
        if lines > limit:
            yield Violation("file-size", path, 0, f"{lines} lines, {limit} at most")


def check_functions(tree):
    for path in tree.cxx():
        for function in functions_of(tree.code(path)):
            length = function.last_line - function.first_line + 1
            if length > FUNCTION_LINES_MAX:
                yield Violation("function-size", path, function.first_line,
                                f"{function.name}: {length} lines, {FUNCTION_LINES_MAX} at most")
            if function.parameters > PARAMETERS_MAX:
                yield Violation("parameters", path, function.first_line,
                                f"{function.name}: {function.parameters} parameters, {PARAMETERS_MAX} at most")


def check_module_sizes(tree):
    for module in src_modules(tree):
        headers = [f for f in tree.files if os.path.dirname(f) == f"src/{module}" and f.endswith(".h")]
        if len(headers) > MODULE_PAIRS_MAX:
            yield Violation("module-size", f"src/{module}", 0, f"{len(headers)} headers, {MODULE_PAIRS_MAX} at most")


RULES = [check_floors, check_tests_are_built, check_readme_table, check_links, check_banned_calls, check_leftovers,
         check_names, check_file_sizes, check_functions, check_module_sizes]


def read_exemptions(tree):
    """{(rule, path): reason}, and violations of the list's own rules. A line is "rule path  # reason"."""
    exempt, bad = {}, []
    name = "tools/tidy_exemptions.txt"
    for number, line in enumerate(tree.text(name).splitlines() if tree.exists(name) else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+)\s+(\S+)\s+#\s*(\S.*)", line.strip())
        if match:
            exempt[match.group(1), match.group(2)] = match.group(3)
        else:
            bad.append(Violation("exemption", name, number, 'not of the form "rule path  # reason"'))
    if len(exempt) != EXEMPTIONS_MAX:
        bad.append(Violation("exemption", name, 0, f"{len(exempt)} entries, and EXEMPTIONS_MAX is {EXEMPTIONS_MAX}: "
                             "the list may only shrink, and the number with it"))
    return exempt, bad


def check_all(tree):
    exempt, violations = read_exemptions(tree)
    used = set()
    for rule in RULES:
        for violation in rule(tree):
            key = violation.rule, violation.path
            if key in exempt:
                used.add(key)
            else:
                violations.append(violation)
    for rule, path in sorted(set(exempt) - used):
        violations.append(Violation("exemption", "tools/tidy_exemptions.txt", 0, f"{rule} {path} exempts nothing: remove it"))
    return violations


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tree = Tree(root)
    violations = check_all(tree)
    for v in violations:
        print(f"{v.path}:{v.line}: [{v.rule}] {v.message}" if v.line else f"{v.path}: [{v.rule}] {v.message}")
    print(f"tidy: {len(tree.cxx())} C++ files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
