"""Counts the instructions that a row of a stage takes, and fails where they have grown by more than 5 %.

    python3 bench/instructions.py                  # builds, counts, compares with instructions.json
    python3 bench/instructions.py --write          # takes today's counts as those to compare with

Instructions do not depend on what else the machine does. They do depend on the compiler, so that counts of another
version are shown and not judged. Needs valgrind.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
KNOWN = HERE / "instructions.json"
STAGES = ("decode",)
ROWS = 10_000
MOST = 1.05


def build():
    subprocess.run(["cargo", "build", "--release", "--package", "userhaul-stages"], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "userhaul-stages"


def counted(program, stage, times):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--times", str(times), stage]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1])


def a_row(program, stage):
    """What the second and third time take: the first one's preparations fall out of the difference. The least of three
    processes, as the hashes of a map are seeded anew in each."""
    return min(counted(program, stage, 3) - counted(program, stage, 1) for _ in range(3)) / 2 / ROWS


def compiler():
    return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, help="the built program, instead of building it")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    program = options.bin or build()
    counts = {stage: round(a_row(program, stage)) for stage in STAGES}
    version = compiler()
    if options.write:
        KNOWN.write_text(json.dumps({"rustc": version, "instructions_a_row": counts}, indent=2) + "\n")
        return
    known = json.loads(KNOWN.read_text())
    grown = []
    for stage, count in counts.items():
        before = known["instructions_a_row"][stage]
        print(f"{stage}: {count:,} instructions a row, {before:,} known, {count / before - 1:+.1%}")
        if count > before * MOST:
            grown.append(stage)
    if known["rustc"] != version:
        print(f"not judged: the known counts are of rustc {known['rustc']}, these of {version}")
    elif grown:
        sys.exit(f"{' and '.join(grown)} take more than 5 % more instructions; with a reason, run it with --write")


if __name__ == "__main__":
    main()
