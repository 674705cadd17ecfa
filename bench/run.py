"""Measures userhaul against its peers: one run, all of them in turn, several times over.

    python3 bench/run.py                  # all figures, about half an hour
    python3 bench/run.py speed latency    # some of them
    python3 bench/run.py --rows 20000 --rounds 1
    python3 bench/run.py speed --shape wide --page 100

Builds the release binaries, makes a virtual environment with the peers of `requirements.txt`, starts a server on
loopback that serves made-up people from memory, and prints one table a figure. A figure is printed only when the output
of what is measured has been read back and is right: so many rows, and the sum of their keys.

CPU is that of the client's process alone, user and system, from the operating system. Medians, and the spread from the
least to the greatest.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers"


class Server:
    """The server of made-up people, in a process of its own."""

    def __init__(self, bin, rows, *options):
        arguments = [bin / "bench-server", "--rows", str(rows), *map(str, options)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def stats(self):
        """Requests and refusals since the last look."""
        with urllib.request.urlopen(self.url + "/stats") as answer:
            return json.load(answer)


class Spent:
    """What a process has spent."""

    def __init__(self, command, environment=None):
        begun = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **(environment or {})}
            )
            _, status, usage = os.wait4(process.pid, 0)
            self.wall = time.perf_counter() - begun
            self.code = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime
            self.mib = usage.ru_maxrss / 1024
            if self.code != 0:
                said.seek(0)
                sys.exit(f"{command[0]} ended with {self.code}:\n{said.read().decode()[-2000:]}")


class Bench:
    def __init__(self, options):
        self.options = options
        self.bin = pathlib.Path(options.bin) if options.bin else build()
        self.python = options.python or environment()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="userhaul-bench-"))

    def folder(self, name):
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    # What is measured: each gives what it has spent and the files it wrote.

    def userhaul(
        self, url, rows_a_page=1000, archive=False, connector="thrive", limit="100000", per="1s", in_flight=8
    ):
        """A sync; without a limit the connector's own caution decides."""
        folder = self.folder("userhaul")
        keys = {
            "thrive": 'connector = "thrive"\ntenant_id = "eu-west-2_AbcdEfghI"\napi_key = "bench"\n',
            "declared": f'connector = "{HERE / "users.toml"}"\n',
        }[connector]
        (folder / "userhaul.toml").write_text(
            f'[destination]\ntype = "parquet"\npath = "{folder / "warehouse"}"\n\n[sources.lms]\n{keys}'
            f'base_url = "{url}"\nstreams = ["users"]\nmax_concurrency = {in_flight}\n'
            + (f'rate_limit = {{ requests = {limit}, per = "{per}", mode = "window" }}\n' if limit else "")
            + ("archive = true\n" if archive else "")
            + (f"wire.streams.users.paging.rows = {rows_a_page}\n" if rows_a_page != 1000 else "")
        )
        command = [self.bin / "userhaul", "-c", folder / "userhaul.toml", "--no-progress", "sync"]
        spent = Spent(command, {"USERHAUL_STATE_DIR": str(folder / "state")})
        return spent, folder / "warehouse" / "lms" / "users" / "*.parquet"

    def stock(self, url, rows_a_page=1000):
        file = self.folder("stock") / "users.parquet"
        return Spent([self.bin / "stock-loop", url, rows_a_page, file]), file

    def arrow(self, url, rows_a_page=1000):
        file = self.folder("arrow") / "users.parquet"
        return Spent([self.python, PEERS / "arrow_script.py", url, rows_a_page, file]), file

    def dlt(self, nesting):
        def measure(url, rows_a_page=1000):
            folder = self.folder("dlt")
            spent = Spent([self.python, PEERS / "dlt_rest.py", url, rows_a_page, folder, nesting])
            return spent, folder / "out" / "lms" / "users" / "*.parquet"

        return measure

    def faucet(self, url, rows_a_page=1000):
        folder = self.folder("faucet")
        text = (PEERS / "faucet.yaml").read_text()
        for word, value in {"URL": url, "PER_PAGE": str(rows_a_page), "FOLDER": str(folder / "out")}.items():
            text = text.replace(word, value)
        (folder / "users.yaml").write_text(text)
        return Spent([self.options.faucet, "run", folder / "users.yaml"]), folder / "out" / "*.parquet"

    def checked(self, files, rows):
        """Fails unless the files hold each row once: the count, the different keys, and the sum of their numbers."""
        query = f"select count(*), count(distinct id), sum(ref[4:]::bigint) from '{files}'"
        code = f"import duckdb; print(*duckdb.sql({query!r}).fetchall()[0])"
        said = subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True).stdout.split()
        if [int(word) for word in said] != [rows, rows, rows * (rows - 1) // 2]:
            sys.exit(f"{files}: {said} instead of {rows} rows")

    # The figures.

    def speed(self):
        """Rows a CPU-second of each, in turn."""
        rows, page, shape = self.options.rows, self.options.page, self.options.shape
        contestants = {
            "userhaul": self.userhaul,
            "userhaul, declared": lambda url, page: self.userhaul(url, page, connector="declared"),
            "stock Rust loop": self.stock,
            "pyarrow script": self.arrow,
            "dlt, no nesting": self.dlt("flat"),
            "dlt, default": self.dlt("default"),
        }
        if self.options.faucet:
            contestants["faucet-stream"] = self.faucet
        spent = {name: [] for name in contestants}
        with Server(self.bin, rows, "--shape", shape) as server:
            Spent([self.bin / "fetch-only", server.url, page, -(-rows // page), 8])
            for round in range(self.options.rounds):
                for name, measure in contestants.items():
                    if name.startswith("dlt") and round >= self.options.slow_rounds:
                        continue
                    server.stats()
                    one, files = measure(server.url, page)
                    one.requests = server.stats()["requests"]
                    self.checked(files, rows)
                    spent[name].append(one)
        print(f"\n## {rows:,} rows of shape `{shape}`, {page:,} a page\n")
        print("| | rows/CPU-s | spread | userhaul is | wall s | peak MiB | requests |\n|---|---|---|---|---|---|---|")
        ours = statistics.median(rows / one.cpu for one in spent["userhaul"])
        for name, all in spent.items():
            rates = sorted(rows / one.cpu for one in all)
            middle = statistics.median(rates)
            print(
                f"| {name} | {middle:,.0f} | {rates[0]:,.0f}–{rates[-1]:,.0f} | {ours / middle:.2f}× | "
                f"{statistics.median(one.wall for one in all):.2f} | {max(one.mib for one in all):.0f} | {all[0].requests} |"
            )

    def latency(self):
        """Wall time at 50 ms a page, eight at once, against fetching alone."""
        rows = self.options.rows
        pages = -(-rows // 1000)
        ratios, theirs = [], []
        with Server(self.bin, rows, "--latency-ms", 50) as server:
            Spent([self.bin / "fetch-only", server.url, 1000, pages, 8])
            for _ in range(self.options.rounds):
                alone = Spent([self.bin / "fetch-only", server.url, 1000, pages, 8])
                ours, files = self.userhaul(server.url)
                self.checked(files, rows)
                ratios.append((ours.wall / alone.wall, ours.wall, alone.wall))
                if self.options.faucet:
                    spent, files = self.faucet(server.url)
                    self.checked(files, rows)
                    theirs.append((spent.wall / ours.wall, spent.wall))
        ratios.sort()
        ratio, ours, alone = ratios[len(ratios) // 2]
        print(f"\n## 50 ms a page, eight at once, {rows:,} rows\n")
        print(f"userhaul {ours:.2f} s, fetching alone {alone:.2f} s: {ratio:.2f}×, {ratios[0][0]:.2f}–{ratios[-1][0]:.2f}")
        if theirs:
            theirs.sort()
            ratio, wall = theirs[len(theirs) // 2]
            print(f"\nfaucet-stream, one page at a time, {wall:.2f} s: {ratio:.2f}×, {theirs[0][0]:.2f}–{theirs[-1][0]:.2f}")

    def memory(self):
        """Peak memory from a hundred thousand rows to ten million."""
        print("\n## Peak memory\n\n| rows | at once | peak MiB | spread | rows/CPU-s |\n|---|---|---|---|---|")
        for rows in (self.options.rows, 10 * self.options.rows, 100 * self.options.rows):
            # What a long run takes differs little from time to time.
            rounds = self.options.rounds if rows <= 100_000 else 3 if rows <= 1_000_000 else 1
            for in_flight in (4, 8):
                peaks = []
                for _ in range(rounds):
                    with Server(self.bin, rows) as server:
                        spent, files = self.userhaul(server.url, in_flight=in_flight)
                    self.checked(files, rows)
                    peaks.append(spent.mib)
                peaks.sort()
                print(f"| {rows:,} | {in_flight} | {statistics.median(peaks):.1f} | {peaks[0]:.1f}–{peaks[-1]:.1f} | {rows / spent.cpu:,.0f} |")

    def size(self):
        """Bytes a row against DuckDB's zstd Parquet of the same pages."""
        rows = self.options.rows
        pages = self.folder("pages")
        with Server(self.bin, rows) as server:
            for page in range(1, -(-rows // 1000) + 1):
                with urllib.request.urlopen(f"{server.url}/rest/v1/users?page={page}&perPage=1000") as answer:
                    (pages / f"{page:05}.json").write_bytes(answer.read())
            _, files = self.userhaul(server.url)
        theirs = self.folder("duckdb") / "users.parquet"
        spent = Spent([self.python, PEERS / "duckdb_files.py", pages, theirs])
        self.checked(theirs, rows)
        ours = sum(file.stat().st_size for file in files.parent.glob("*.parquet"))
        print(f"\n## Bytes a row, {rows:,} rows\n")
        print(
            f"userhaul {ours / rows:.1f} (lineage and `_extra` included), DuckDB {theirs.stat().st_size / rows:.1f}: "
            f"{ours / theirs.stat().st_size:.2f}×. DuckDB read the pages as files, at {rows / spent.cpu:,.0f} rows/CPU-s."
        )

    def quota(self):
        """Time against the optimum where the limit is known, and refusals."""
        print("\n## Known quota: 100 requests a window, 350 pages\n\n| window | rows a page | seconds | optimum | ratio | refused |\n|---|---|---|---|---|---|")
        # Of small pages it is the waiting alone that is measured, of large ones what they take in the last window too.
        for long, page in ((3, 10), (3, 1000), (30, 1000)):
            for window in ("sliding", "fixed"):
                # Less one page for the request that asks for page 1's total again.
                with Server(self.bin, 349 * page, "--limit", 100, "--per-ms", long * 1000, "--window", window) as server:
                    spent, _ = self.userhaul(server.url, page, limit="100", per=f"{long}s")
                    said = server.stats()
                optimum = (-(-said["requests"] // 100) - 1) * long
                print(f"| {window}, {long} s | {page} | {spent.wall:.2f} | {optimum} | {spent.wall / optimum:.3f} | {said['refused']} |")

    def unknown_quota(self):
        """Refusals where nobody has told the limit."""
        print("\n## Unknown quota: 100 requests in 10 s, 250 pages\n\n| window | Retry-After | seconds | windows | refused | a window |\n|---|---|---|---|---|---|")
        for window, retry_after in (("sliding", 10), ("fixed", 10), ("fixed", None), ("fixed", 60)):
            options = ["--retry-after", retry_after] if retry_after else []
            with Server(self.bin, 250_000, "--limit", 100, "--per-ms", 10_000, "--window", window, *options) as server:
                spent, files = self.userhaul(server.url, limit=None)
                said = server.stats()
            self.checked(files, 250_000)
            windows = max(1, spent.wall / 10)
            print(
                f"| {window} | {retry_after or 'none'} | {spent.wall:.1f} | {windows:.1f} | {said['refused']} | "
                f"{said['refused'] / windows:.2f} |"
            )


def build():
    command = ["cargo", "build", "--release", "--package", "userhaul", "--package", "userhaul-bench"]
    subprocess.run(command, cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def environment():
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench-peers"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--requirement", HERE / "requirements.txt"]
    subprocess.run(install, check=True)
    return python


def main():
    figures = ("speed", "latency", "memory", "size", "quota", "unknown_quota")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", choices=[*figures, []], default=figures)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--page", type=int, default=1000, help="rows a page, for the speed")
    parser.add_argument("--shape", default="users", help="what rows look like, for the speed; see bench/src/shape.rs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=5, help="rounds of those that take a minute each")
    parser.add_argument("--bin", help="folder of built binaries, instead of building them")
    parser.add_argument("--python", help="an interpreter that has the peers, instead of making an environment")
    parser.add_argument("--faucet", help="the program of faucet-stream, to be measured too; see docs/benchmarks.md")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        for figure in options.figures:
            getattr(bench, figure)()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
