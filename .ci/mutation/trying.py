"""Runs the tests: each once, to see by which mutants it comes, and then against each mutant those that come by it."""

import collections
import concurrent.futures
import os
import resource
import signal
import subprocess
import tempfile
import time

# A found schedule is not shortened, and not kept.
QUICK = {"PROPTEST_MAX_SHRINK_ITERS": "0", "PROPTEST_FAILURE_PERSISTENCE": "off", "RUST_BACKTRACE": "0"}
# Of what a mutant may take without end.
MEMORY_BYTES = 8 << 30

Test = collections.namedtuple("Test", "program name")
Run = collections.namedtuple("Run", "outcome seconds output")


class Trying:
    def __init__(self, package_root, programs, slow_seconds, jobs):
        self.root = package_root
        self.programs = programs
        self.slow_seconds = slow_seconds
        self.jobs = jobs
        self.env = dict(os.environ, CARGO_MANIFEST_DIR=package_root, **QUICK)
        self.env.setdefault("PROPTEST_CASES", "32")
        self.seconds = {}
        # By mutant: the tests that come by it, the fastest first.
        self.meets = collections.defaultdict(list)
        self.failing, self.left_out = [], []

    def run(self, test, extra, cpu_seconds, wall_seconds):
        """One test in a process of its own, and in a folder of its own. A busy machine takes longer, but no more of the processor."""

        def bounds():
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

        began = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            process = subprocess.Popen(
                [test.program, "--exact", test.name, "--test-threads", "1"], cwd=self.root, env=dict(self.env, TMPDIR=folder, **extra),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=bounds, start_new_session=True)
            try:
                output, _ = process.communicate(timeout=wall_seconds)
                late = process.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
                outcome = "time limit" if late else "passed" if process.returncode == 0 else "failed"
            except subprocess.TimeoutExpired:
                outcome, output = "time limit", b""
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
        return Run(outcome, time.monotonic() - began, output)

    def each(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            yield from pool.map(function, items)

    def tests(self):
        for program in self.programs:
            listed = subprocess.run([program, "--list", "--format", "terse"], cwd=self.root, env=self.env, capture_output=True, text=True, check=True)
            yield from (Test(program, line.removesuffix(": test")) for line in listed.stdout.splitlines() if line.endswith(": test"))

    def trace(self):
        """What each test comes by, with no mutant switched on."""

        def traced(test):
            with tempfile.NamedTemporaryFile("r") as met:
                run = self.run(test, {"TOOM_MUTANTS_MET": met.name}, int(self.slow_seconds) + 2, 60 + 10 * self.slow_seconds)
                return test, run, {int(line) for line in met.read().split()}

        tests = list(self.tests())
        for test, run, met in self.each(traced, tests):
            if run.outcome == "time limit" or run.seconds > self.slow_seconds:
                self.left_out.append(test.name)
            elif run.outcome == "failed":
                self.failing.append(test.name)
                print(f"fails without a mutant, so it is not used: {test.name}\n{run.output.decode(errors='replace')[-800:]}", flush=True)
            else:
                self.seconds[test] = run.seconds
                for mutant in met:
                    self.meets[mutant].append(test)
        for tests_met in self.meets.values():
            tests_met.sort(key=self.seconds.get)
        return len(tests)

    def judge(self, mutant):
        """`caught`, `time limit` or `outlived`, and the test that decided it."""
        for test in self.meets.get(mutant, []):
            seconds = self.seconds[test]
            run = self.run(test, {"TOOM_MUTANT": str(mutant)}, int(5 + 10 * seconds), 20 + 20 * seconds)
            if run.outcome != "passed":
                return mutant, "caught" if run.outcome == "failed" else run.outcome, test.name
        return mutant, "outlived", None
