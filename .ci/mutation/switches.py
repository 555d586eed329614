"""Puts the mutants of a file behind switches: the code asks `on(17)` where mutant 17 would change it.

What is put in stands between marks (`/*<17*/ … /*17>*/` around a mutant, `/*[17,18*/ … /*]*/` around a place with its mutants), by which an error of the
compiler is traced back to the mutants that cause it.
"""

import collections
import re

import tree_sitter_rust
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))
# What the compiler evaluates can ask for no environment.
CONSTANTS = {"const_item", "static_item", "array_type", "const_block", "enum_variant", "const_parameter"}
# What is put in the place of an iterator: of no items, or of one.
ITERATOR = "::std::iter::"
OPERATIONS = ("binary_expression", "compound_assignment_expr")


class Outside(Exception):
    """A mutant that cannot be put behind a switch, and why."""


def parse(source):
    return PARSER.parse(source).root_node


def offsets(text):
    """A function that finds the byte of a place: line and column count from 1, the column in characters."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()) + 1)
    return lambda place: starts[place["line"] - 1] + len(lines[place["line"] - 1][: place["column"] - 1].encode())


def above(node, wanted):
    """The node itself or the nearest one above it that is `wanted`."""
    while node is not None and not wanted(node):
        node = node.parent
    if node is None:
        raise Outside("its place was not found")
    return node


def site(root, source, mutant, at):
    """The node that the mutant changes."""
    begin, end = at(mutant["span"]["start"]), at(mutant["span"]["end"])
    genre = mutant["genre"]
    node = root.descendant_for_byte_range(begin, begin + 1 if genre == "StructField" else end)
    if genre == "FnValue":
        node = above(node, lambda n: n.type == "block" and n.parent.type == "function_item" and n.start_byte < begin)
        returned = node.parent.child_by_field_name("return_type")
        is_hidden = returned is not None and b"impl " in returned.text
        if is_hidden and not (returned.text.startswith(b"impl Iterator") and mutant["replacement"].startswith(ITERATOR)):
            raise Outside("returns an `impl Trait`, whose type it would change")
        return node
    if genre == "BinaryOperator":
        node = node if node.type in OPERATIONS else node.parent
        if node.type == "let_chain" or any(c.type in ("let_condition", "let_chain") for c in node.children):
            raise Outside("not viable: `let` cannot stand beside `||`")
        if node.type not in OPERATIONS:
            raise Outside("its place was not found")
        return node
    if genre == "UnaryOperator":
        return above(node, lambda n: n.type == "unary_expression")
    if genre == "MatchArm":
        return above(node, lambda n: n.type == "match_arm")
    if genre == "StructField":
        return above(node, lambda n: n.type in ("field_initializer", "shorthand_field_initializer"))
    if genre == "MatchArmGuard":
        if source[begin:end].lstrip().startswith(b"let "):
            raise Outside("a guard that binds names")
        if (node.start_byte, node.end_byte) == (begin, end):
            return node
    raise Outside("its place was not found")


def is_constant(node):
    while node is not None and node.type not in CONSTANTS | {"function_item"}:
        node = node.parent
    return node is not None and node.type in CONSTANTS


def uses(root, node):
    """Where the constant is used in whose value the node lies, but for tests, if no other file can use it."""
    item = above(node, lambda n: n.type in CONSTANTS)
    if item.type != "const_item" or any(c.type == "visibility_modifier" for c in item.children):
        raise Outside("a constant")
    name, found, left = item.child_by_field_name("name"), [], [root]
    while left:
        here = left.pop()
        is_path = here.prev_sibling is not None and here.prev_sibling.text == b"::"
        if here.type == "identifier" and here.text == name.text and here.start_byte != name.start_byte and not is_path:
            found.append(here)
        is_tests = here.type == "mod_item" and here.child_by_field_name("name").text == b"tests"
        left += [] if is_tests else here.children
    if not found:
        raise Outside("a constant")
    return found


def const_function(node):
    """The function that has to lose its `const` for a switch in it; `None` if there is none."""
    while node is not None:
        if node.type in CONSTANTS:
            raise Outside("a constant")
        if node.type == "function_item":
            words = [c for c in node.children if c.type == "function_modifiers"]
            return node if any(b"const" in c.text.split() for c in words) else None
        node = node.parent
    return None


class File:
    """A source file with the mutants that go into it: pairs of a number and a mutant."""

    def __init__(self, text, mutants, on):
        self.source = text.encode()
        self.root = parse(self.source)
        self.on = on
        self.outside = {}
        self.no_longer_const = set()
        # By place; a guard can be a mutant as a whole and hold another in the same place.
        self.plan = collections.defaultdict(list)
        at = offsets(text)
        for number, mutant in mutants:
            try:
                node = site(self.root, self.source, mutant, at)
                if is_constant(node):
                    # What it is used for changes, for a constant can ask for nothing.
                    mutant = dict(mutant, replacement=self.operation(node, mutant))
                    nodes = uses(self.root, node)
                else:
                    nodes = [node]
                functions = [const_function(node) for node in nodes]
            except Outside as why:
                self.outside[number] = str(why)
                continue
            self.no_longer_const.update(function.start_byte for function in functions if function is not None)
            is_guard = mutant["genre"] == "MatchArmGuard"
            for node in nodes:
                self.plan[node.start_byte, node.end_byte, node.type, is_guard].append((number, mutant))

    def switched(self):
        text = self.emit(self.root)
        for lost in self.plan.values():
            self.outside.update({number: "its place lies in another mutant's" for number, _ in lost})
        return self.text(0, self.root.start_byte) + text + self.text(self.root.end_byte, len(self.source))

    def text(self, begin, end):
        return self.source[begin:end].decode()

    def emit(self, node):
        """The text of a node with the switches in it."""
        if node.type == "function_modifiers" and node.parent.start_byte in self.no_longer_const:
            return node.text.decode().replace("const", "")
        key = (node.start_byte, node.end_byte, node.type)
        own, guards = self.plan.pop((*key, False), None), self.plan.pop((*key, True), None)
        if not own and not guards and not any(key[0] <= begin and end <= key[1] for begin, end, _, _ in self.plan):
            return node.text.decode()
        text = self.change(node, own) if own else self.inner(node, node.start_byte, node.end_byte)
        if guards:
            text = self.choice([(number, mutant["replacement"]) for number, mutant in guards], text)
        return text

    def inner(self, node, begin, end):
        """The text of a part of a node that cuts none of its children."""
        out, done = [], begin
        for child in node.children:
            if child.start_byte >= begin and child.end_byte <= end:
                out += [self.text(done, child.start_byte), self.emit(child)]
                done = child.end_byte
        return "".join(out) + self.text(done, end)

    def choice(self, mutants, otherwise):
        """An expression that is the mutant whose switch is on, or else what it was."""
        numbers = ",".join(str(number) for number, _ in mutants)
        cases = "".join(f"if {self.on}({n}) {{ /*<{n}*/{text}/*{n}>*/ }} else " for n, text in mutants)
        return f"/*[{numbers}*/({cases}{{ {otherwise} }})/*]*/"

    def change(self, node, mutants):
        begin, end = node.start_byte, node.end_byte
        if node.type == "block":
            return self.change_body(node, mutants)
        if node.type == "match_arm":
            return self.change_arm(node, mutants)
        if node.type in OPERATIONS:
            return self.choice([(n, self.operation(node, m)) for n, m in mutants], self.inner(node, begin, end))
        if node.type == "identifier":
            return self.choice([(n, m["replacement"]) for n, m in mutants], self.text(begin, end))
        if node.type == "unary_expression":
            return self.choice([(n, self.text(begin + 1, end)) for n, _ in mutants], self.inner(node, begin, end))
        base = next(c for c in node.parent.children if c.type == "base_field_initializer").text.decode()[2:].strip()
        name, value = node.text.decode(), node.text.decode()
        if node.type == "field_initializer":
            name, value = node.children[0].text.decode(), self.emit(node.child_by_field_name("value"))
        return f"{name}: " + self.choice([(n, f"({base}).{name}") for n, _ in mutants], value)

    def operation(self, node, mutant):
        """The operation with another sign."""
        sign = node.child_by_field_name("operator")
        if sign is None or node.type not in OPERATIONS:
            raise Outside("a constant")
        return self.text(node.start_byte, sign.start_byte) + mutant["replacement"] + self.text(sign.end_byte, node.end_byte)

    def change_body(self, node, mutants):
        """A function that returns another value at once."""
        body = self.inner(node, node.start_byte, node.end_byte)
        if mutants[0][1]["replacement"].startswith(ITERATOR):
            # The type that is returned has no name: it is the same with each of them and without.
            is_other = " || ".join(f"{self.on}({n})" for n, _ in mutants)
            other = "/*<{n}*/.chain({on}({n}).then(|| {put}).into_iter().flatten())/*{n}>*/"
            others = "".join(other.format(n=n, on=self.on, put=m["replacement"]) for n, m in mutants)
            return f"{{ let all = {body}; Iterator::take(all, if {is_other} {{ 0 }} else {{ usize::MAX }}){others} }}"
        head = re.match(r"\{(\s*#!\[[^\]]*\])*", body).end()
        returns = (f"if {self.on}({n}) {{ /*<{n}*/return {m['replacement']};/*{n}>*/ }}" for n, m in mutants)
        return body[:head] + "\n" + "\n".join(returns) + "\n" + body[head:]

    def change_arm(self, node, mutants):
        """An arm that a guard shuts: as if it were not there."""
        pattern = node.child_by_field_name("pattern")
        shut = " && ".join(f"!{self.on}({n})" for n, _ in mutants)
        mark = f"/*[{','.join(str(n) for n, _ in mutants)}*/"
        rest = self.inner(node, pattern.end_byte, node.end_byte)
        condition = pattern.child_by_field_name("condition")
        if condition is None:
            return f"{self.text(node.start_byte, pattern.end_byte)} {mark}if {shut}/*]*/{rest}"
        head = self.text(node.start_byte, condition.start_byte)
        return f"{head}{mark}{shut}/*]*/ && {self.emit(condition)}{rest}"


def marked(source):
    """Where each mutant stands, and where each place stands with its mutants, in bytes."""
    mutants, places, begun = {}, [], []
    for mark in re.finditer(rb"/\*(?:<(\d+)|(\d+)>|\[([\d,]+)|(\]))\*/", source):
        if mark[1]:
            mutants[int(mark[1])] = [mark.end(), None]
        elif mark[2]:
            mutants[int(mark[2])][1] = mark.start()
        elif mark[3]:
            begun.append((mark.end(), [int(number) for number in mark[3].split(b",")]))
        else:
            begin, numbers = begun.pop()
            places.append((begin, mark.start(), numbers))
    return mutants, places


def to_blame(source, span):
    """The mutants in which an error at these bytes lies: the innermost."""
    begin, end = span
    mutants, places = marked(source)
    inside = [(b - a, [number]) for number, (a, b) in mutants.items() if a <= begin and end <= b]
    around = [(b - a, numbers) for a, b, numbers in places if a <= begin and end <= b]
    return min(inside or around, default=(0, []))[1]


def shut_arms(source, span):
    """The mutants that shut an arm of the match at these bytes, which is complete only with that arm."""
    node = parse(source).descendant_for_byte_range(*span)
    while node is not None and node.type != "match_expression":
        node = node.parent
    if node is None:
        return []
    found = []
    for arm in node.child_by_field_name("body").children:
        mark = re.search(rb"/\*\[([\d,]+)\*/(?:if )?!", arm.text[:2000])
        if arm.type == "match_arm" and mark and b"=>" not in arm.text[: mark.start()]:
            found += [int(number) for number in mark[1].split(b",")]
    return found
