"""See .ci/mutants."""

import argparse
import collections
import json
import os
import re
import sys

from building import Building
from trying import Trying

EQUIVALENT = ".ci/mutation/equivalent.txt"
# The parts of a package, by the paths of their files: the first that fits counts.
STORE = "toom-core/src/storage/file"
PARTS = [
    ("lockout", r"toom-core/src/lockout"),
    ("rooms and engine", r"toom-core/src/(engine|rooms|layers|cursor|page|keyed|sessions|storage/memory)\b"),
    ("journal", STORE + r"/journal"),
    ("recovery: opening, manifest, state", STORE + r"/(open|birth|manifest|state|names)\b"),
    ("recovery: repair", STORE + r"/repair"),
    ("recovery: history files", STORE + r"/runs?\b"),
    ("store: the rest", r"toom-core/src/storage"),
    ("names, secrets and small types", r"toom-core/"),
    ("codec", r"toom-net/src/(protocol|shown)\b"),
    ("server", r"toom-net/src/server"),
    ("client", r"toom-net/src/client"),
    ("archive", r"toom-net/src/archive"),
    ("credentials", r"toom-net/src/credentials"),
    ("the rest", r""),
]
COLUMNS = ("mutants", "not viable", "no switch", "caught", "time limit", "outlived", "equivalent", "not tried")


def part(mutant):
    return next(name for name, path in PARTS if re.match(path, mutant["file"]))


def read_equivalent():
    """Each one in three lines: file and change, the line of the source, the reason."""
    with open(EQUIVALENT) as file:
        blocks = file.read().strip().split("\n\n")
    entries = {}
    for block in (block for block in blocks if not block.startswith("#")):
        change, line, reason = block.split("\n", 2)
        entries[change.strip(), line.strip()] = reason.strip()
    return entries


class Report:
    def __init__(self, building, results, chosen):
        self.mutants, self.results, self.chosen = building.mutants, results, chosen
        self.building = building
        self.equivalent = read_equivalent()
        self.failed = False

    def source_line(self, mutant):
        lines = self.building.copied[mutant["file"]].decode().split("\n")
        return lines[mutant["span"]["start"]["line"] - 1].strip()

    def key(self, mutant):
        """What the equivalent ones are known by: numbers of lines change too often."""
        return re.sub(r":\d+:\d+:", ":", mutant["name"], count=1), self.source_line(mutant)

    def verdict(self, number):
        if number in self.building.not_viable:
            return "not viable"
        if number in self.building.outside:
            return "no switch"
        result = self.results.get(self.mutants[number]["name"], "not tried")
        is_known = self.key(self.mutants[number]) in self.equivalent
        return "equivalent" if is_known and result == "outlived" else result

    def print(self):
        verdicts = {number: self.verdict(number) for number in self.chosen}
        counts = collections.defaultdict(collections.Counter)
        for number, verdict in verdicts.items():
            counts[part(self.mutants[number])][verdict] += 1
            counts[part(self.mutants[number])]["mutants"] += 1
        print("\n| part | " + " | ".join(COLUMNS) + " |")
        print("| --- |" + " ---: |" * len(COLUMNS))
        for name, _ in PARTS:
            if name in counts:
                print(f"| {name} | " + " | ".join(str(counts[name][column]) for column in COLUMNS) + " |")
        self.print_all("outlived the tests", [n for n, verdict in verdicts.items() if verdict == "outlived"])
        self.failed = "outlived" in verdicts.values()
        known = [n for n in self.chosen if self.key(self.mutants[n]) in self.equivalent]
        # An entry may stand for several of one line, of which a test may notice some.
        alive = {self.key(self.mutants[n]) for n in known if verdicts[n] == "equivalent"}
        noticed = [n for n in known if verdicts[n] in ("caught", "time limit") and self.key(self.mutants[n]) not in alive]
        self.print_all(f"noticed by a test, though they are in {EQUIVALENT}", noticed)
        gone = set(self.equivalent) - {self.key(mutant) for mutant in self.building.listed}
        gone = [change for change, _ in gone if change.startswith(self.building.package)]
        if gone:
            print(f"\nin {EQUIVALENT}, but no mutants any more:", *gone, sep="\n  ")
        self.failed = self.failed or bool(noticed) or bool(gone)

    def print_all(self, title, numbers):
        if numbers:
            print(f"\n{title}: {len(numbers)}")
        for number in numbers:
            print(f"  {self.mutants[number]['name']}\n      {self.source_line(self.mutants[number])}")


def main():
    parser = argparse.ArgumentParser(prog=".ci/mutants")
    parser.add_argument("package")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rest", action="store_true")
    parser.add_argument("--since", metavar="COMMIT", help="only those in lines that were changed since")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--slow", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", action="store_true", help="only what was found the last time")
    options = parser.parse_intermixed_args(sys.argv[2:])
    work = sys.argv[1]

    building = Building(options.package, work, options.since)
    if options.since is not None and not building.mutants:
        print(f"nothing to try: cargo-mutants would change no line of {options.package} that was changed since {options.since}")
        return
    kept = f"{work}/{options.package}.results.json"
    results = {}
    if os.path.exists(kept):
        with open(kept) as file:
            results = json.load(file)
    chosen = [n for n, m in building.mutants.items() if not options.words or any(word in m["name"] for word in options.words)]
    if not options.report:
        building.build()
        programs = building.test_programs()
        trying = Trying(f"{building.tree}/{options.package}", programs, options.slow, options.jobs)
        count = trying.trace()
        print(f"{count} tests, of which {len(trying.left_out)} take longer than {options.slow:g} s", flush=True)
        to_try = [n for n in chosen if n not in building.not_viable and n not in building.outside]
        if options.rest:
            to_try = [n for n in to_try if results.get(building.mutants[n]["name"], "outlived") == "outlived"]
        to_try = to_try[:: options.every]
        print(f"{len(to_try)} mutants to try", flush=True)
        for number, result, test in trying.each(trying.judge, to_try):
            name = building.mutants[number]["name"]
            results[name] = result
            if result != "caught":
                print(f"{result}: {name}" + (f" ({test})" if test else ""), flush=True)
            with open(kept, "w") as file:
                json.dump(results, file, indent=1)
    report = Report(building, results, chosen)
    report.print()
    sys.exit(report.failed)


main()
