"""A tolerant reading of C++: where functions begin and end and how many parameters they take.

It is a brace scan, not a parser: code it cannot make sense of is passed over, never misreported as an error.
"""

import re
from collections import namedtuple

Function = namedtuple("Function", "name first_line last_line parameters")

_TOKEN = re.compile(
    r'R"([^()\\ ]{0,16})\(.*?\)\1"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"  # not the separator of 1'000
    r"|//[^\n]*"
    r"|/\*.*?\*/", re.S)
_LABEL = re.compile(r"^\s*(public|private|protected)\s*:(?!:)")
_CONTAINER = re.compile(r"^\s*((typedef|inline|static|constexpr|const|friend|export)\s+)*"
                        r"((namespace|class|struct|union|enum)\b|extern\s*(\"\s*\")?\s*$)")
_NOT_NAMES = {"if", "for", "while", "switch", "return", "catch", "sizeof", "alignas", "decltype", "noexcept", "requires",
              "defined", "static_assert", "explicit", "__attribute__"}


def code_only(text):
    """`text` with comments, literals and preprocessor lines blanked; every newline stays."""
    def blank(match):
        body = re.sub(r"[^\n]", " ", match.group())
        if match.group().startswith(("/", "'")) or len(body) < 2:
            return body
        return '"' + body[1:-1] + '"'
    text = _TOKEN.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)


def _matching(code, start, opening, closing):
    """Offset of the bracket that closes the one at `start`; the end of the code when none does."""
    depth = 0
    for offset in range(start, len(code)):
        if code[offset] == opening:
            depth += 1
        elif code[offset] == closing:
            depth -= 1
            if depth == 0:
                return offset
    return len(code) - 1


def _without_templates(head):
    """The head with every `template <…>` prefix blanked."""
    while True:
        match = re.search(r"\btemplate\s*<", head)
        if not match:
            return head
        end = _matching(head, match.end() - 1, "<", ">")
        head = head[:match.start()] + " " * (end + 1 - match.start()) + head[end + 1:]


def _parameters(head):
    """(name, number of parameters) of the function a head declares, or None."""
    for match in re.finditer(r"(operator\s*\(\s*\)|operator\s*[^\s\w(]+|~?[\w:]+)\s*\(", head):
        name = match.group(1)
        end = _matching(head, match.end() - 1, "(", ")")
        if name in _NOT_NAMES or len(name) > 2 and name.isupper() and not name.startswith("TEST"):
            continue
        inside = head[match.end():end]
        if not inside.strip() or inside.strip() == "void":
            return name, 0
        depth, commas = 0, 0
        for character in inside:
            if character in "([{<":
                depth += 1
            elif character in ")]}>":
                depth -= 1
            elif character == "," and depth == 0:
                commas += 1
        return name, commas + 1
    return None


def _is_member_initialiser(head):
    """True at the brace of `Foo() : a_(1), b_{2}`: a value, not the function's body."""
    close = head.find(")")
    colon = re.search(r"(?<!:):(?!:)", head[close + 1:]) if close >= 0 else None
    return bool(colon) and bool(re.search(r"[\w>]\s*$", head)) and not re.search(
        r"\b(const|noexcept|override|final|try|mutable)\s*$", head)


def functions_of(code):
    """Every function with a body outside other functions, and every declaration, of code_only() text."""
    found = []
    head_start, offset = 0, 0
    while offset < len(code):
        character = code[offset]
        if character == "(":
            offset = _matching(code, offset, "(", ")") + 1
            continue
        if character not in "{};":
            offset += 1
            continue
        head = _LABEL.sub(lambda m: " " * len(m.group()), _without_templates(code[head_start:offset]))
        first = head_start + len(head) - len(head.lstrip())
        first_line = code.count("\n", 0, first) + 1
        if character == "{":
            is_container = bool(_CONTAINER.search(head))
            is_function = not is_container and "(" in head and not re.search(r"=\s*$", head)
            if is_function and _is_member_initialiser(head):
                offset = _matching(code, offset, "{", "}") + 1
                continue
            if is_function:
                end = _matching(code, offset, "{", "}")
                named = _parameters(head)
                found.append(Function(named[0] if named else "(lambda)", first_line, code.count("\n", 0, end) + 1,
                                      named[1] if named else 0))
                offset = end
            elif not is_container:
                offset = _matching(code, offset, "{", "}")
        elif character == ";" and "(" in head and "=" not in head.split("(")[0]:
            named = _parameters(head)
            if named:
                found.append(Function(named[0], first_line, code.count("\n", 0, offset) + 1, named[1]))
        offset += 1
        head_start = offset
    return found
