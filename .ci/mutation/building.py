"""A copy of the tree with all mutants in it, each behind its switch, and its tests."""

import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

from switches import File, shut_arms, to_blame

# Beside the code: simulated disks and networks, and the laws that stores of others are tried with.
NO_PART = ("/disk/simulated", "/conformance.rs", "toom-net/src/simulation", "toom-net/src/server/stepped")

SWITCH = """
/// Which mutant is on: the one whose number is in the environment. If none is, every mutant that is met is written down, once.
#[doc(hidden)]
pub mod mutant_switch {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static ACTIVE: LazyLock<Option<usize>> = LazyLock::new(|| std::env::var("TOOM_MUTANT").ok()?.parse().ok());
    static MET: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
    static NOTES: LazyLock<Option<File>> = LazyLock::new(|| {
        let path = std::env::var_os("TOOM_MUTANTS_MET")?;
        Some(OpenOptions::new().append(true).create(true).open(path).unwrap())
    });

    #[inline(never)]
    pub fn on(mutant: usize) -> bool {
        if let Some(active) = *ACTIVE {
            return active == mutant;
        }
        if !MET[mutant].swap(true, Ordering::Relaxed) {
            if let Some(mut notes) = NOTES.as_ref() {
                let _ = notes.write_all(format!("{mutant}\\n").as_bytes());
            }
        }
        false
    }
}
"""


class Building:
    def __init__(self, package, work, since=None):
        self.package = package
        self.since = since
        self.tree = f"{work}/tree"
        self.copied = {}
        self.env = dict(os.environ, CARGO_TARGET_DIR=f"{work}/build", CARGO_INCREMENTAL="1")
        self.kept = f"{work}/{package}.not-viable.json"
        self.copy()
        self.listed = asked("cargo", "mutants", "--list", "--json", "-p", package)
        changed = self.listed if since is None else self.changed()
        names = {m["name"] for m in changed if not any(part in m["file"] for part in NO_PART)}
        self.mutants = {n: m for n, m in enumerate(self.listed) if m["name"] in names}
        # By number: why it does not compile, and why it has no switch.
        self.not_viable, self.outside = {}, {}
        # What did not compile before may well do so where it was changed.
        if since is None and os.path.exists(self.kept):
            with open(self.kept) as file:
                kept = json.load(file)
            self.not_viable = {n: kept[m["name"]] for n, m in self.mutants.items() if m["name"] in kept}
        self.write_switches()

    def changed(self):
        """The mutants in lines that were changed since a commit, also in what is not committed yet."""
        with tempfile.TemporaryDirectory() as folder:
            index, diff = f"{folder}/index", f"{folder}/diff"
            shutil.copy(asked_text("git", "rev-parse", "--git-path", "index").strip(), index)
            env = dict(os.environ, GIT_INDEX_FILE=index)
            # So that new files are in the difference, and the real index does not know.
            subprocess.run(["git", "add", "--intent-to-add", self.package], env=env, check=True)
            text = asked_text("git", "diff", "--no-ext-diff", "--no-color", self.since, "--", f"{self.package}/src", env=env)
            with open(diff, "w") as file:
                file.write(text)
            return asked("cargo", "mutants", "--list", "--json", "-p", self.package, "--in-diff", diff) if text else []

    def cargo(self, *arguments):
        done = subprocess.run(["cargo", *arguments], cwd=self.tree, env=self.env, capture_output=True, text=True)
        if done.returncode and arguments[0] != "build":
            sys.exit(f"cargo {' '.join(arguments)}: {done.stderr[-3000:]}")
        return done

    def copy(self):
        """The tree as it lies there, also what is not committed yet."""
        names = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], capture_output=True, check=True).stdout
        for name in filter(os.path.isfile, names.decode().split("\0")):
            with open(name, "rb") as file:
                self.copied[name] = file.read()
            if not name.startswith(f"{self.package}/src/"):
                self.put(name, self.copied[name])
                shutil.copymode(name, f"{self.tree}/{name}")
        for folder, _, files in os.walk(f"{self.tree}/{self.package}"):
            for path in (f"{folder}/{file}" for file in files):
                if path.removeprefix(self.tree + "/") not in self.copied:
                    os.remove(path)

    def put(self, name, content):
        """Writes a file of the copy unless it is like that: what is not written is not built again."""
        path = f"{self.tree}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path) or self.read(name) != content:
            with open(path, "wb") as file:
                file.write(content)

    def read(self, name):
        with open(f"{self.tree}/{name}", "rb") as file:
            return file.read()

    def write_switches(self):
        library = self.package.replace("-", "_")
        by_file = collections.defaultdict(list)
        for number, mutant in self.mutants.items():
            if number not in self.not_viable:
                by_file[mutant["file"]].append((number, mutant))
        switched = {}
        for name, mutants in by_file.items():
            crate = f"::{library}" if "/bin/" in name else "crate"
            file = File(self.copied[name].decode(), mutants, f"{crate}::mutant_switch::on")
            switched[name] = file.switched()
            for number, why in file.outside.items():
                (self.not_viable if why.startswith("not viable") else self.outside)[number] = why
        root = f"{self.package}/src/lib.rs"
        text = switched.get(root) or self.copied[root].decode()
        switched[root] = text + SWITCH.replace("COUNT", str(max(len(self.listed), 1)))
        for name in self.roots():
            switched[name] = allowing(switched.get(name) or self.copied[name].decode())
        for name in (name for name in self.copied if name.startswith(f"{self.package}/src/")):
            self.put(name, switched[name].encode() if name in switched else self.copied[name])

    def roots(self):
        packages = asked("cargo", "metadata", "--no-deps", "--format-version", "1")["packages"]
        targets = next(p["targets"] for p in packages if p["name"] == self.package)
        here = os.path.realpath(".") + "/"
        return [t["src_path"].removeprefix(here) for t in targets if t["kind"][0] in ("lib", "bin")]

    def build(self):
        """Builds until what is left compiles: who causes an error is taken out."""
        wanted = ["build", "-q", "-p", self.package, "--lib", "--bins", "--message-format=json"]
        while (done := self.cargo(*wanted)).returncode:
            guilty = self.guilty(done.stdout)
            if not guilty:
                sys.exit(f"it does not compile, and no mutant seems to be the cause: {done.stderr[-3000:]}{done.stdout[-3000:]}")
            self.not_viable.update(guilty)
            self.write_switches()
            print(f"{len(guilty)} mutants do not compile", flush=True)
        if self.since is not None:
            return
        with open(self.kept, "w") as file:
            json.dump({self.mutants[n]["name"]: why for n, why in self.not_viable.items()}, file)

    def guilty(self, messages):
        guilty = {}
        for line in messages.splitlines():
            message = json.loads(line).get("message")
            if not isinstance(message, dict) or message["level"] != "error":
                continue
            code = (message["code"] or {}).get("code") or "an error"
            for span in sorted(message["spans"], key=lambda span: not span["is_primary"]):
                source, place = self.read(span["file_name"]), (span["byte_start"], span["byte_end"])
                numbers = to_blame(source, place) or (shut_arms(source, place) if code == "E0004" else [])
                guilty.update({number: f"{code}: {message['message']}" for number in numbers})
                if numbers:
                    break
        return guilty

    def test_programs(self):
        """The programs of the package's tests, built."""
        lines = self.cargo("test", "-q", "-p", self.package, "--no-run", "--message-format=json").stdout.splitlines()
        artifacts = [json.loads(line) for line in lines]
        return [a["executable"] for a in artifacts if a.get("executable") and a["profile"]["test"]]


def asked(*command):
    """What a command answers of the tree itself."""
    return json.loads(asked_text(*command) or "[]")


def asked_text(*command, env=None):
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def allowing(text):
    """The root of a crate that says nothing against what mutants do."""
    lines = text.split("\n")
    head = next(n for n, line in enumerate(lines) if line.strip() and not line.startswith(("//!", "#![")))
    lines.insert(head, "#![allow(warnings, arithmetic_overflow, unconditional_panic)]")
    return "\n".join(lines)
